"""Who writes the lake and who reads it: proved against whatever an identity policy says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from stacks.addons.log_lake.permissions import RESULTS, TABLES
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import every_action, requests
from starburst_assurance.proofs.encoding.request import Request
from starburst_assurance.proofs.reading.policies import Role
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, never, theorem
from starburst_assurance.proofs.theorems.data.named_readers import (
    read_by_named_roles,
    strangers,
    unrefused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["lake_theorems"]

GROUP = "The log lake"
_READING: Final = (
    *("athena:StartQueryExecution", "athena:StopQueryExecution"),
    *("kms:Decrypt", "kms:GenerateDataKey"),
)
_ANSWERING: Final = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject")
_SEEING: Final = (
    *("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "logs:GetLogEvents"),
    *("logs:StartQuery", "sqs:ReceiveMessage", "athena:StartQueryExecution", "kms:ReEncryptFrom"),
)


def lake_theorems(readers: Sequence[str], *, custodian: str | None) -> Sequence[Theorem]:
    """Return the theorems of a lake.

    Args:
        readers: ARNs of the roles that settings let read.
        custodian: account whose roles read through one of ours; None for none.
    """

    @theorem(GROUP)
    def nobody_else_reads_the_lake(world: World) -> Iterator[Claim]:
        """Nobody but the readers that settings name touches a file of the lake, or opens its key.

        No administrator and no root user, whatever their policies say: bucket and key refuse it.
        In a test environment others may delete files, unread: so it is destroyed.
        """
        custodians = world.policy_set.roles_for("lake-custodian") if custodian else ()
        yield from read_by_named_roles(
            world,
            bucket="lake/Bucket",
            key="lake/Key",
            writer=_delivering(world),
            readers=readers,
            through=[role.arn for role in custodians],
        )

    @theorem(GROUP)
    def readers_only_read(world: World) -> Iterator[Claim]:
        """What readers are given lets them read, ask the lake's workgroup, and put answers only.

        No other write in any service: of a reader of this account, and of the custodian's role.
        """
        logic = world.logic
        answers = f"{world.policy_set.at('lake/Bucket').arn}/{RESULTS}"
        someone = Role(arn=readers[0], tags={}, trust="", policies=(), boundary=None)
        for name in _given(world):
            resource = logic.text("resource")
            for one in requests(world.session(someone), every_action(world), resource):
                if one.action in _READING or _looks(one.action):
                    continue
                allowed = world.allowed(someone, one, also=[world.policy(name)])
                elsewhere = [logic.no(logic.starts(resource, answers))]
                yield never(
                    f"{name}, {one.action}",
                    [(one, allowed)],
                    given=elsewhere if one.action in _ANSWERING else [],
                )

    found = (
        nobody_else_reads_the_lake,
        only_its_delivery_writes_the_lake,
        who_writes_reads_nothing,
        readers_only_read,
    )
    return (*found, _custody(custodian)) if custodian else found


@theorem(GROUP)
def only_its_delivery_writes_the_lake(world: World) -> Iterator[Claim]:
    """Nobody but Firehose's role writes a table of the lake: no reader, no break-glass role.

    Whatever a caller's policies say.
    """
    bucket = world.policy_set.at("lake/Bucket")
    context, given = strangers(world, [_delivering(world)])
    table = world.logic.join(f"{bucket.arn}/{TABLES}", world.logic.text("key"))
    one = Request(context=context, action="s3:PutObject", resource=table)
    yield never(bucket.arn, unrefused(world, bucket.policy, [one]), given=given)


@theorem(GROUP)
def who_writes_reads_nothing(world: World) -> Iterator[Claim]:
    """Firehose's role and those that feed it read no object, log or message anywhere."""
    named = world.policy_set.named
    feeding = {named["lake/Sender"], named["lake/Teller"], _delivering(world)}
    for role in world.policy_set.roles:
        if role.arn in feeding:
            asked = requests(world.session(role), _SEEING, world.logic.text("resource"))
            allowed = [(one, world.allowed(role, one, boundary=False)) for one in asked]
            yield never(role.name, allowed)


def _custody(account: str) -> Theorem:
    @theorem(GROUP)
    def the_custodian_is_one_account(world: World) -> Iterator[Claim]:
        """Only the custodian's account becomes the custodian's role, and no AWS service does."""
        logic = world.logic
        for role in world.policy_set.roles_for("lake-custodian"):
            for about, service in (("a caller", "false"), ("a service", "true")):
                context = world.context()
                context.put("aws:PrincipalIsAWSService", service)
                arn = context.text("aws:PrincipalArn")
                inside = (
                    context.is_("aws:PrincipalAccount", account),
                    logic.like(arn, f"arn:aws:iam::{account}:*"),
                )
                theirs = (context.is_("aws:PrincipalIsAWSService", "false"), logic.some(inside))
                one = Request(context=context, action="sts:AssumeRole", resource=role.arn)
                yield never(
                    f"{role.name}, {about}",
                    [(one, world.trusted(role, one))],
                    given=[logic.no(logic.every(theirs))],
                )

    return the_custodian_is_one_account


def _delivering(world: World) -> str:
    return world.policy_set.role("lake-delivery").arn


def _given(world: World) -> list[str]:
    """Return the names of the policies that readers get."""
    found = [name for name in world.policy_set.policies if name.startswith("lake/")]
    return sorted(name for name in found if "Reading" in name)


def _looks(action: str) -> bool:
    return action.partition(":")[2].startswith(("BatchGet", "Get", "List"))
