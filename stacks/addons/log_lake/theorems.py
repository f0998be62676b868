"""Who writes the lake and who reads it: proved against whatever an identity policy says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from stacks.addons.log_lake.permissions import RESULTS, TABLES
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import actions_on, every_action, requests
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.policies import Role
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, never, theorem

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["lake_theorems"]

GROUP = "The log lake"
_OPENING: Final = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom")
_ERASING: Final = ("s3:DeleteObject", "s3:DeleteObjectVersion")
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
        policy_set = world.policy_set
        broken = policy_set.break_glass
        known = [_delivering(world), *readers, *([broken] if broken else [])]
        known += [role.arn for role in policy_set.roles_for("lake-custodian") if custodian]
        kept = policy_set.deployer is not None
        context, given = _others(world, known)
        bucket, key = policy_set.at("lake/Bucket"), policy_set.at("lake/Key")
        asked = requests(
            context,
            (*actions_on(world, "s3"), *_ERASING),
            world.logic.join(f"{bucket.arn}/", world.logic.text("key")),
        )
        files = [one for one in asked if kept or one.action not in _ERASING]
        yield never("files", _let_through(world, bucket.policy, files), given=given)
        opened = list(requests(context, _OPENING, key.arn))
        # A service that uses a grant names nobody; Firehose has one, for what is on its way.
        signed = [*given, context.has("aws:PrincipalArn")]
        yield never("the key", _let_through(world, key.policy, opened), given=signed)

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
    context, given = _others(world, [_delivering(world)])
    table = world.logic.join(f"{bucket.arn}/{TABLES}", world.logic.text("key"))
    one = Request(context=context, action="s3:PutObject", resource=table)
    yield never(bucket.arn, _let_through(world, bucket.policy, [one]), given=given)


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


def _others(world: World, allowed: Sequence[str]) -> tuple[Context, list[Formula]]:
    """Return the context of a caller who is no service and none of these."""
    context = world.context()
    context.put("aws:PrincipalIsAWSService", "false")
    return context, [context.is_not("aws:PrincipalArn", arn) for arn in allowed]


def _let_through(
    world: World, policy: str, asked: Sequence[Request]
) -> list[tuple[Request, Formula]]:
    """Return that a resource's policy does not refuse a request by itself."""
    return [(one, world.logic.no(world.refuses(world.policy(policy), one))) for one in asked]


def _given(world: World) -> list[str]:
    """Return the names of the policies that readers get."""
    found = [name for name in world.policy_set.policies if name.startswith("lake/")]
    return sorted(name for name in found if "Reading" in name)


def _looks(action: str) -> bool:
    return action.partition(":")[2].startswith(("BatchGet", "Get", "List"))
