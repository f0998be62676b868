"""Backups outlast who makes them, and what comes out of the vault comes to whom settings name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from stacks.addons.finma.permissions import DESTROYING, RESTORING
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import every_action, requests
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, never, theorem
from starburst_assurance.proofs.theorems.data.named_readers import (
    read_by_named_roles,
    strangers,
    unrefused,
)

__all__ = ["finma_theorems"]

GROUP = "Backups for FINMA"
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
            context, given = strangers(world, [*spared, *([broken] if broken else [])])
            asked = requests(context, actions, world.logic.text("point"))
            yield never(about, unrefused(world, vault.policy, asked), given=given)

    @theorem(GROUP)
    def nobody_else_reads_what_is_restored(world: World) -> Iterator[Claim]:
        """Nobody but the named roles touches what was restored, or opens the backups' key.

        AWS Backup in its two roles and break-glass beside them; who deploys opens the key, to make
        the vault, and no object.
        """
        policy_set = world.policy_set
        yield from read_by_named_roles(
            world,
            bucket="finma/Scratch",
            key="finma/Key",
            writer=policy_set.role("finma-restore").arn,
            readers=drillers,
            opening=[policy_set.role("finma-backup").arn, policy_set.deployer or _deployer(world)],
            what="objects",
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
