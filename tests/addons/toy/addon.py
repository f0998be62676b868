"""A complete add-on: a bucket, a schedule, a function with its own folder, and the role it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler

from stacks.addons.core import Core
from stacks.settings.addon import Addon, Price
from stacks.settings.validation import between, matches
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import requests, session_of
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, never, theorem
from starburst_assurance.proofs.theorems.perimeter.deputies import Job
from starburst_assurance.waivers import Waiver
from starburst_constructs.compute.folder_function import FolderFunction
from starburst_constructs.policies.wildcards import Allow, patterns
from starburst_constructs.storage.private_bucket import PrivateBucket

if TYPE_CHECKING:
    from stacks.settings import Environment
    from starburst_assurance.proofs.theorems.roles.tables import Duty

STREAMS = ("logs:CreateLogStream", "logs:PutLogEvents")


@theorem("Notes")
def only_the_toy_writes_notes(world: World) -> Iterator[Claim]:
    """Nobody but the toy's own function ever writes a note."""
    notes = f"{world.policy_set.named['toy/Notes']}/notes/latest.json"
    for role in world.policy_set.roles:
        if role.purpose != "toy":
            asked = requests(session_of(world, role), ["s3:PutObject"], notes)
            yield never(role.name, [(one, world.allowed(role, one)) for one in asked])


@dataclass(frozen=True, kw_only=True)
class Toy(Addon):
    """Leaves a note each hour.

    Attributes:
        word: what the note says; letters.
        hours: between two notes, 1 to 24.
    """

    name: ClassVar[str] = "toy"
    summary: ClassVar[str] = "A function leaves a note each hour."
    page: ClassVar[str] = "tests/addons/toy/how-to.md"

    word: str = "hello"
    hours: int = 1

    def __post_init__(self) -> None:
        """Refuse what could not be deployed."""
        matches("toy.word", self.word, "[a-z]{1,20}", "1 to 20 letters")
        between("toy.hours", self.hours, 1, 24)

    def build(self, stage: cdk.Stage) -> None:
        """Add the one stack."""
        core = Core.of(stage)
        environment = core.environment
        stack = cdk.Stack(stage, self.name, **core.stack_options(self.name))
        notes = PrivateBucket(
            stack,
            "Notes",
            placement=environment.placement,
            encryption=s3.BucketEncryption.S3_MANAGED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=cdk.Duration.days(7),
                    noncurrent_version_expiration=cdk.Duration.days(1),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                )
            ],
        )
        writer = FolderFunction(
            stack,
            "Writer",
            environment=environment.name,
            placement=environment.placement,
            name=self.name,
            description="Leaves a note each hour",
            source=Path(__file__).with_name("source"),
            statements=self.statements(notes),
            boundary=core.foundation.boundary,
            key=cast(kms.IKey, core.foundation.logs_key),
            days=environment.log_retention_days,
            variables={"TOY_BUCKET": notes.bucket_name, "TOY_WORD": self.word},
        )
        events.Rule(
            stack,
            "EachHour",
            schedule=events.Schedule.rate(cdk.Duration.hours(self.hours)),
            targets=[
                cast(
                    events.IRuleTarget,
                    targets.LambdaFunction(
                        cast(lambda_.IFunction, writer.function),
                        event=events.RuleTargetInput.from_object({"toy": "hour"}),
                        retry_attempts=0,
                    ),
                )
            ],
        )
        scheduler.CfnScheduleGroup(stack, "Group", name=f"starburst-{environment.name}-toy")

    def statements(self, notes: s3.Bucket) -> Sequence[iam.PolicyStatement]:
        """Return what the function may do."""
        return [
            Allow(
                sid="WriteNotes",
                actions=["s3:PutObject"],
                resources=patterns(
                    "The function names its notes itself, in its own bucket.",
                    notes.arn_for_objects("notes/*"),
                ),
            )
        ]

    def waivers(self, environment: Environment) -> Sequence[Waiver]:
        """Return what a toy need not have."""
        brief = environment.log_retention_days < 365
        kit = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")

        def waived(resource: str, *rules: str) -> Waiver:
            return Waiver(
                rules=rules,
                resources=(f"toy/{resource}",),
                reason="It is a toy: its notes are worth nothing, and nobody waits for one.",
                owner="tests",
                expires=date(2027, 11, 30),
            )

        def each(*rules: str) -> Iterator[str]:
            for rule in rules:
                yield from (f"{pack}-{rule}" for pack in kit)

        return (
            waived(
                "Notes/Resource",
                *each("S3BucketReplicationEnabled", "S3DefaultEncryptionKMS"),
                *each("S3BucketLoggingEnabled"),
                *("AwsSolutions-S1", "CT.S3.PR.2", "CT.S3.PR.4", "CT.S3.PR.9", "CT.S3.PR.10"),
            ),
            waived(
                "Writer/Function",
                *each("LambdaInsideVPC"),
                *("HIPAA.Security-LambdaDLQ", "NIST.800.53.R5-LambdaDLQ"),
                "CT.LAMBDA.PR.3",
            ),
            # One that no finding needs is a finding: production keeps its lines for a year.
            *([waived("Writer/Log/Resource", "CT.CLOUDWATCH.PR.2")] if brief else []),
        )

    def duties(self) -> Mapping[str, Sequence[Duty]]:
        """Return what the function's role is for."""
        group = "arn:aws:logs:{r}:{a}:log-group:/aws/lambda/starburst-{env}-toy:log-stream:*"
        return {"toy": ((("s3:PutObject",), ("{toy/Notes}/notes/*",)), (STREAMS, (group,)))}

    def jobs(self) -> Mapping[str, Sequence[Job]]:
        """Return who invokes the function."""
        rule = "arn:aws:events:{r}:{a}:rule/starburst-{env}-toy-EachHour*"
        job = Job(
            service="events.amazonaws.com",
            actions=("lambda:InvokeFunction",),
            said={"aws:SourceArn": rule},
        )
        return {"toy/WriterFunction": (job,)}

    def theorems(self) -> Sequence[Theorem]:
        """Return what is proved beside the core theorems."""
        return (only_the_toy_writes_notes,)

    def prices(self) -> Mapping[str, Price]:
        """Return how a type that the kit does not know is billed: a schedule group, for a toy."""
        return {"AWS::Scheduler::ScheduleGroup": Price(what="toys", month=lambda _: 0.25)}

    def local_gaps(self) -> Sequence[str]:
        """Return what the emulator lacks."""
        return ("the toy's schedule runs when a test says so",)
