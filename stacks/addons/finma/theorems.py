"""Backups outlast who makes them, and what comes out of the vault comes to whom settings name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from stacks.addons.finma.permissions import DESTROYING, RESTORING
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import actions_on, every_action, requests
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, never, theorem

__all__ = ["finma_theorems"]

GROUP = "Backups for FINMA"
_ERASING: Final = ("s3:DeleteObject", "s3:DeleteObjectVersion")
_OPENING: Final = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom")
_CHANGING: Final = ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject")


def finma_theorems(drillers: Sequence[str]) -> Sequence[Theorem]:
    """Return the theorems of the backups.

    Args:
        drillers: ARNs of the roles that settings let restore.
    """

    @theorem(GROUP)
    def backups_outlast_everybody(world: World) -> Iterator[Claim]:
        """Nobody but break-glass ends a backup before its time, or unlocks the vault.

        No administrator, no root user, and not the role in which CloudFormation deploys: the vault
        refuses it, whatever their policies say. And nobody but the named roles restores or copies.
        """
        policy_set = world.policy_set
        broken = policy_set.break_glass
        vault = policy_set.at("finma/Vault")
        for about, actions, spared in (
            ("ending a backup", DESTROYING, ()),
            ("restoring", RESTORING, drillers),
        ):
            context, given = _others(world, [*spared, *([broken] if broken else [])])
            asked = requests(context, actions, world.logic.text("point"))
            yield never(about, _let_through(world, vault.policy, asked), given=given)

    @theorem(GROUP)
    def nobody_else_reads_what_is_restored(world: World) -> Iterator[Claim]:
        """Nobody but the named roles touches what was restored, or opens the backups' key.

        AWS Backup in its two roles and break-glass beside them; who deploys opens the key, to make
        the vault, and no object.
        """
        policy_set = world.policy_set
        broken = [policy_set.break_glass] if policy_set.break_glass else []
        restoring = policy_set.role("finma-restore").arn
        kept = policy_set.deployer is not None
        bucket, key = policy_set.at("finma/Scratch"), policy_set.at("finma/Key")
        context, given = _others(world, [restoring, *drillers, *broken])
        asked = requests(
            context,
            (*actions_on(world, "s3"), *_ERASING),
            world.logic.join(f"{bucket.arn}/", world.logic.text("key")),
        )
        objects = [one for one in asked if kept or one.action not in _ERASING]
        yield never("objects", _let_through(world, bucket.policy, objects), given=given)
        making = policy_set.role("finma-backup").arn
        opens = [making, policy_set.deployer or _deployer(world)]
        more = [*given, *(context.is_not("aws:PrincipalArn", one) for one in opens)]
        yield never(
            "the key",
            _let_through(world, key.policy, requests(context, _OPENING, key.arn)),
            given=[*more, context.has("aws:PrincipalArn")],
        )

    return (
        backups_outlast_everybody,
        nobody_else_reads_what_is_restored,
        a_backup_changes_no_data,
        a_restore_reaches_the_scratch_bucket_alone,
    )


@theorem(GROUP)
def a_backup_changes_no_data(world: World) -> Iterator[Claim]:
    """AWS Backup, as it backs up, writes and deletes no object anywhere."""
    for role in world.policy_set.roles_for("finma-backup"):
        asked = requests(world.session(role), _CHANGING, world.logic.text("object"))
        yield never(role.name, [(one, world.allowed(role, one)) for one in asked])


@theorem(GROUP)
def a_restore_reaches_the_scratch_bucket_alone(world: World) -> Iterator[Claim]:
    """AWS Backup, as it restores, does nothing to anything but the scratch bucket and its key.

    So no restore overwrites data, and none reads them.
    """
    logic = world.logic
    scratch = world.policy_set.at("finma/Scratch").arn
    key = world.policy_set.at("finma/Key").arn
    for role in world.policy_set.roles_for("finma-restore"):
        resource = logic.text("resource")
        inside = logic.some(
            (
                logic.same(resource, scratch),
                logic.starts(resource, f"{scratch}/"),
                logic.same(resource, key),
            )
        )
        asked = requests(world.session(role), every_action(world), resource)
        yield never(
            role.name, [(one, world.allowed(role, one)) for one in asked], given=[logic.no(inside)]
        )


def _deployer(world: World) -> str:
    account, region = world.policy_set.account, world.policy_set.region
    qualifier = world.policy_set.qualifier
    return f"arn:aws:iam::{account}:role/cdk-{qualifier}-cfn-exec-role-{account}-{region}"


def _others(world: World, allowed: Sequence[str]) -> tuple[Context, list[Formula]]:
    """Return the context of a caller who is no service and none of these."""
    context = world.context()
    context.put("aws:PrincipalIsAWSService", "false")
    return context, [context.is_not("aws:PrincipalArn", arn) for arn in allowed]


def _let_through(
    world: World, policy: str, asked: Iterable[Request]
) -> list[tuple[Request, Formula]]:
    """Return that a resource's policy does not refuse a request by itself."""
    return [(one, world.logic.no(world.refuses(world.policy(policy), one))) for one in asked]
