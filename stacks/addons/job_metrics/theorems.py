"""Who counts, who writes and who reads job metrics: proved against whatever else policies say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from stacks.addons.job_metrics.permissions import RESULTS
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

__all__ = ["jobs_theorems"]

GROUP = "Job metrics"
_READING: Final = (
    *("athena:StartQueryExecution", "athena:StopQueryExecution"),
    *("kms:Decrypt", "kms:GenerateDataKey"),
)
_ANSWERING: Final = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject")
_LOGGING: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
_KMS: Final = ("kms:Decrypt", "kms:GenerateDataKey")


def jobs_theorems(readers: Sequence[str]) -> Sequence[Theorem]:
    """Return the theorems of job metrics.

    Args:
        readers: ARNs of the roles that settings let read.
    """

    @theorem(GROUP)
    def nobody_else_reads_job_metrics(world: World) -> Iterator[Claim]:
        """Nobody but the readers that settings name touches a file, or opens the key.

        No administrator and no root user, whatever their policies say; of ours, the two functions.
        In a test environment others may delete files, unread: so it is destroyed.
        """
        yield from read_by_named_roles(
            world,
            bucket="jobs/Bucket",
            key="jobs/Key",
            writer=world.policy_set.role("jobs-hour").arn,
            readers=readers,
            opening=[world.policy_set.role("jobs-count").arn],
        )

    @theorem(GROUP)
    def readers_of_job_metrics_only_read(world: World) -> Iterator[Claim]:
        """Readers ask one workgroup, read these files and no log of the lake, put answers only."""
        logic, policy_set = world.logic, world.policy_set
        bucket = policy_set.at("jobs/Bucket").arn
        someone = Role(arn=readers[0], tags={}, trust="", policies=(), boundary=None)
        [name] = [one for one in policy_set.policies if one.startswith("jobs/Reading")]
        policy, resource = world.policy(name), logic.text("resource")
        for one in requests(world.session(someone), every_action(world), resource):
            allowed = world.allowed(someone, one, also=[policy])
            about = f"{name}, {one.action}"
            if one.action.startswith("s3:") and one.action not in _ANSWERING:
                inside = logic.some(
                    (logic.same(resource, bucket), logic.starts(resource, f"{bucket}/"))
                )
                yield never(f"{about}, elsewhere", [(one, allowed)], given=[logic.no(inside)])
            if one.action in _READING or _looks(one.action):
                continue
            answers = [logic.no(logic.starts(resource, f"{bucket}/{RESULTS}"))]
            given = answers if one.action in _ANSWERING else []
            yield never(about, [(one, allowed)], given=given)

    return (
        nobody_else_reads_job_metrics,
        only_the_hour_writes_job_tables,
        who_counts_only_counts,
        who_writes_hours_does_no_more,
        readers_of_job_metrics_only_read,
    )


@theorem(GROUP)
def only_the_hour_writes_job_tables(world: World) -> Iterator[Claim]:
    """Nobody but the hourly function writes a table's file: no reader, no break-glass role."""
    bucket = world.policy_set.at("jobs/Bucket")
    context, given = strangers(world, [world.policy_set.role("jobs-hour").arn])
    key = world.logic.text("key")
    given.append(world.logic.no(world.logic.starts(key, RESULTS)))
    table = world.logic.join(f"{bucket.arn}/", key)
    one = Request(context=context, action="s3:PutObject", resource=table)
    yield never(bucket.arn, unrefused(world, bucket.policy, [one]), given=given)


@theorem(GROUP)
def who_counts_only_counts(world: World) -> Iterator[Claim]:
    """The counting function takes messages of its queue and enters rows, and reads none of them."""
    named = world.policy_set.named
    yield from _only(
        world,
        "jobs-count",
        {
            **dict.fromkeys(
                ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
                named["jobs/Stopped"],
            ),
            "dynamodb:PutItem": named["jobs/Ledger"],
            **dict.fromkeys(_KMS, world.policy_set.at("jobs/Key").arn),
        },
    )


@theorem(GROUP)
def who_writes_hours_does_no_more(world: World) -> Iterator[Claim]:
    """The hourly function asks the controller by the door that only tells, and reads no file.

    So it starts, stops and freezes nothing, and what it has written it cannot read again.
    """
    named = world.policy_set.named
    ledger = named["jobs/Ledger"]
    yield from _only(
        world,
        "jobs-hour",
        {
            "lambda:InvokeFunction": f"{named['control/Controller']}:records",
            **dict.fromkeys(
                ("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
                ledger,
            ),
            **dict.fromkeys(_KMS, world.policy_set.at("jobs/Key").arn),
        },
        below={"s3:PutObject": f"{world.policy_set.at('jobs/Bucket').arn}/job_"},
    )


def _only(
    world: World, purpose: str, at: dict[str, str], *, below: dict[str, str] | None = None
) -> Iterator[Claim]:
    """Claim that a role does nothing but these, each at one resource, or below one name."""
    role, logic = world.policy_set.role(purpose), world.logic
    resource = logic.text("resource")
    own = f":log-group:/aws/lambda/starburst-{world.policy_set.name}-{purpose}:log-stream:"
    place = f"arn:aws:logs:{world.policy_set.region}:{world.policy_set.account}"
    starts = {**(below or {}), **dict.fromkeys(_LOGGING, f"{place}{own}")}
    for one in requests(world.session(role), every_action(world), resource):
        given = []
        if one.action in at:
            given = [logic.no(logic.same(resource, at[one.action]))]
        elif one.action in starts:
            given = [logic.no(logic.starts(resource, starts[one.action]))]
        allowed = world.allowed(role, one, boundary=False)
        yield never(f"{role.name}, {one.action}", [(one, allowed)], given=given)


def _looks(action: str) -> bool:
    return action.partition(":")[2].startswith(("BatchGet", "Get", "List"))
