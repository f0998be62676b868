"""What AWS services may do to what is ours: each its job, for us, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from starburst_assurance.proofs.encoding.clusters import in_each_cluster
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import SERVICES, actions_on, within
from starburst_assurance.proofs.encoding.logic import Formula, Text
from starburst_assurance.proofs.encoding.patterns import glob
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.policies import Guarded
from starburst_assurance.proofs.solving.theorem import Claim, never, theorem

GROUP = "Perimeter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one service does to one resource.

    Attributes:
        service: its principal.
        actions: patterns of what it does.
        where: what follows the resource's ARN, as a pattern.
        said: patterns of what the request must say: on whose behalf it is made.
    """

    service: str
    actions: Sequence[str]
    where: str = ""
    said: Mapping[str, str] = field(default_factory=dict)


_US: Final = {"aws:SourceAccount": "{a}"}
_CLUSTER: Final = {
    "kms:EncryptionContext:aws:ecs:clusterAccount": "{a}",
    "kms:EncryptionContext:aws:ecs:clusterName": "{cluster}",
}
_WAKES: Final = "arn:aws:events:{r}:{a}:rule/starburst-{env}-control-Wake"
_ALARMS: Final = {**_US, "aws:SourceArn": "arn:aws:cloudwatch:{r}:{a}:alarm:*"}
_TRAIL: Final = {**_US, "aws:SourceArn": "arn:aws:cloudtrail:{r}:{a}:trail/starburst-{env}"}

JOBS: Final[Mapping[str, Sequence[Job]]] = {
    "foundation/DataKey": (
        Job(
            service="fargate.amazonaws.com",
            actions=("kms:GenerateDataKeyWithoutPlaintext",),
            said=_CLUSTER,
        ),
        Job(
            service="fargate.amazonaws.com",
            actions=("kms:CreateGrant",),
            said={**_CLUSTER, "kms:GrantOperations": "Decrypt"},
        ),
    ),
    "foundation/LogsKey": (
        Job(
            service="logs.{r}.amazonaws.com",
            actions=(
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey*",
                "kms:ReEncrypt*",
            ),
            said={"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:{r}:{a}:log-group:*"},
        ),
        Job(
            service="cloudtrail.amazonaws.com",
            actions=("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"),
            said={**_US, "aws:SourceArn": "arn:aws:cloudtrail:*:{a}:trail/*"},
        ),
        *(
            Job(
                service=f"{name}.amazonaws.com",
                actions=("kms:Decrypt", "kms:GenerateDataKey*"),
                said=_US,
            )
            for name in ("budgets", "cloudwatch", "events")
        ),
    ),
    "storage/AccessLogs": (
        Job(
            service="logging.s3.amazonaws.com",
            actions=("s3:PutObject",),
            where="/data/*",
            said={**_US, "aws:SourceArn": "{data}"},
        ),
        Job(
            service="logging.s3.amazonaws.com",
            actions=("s3:PutObject",),
            where="/trail/*",
            said=_US,
        ),
    ),
    "audit/Files": (
        Job(service="cloudtrail.amazonaws.com", actions=("s3:GetBucketAcl",), said=_TRAIL),
        Job(
            service="cloudtrail.amazonaws.com",
            actions=("s3:PutObject",),
            where="/AWSLogs/{a}/*",
            said=_TRAIL,
        ),
    ),
    "control/Alerts": (
        Job(service="cloudwatch.amazonaws.com", actions=("sns:Publish",), said=_ALARMS),
        Job(
            service="budgets.amazonaws.com",
            actions=("sns:Publish",),
            said={**_US, "aws:SourceArn": "arn:aws:budgets::{a}:*"},
        ),
    ),
    "control/SecurityAlerts": (
        Job(service="cloudwatch.amazonaws.com", actions=("sns:Publish",), said=_ALARMS),
    ),
    # Where events of a trail are passed on into a log group, by a rule of ours.
    **{
        f"control/{group}Log": tuple(
            Job(
                service=service,
                actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                said={**_US, "aws:SourceArn": "arn:aws:events:{r}:{a}:rule/*"},
            )
            for service in ("events.amazonaws.com", "delivery.logs.amazonaws.com")
        )
        for group in ("Elsewhere", "Forwarded")
    },
    "control/Wakes": (
        Job(
            service="events.amazonaws.com",
            actions=("sqs:SendMessage",),
            said={
                **_US,
                "aws:SourceArn": f"{_WAKES}WorkerLost*",
            },
        ),
    ),
    "control/ControllerService": (
        Job(
            service="events.amazonaws.com",
            actions=("lambda:InvokeFunction",),
            said={"aws:SourceArn": f"{_WAKES}*"},
        ),
        # Where the environment freezes at a budget: from the topic that budgets alone publish to.
        Job(
            service="sns.amazonaws.com",
            actions=("lambda:InvokeFunction",),
            said={**_US, "aws:SourceArn": "arn:aws:sns:{r}:{a}:starburst-{env}-budgets"},
        ),
    ),
    "cost/Spent": (
        Job(
            service="budgets.amazonaws.com",
            actions=("sns:Publish",),
            said={**_US, "aws:SourceArn": "arn:aws:budgets::{a}:*"},
        ),
    ),
}
"""What each AWS service does to each of our resources; to any other, nothing."""


@theorem(GROUP)
def services_do_their_job(world: World) -> Iterator[Claim]:
    """An AWS service does to our keys, buckets, topics and logs what its job is, and no more.

    Each says on whose behalf: our account, trail, log group, cluster, alarm or rule. What each is
    for is a table beside this theorem.
    """
    names = {arn: name for name, arn in world.policy_set.named.items()}
    for item in world.policy_set.guarded:
        name = names.get(item.arn, "")
        jobs = (*JOBS.get(name, ()), *world.policy_set.jobs.get(name, ()))
        for action in actions_on(world, SERVICES[item.kind]):
            context = world.context()
            context.put("aws:PrincipalIsAWSService", "true")
            context.put("aws:PrincipalAccount")
            context.put("aws:PrincipalArn")
            context.put("aws:PrincipalServiceName", world.logic.text("service"))
            resource, given = within(world, item)
            its_job = [
                _does(world, job, item, context, resource)
                for job in jobs
                if any(glob(pattern).fullmatch(action) for pattern in job.actions)
            ]
            one = Request(context=context, action=action, resource=resource)
            yield never(
                f"{names.get(item.arn, item.arn)}, {action}",
                [(one, world.admitted(one, at=item))],
                given=[*given, world.logic.no(world.logic.some(its_job))],
            )


def _does(world: World, job: Job, item: Guarded, context: Context, resource: Text) -> Formula:
    logic = world.logic
    said: list[Formula] = []
    for key, pattern in job.said.items():
        slots = context.key(key, several=key == "kms:GrantOperations").slots
        said.append(context.has(key))
        said += [
            logic.some(
                (
                    logic.no(slot.present),
                    *(
                        logic.like(slot.text, _filled(world, each))
                        for each in in_each_cluster(world.policy_set, pattern)
                    ),
                )
            )
            for slot in slots
        ]
    return logic.every(
        (
            context.is_("aws:PrincipalServiceName", _filled(world, job.service)),
            logic.like(resource, f"{item.arn}{_filled(world, job.where)}"),
            *said,
        )
    )


def _filled(world: World, pattern: str) -> str:
    policy_set = world.policy_set
    values = {
        "{a}": policy_set.account,
        "{data}": policy_set.named["storage/Data"],
        "{env}": policy_set.name,
        "{r}": policy_set.region,
    }
    for name, value in values.items():
        pattern = pattern.replace(name, value)
    return pattern
