"""What there is to prove of a stage of an app: its policy set, and the theorems of its add-ons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from starburst_assurance.proofs.reading.assembly import read_policy_set
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.reading.resolve import Physical
from starburst_assurance.proofs.reading.sharing import Sharing
from starburst_assurance.proofs.solving.theorem import Theorem

__all__ = ["policy_set_of", "policy_sets_of", "theorems_of", "theorems_of_addons"]


def policy_sets_of(
    app: Any,
    assembly: Path | str,
    *,
    only: Sequence[str] | None = None,
    physical: Physical | None = None,
) -> Iterator[PolicySet]:
    """Yield the policy set of every stage of an app that has an ``environment``.

    Args:
        app: as ``app.build`` returns it.
        assembly: where it was synthesized to.
        only: names of environments; all without it.
        physical: how AWS calls what is deployed of the one environment that is meant.
    """
    for stage in app.node.children:
        environment = getattr(stage, "environment", None)
        if environment is not None and (only is None or environment.name in only):
            yield policy_set_of(
                environment,
                assembly,
                addons=getattr(stage, "addons", ()),
                deployer=stage.foundation.deployer_arn if environment.production else None,
                physical=physical,
            )


def policy_set_of(
    environment: Any,
    assembly: Path | str,
    *,
    addons: Sequence[Any],
    deployer: str | None,
    physical: Physical | None = None,
) -> PolicySet:
    """Return the policy set of one environment.

    Args:
        environment: its settings.
        assembly: where it was synthesized to.
        addons: those that it has, as its stage knows them.
        deployer: ARN of the role in which CloudFormation deploys, where keys are kept.
        physical: how AWS calls what is deployed; as the template does without it.

    Raises:
        ProofError: as ``read_policy_set`` raises it.
    """
    existing = environment.network.existing
    theirs = existing.s3_endpoint_id if existing is not None else None
    policy_set = read_policy_set(
        assembly,
        environment.name,
        regions=environment.allowed_regions,
        without=(*environment.without, *(["own-endpoints"] if theirs else [])),
        s3_endpoint=theirs,
        organization=environment.organization_id,
        boundary=environment.permissions_boundary,
        fips=environment.fips,
        trusted_cidrs=environment.trusted_cidrs,
        trusted_vpcs=environment.trusted_vpcs,
        sharing={one.name: Sharing.of(one) for one in environment.workspaces},
        deployer=deployer,
        break_glass=environment.break_glass_role_arn,
        data_roles=(
            *environment.data_role_arns,
            *(arn for addon in addons for arn in addon.data_roles(environment)),
        ),
        identity_center=hasattr(environment.identity, "instance_arn"),
        physical=physical,
    )
    duties: dict[str, list[Any]] = {}
    for addon in addons:
        for purpose, own in addon.duties().items():
            duties.setdefault(purpose, []).extend(own)
    takers: dict[str, list[Any]] = {}
    for addon in addons:
        for purpose, others in addon.takers().items():
            takers.setdefault(purpose, []).extend(others)
    # Several may have access logs delivered into one bucket.
    jobs: dict[str, list[Any]] = {}
    for addon in addons:
        for resource, done in addon.jobs().items():
            jobs.setdefault(resource, []).extend(done)
    return replace(
        policy_set,
        audience=getattr(environment.identity, "audience", policy_set.audience),
        duties=duties,
        addons=tuple(addon.name for addon in addons),
        jobs=jobs,
        takers=takers,
        ceilings={addon.name: tuple(addon.ceiling_duties()) for addon in addons},
        secrets={one.name: one.named_secrets for one in environment.workspaces},
        reads={one.name: environment.named_reads(one) for one in environment.workspaces},
        trusted_vpcs=(
            *environment.trusted_vpcs,
            *([policy_set.vpc] if environment.network.client_groups else []),
        ),
    )


def theorems_of(app: Any, environment: str) -> tuple[Theorem, ...]:
    """Return the theorems that the add-ons of one environment state.

    Args:
        app: as ``app.build`` returns it.
        environment: its name.
    """
    return theorems_of_addons(getattr(app.node.find_child(environment), "addons", ()))


def theorems_of_addons(addons: Sequence[Any]) -> tuple[Theorem, ...]:
    """Return the theorems that add-ons state, in their order."""
    return tuple(each for addon in addons for each in addon.theorems())
