"""Policy sets of the shared synthesis, and small worlds in which one rule of IAM shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import environments
from stacks.addons.enabled import enabled
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import Endpoint, Guarded, Policy, PolicySet, Role
from starburst_assurance.proofs.stages import policy_set_of, policy_sets_of
from tests.variants import synthesize_variants

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

ACCOUNT = "111122223333"
Document = Mapping[str, Any]


@pytest.fixture(scope="session")
def policy_sets(assembly: CloudAssembly) -> Mapping[str, PolicySet]:
    """The policy set of every environment, by name."""
    return {
        environment.name: policy_set_of(
            environment,
            assembly.directory,
            addons=enabled(environment),
            deployer=f"arn:aws:iam::{environment.account}:role/cdk-hnb659fds-cfn-exec-role-"
            f"{environment.account}-{environment.region}"
            if environment.production
            else None,
        )
        for environment in environments.ALL
    }


@pytest.fixture(scope="session")
def variants_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the variants are synthesized to, without the gate."""
    return tmp_path_factory.mktemp("variants")


@pytest.fixture(scope="session")
def variants(variants_assembly: Path) -> Mapping[str, PolicySet]:
    """The policy set of every variant, by name; they are bootstrapped under a qualifier."""
    built = synthesize_variants(variants_assembly, validate=False)
    return {policy_set.name: policy_set for policy_set in policy_sets_of(built, variants_assembly)}


@pytest.fixture
def world() -> Callable[..., World]:
    """A world of one role with the given documents, and one bucket or key."""

    def make(
        *,
        identity: Document,
        boundary: Document | None = None,
        resource: Document | None = None,
        endpoint: Document | None = None,
        trust: Document | None = None,
        kind: str = "bucket",
    ) -> World:
        given = {
            "identity": identity,
            **{"boundary": boundary, "resource": resource, "endpoint": endpoint, "trust": trust},
        }
        policies = {
            name: Policy.parse(name, document)
            for name, document in given.items()
            if document is not None
        }
        role = Role(
            arn=f"arn:aws:iam::{ACCOUNT}:role/tester",
            tags={"starburst:role": "tester"},
            trust="trust" if trust is not None else "identity",
            policies=("identity",),
            boundary="boundary" if boundary is not None else None,
        )
        policy_set = PolicySet(
            name="test",
            account=ACCOUNT,
            region="eu-west-1",
            regions=("eu-west-1",),
            policies=policies,
            roles=(role,),
            guarded=(Guarded(kind=kind, arn="arn:aws:s3:::b", policy="resource"),),
            endpoints=(Endpoint(service="s3", identifier="vpce-1", policy="endpoint"),)
            if endpoint is not None
            else (),
        )
        return World(policy_set=policy_set, logic=Logic(), used=set())

    return make
