"""GuardDuty's settings, and what the kit must know of it: duties, a theorem, prices, gaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import aws_cdk as cdk

from stacks.addons.core import Core
from stacks.addons.guardduty.stack import GuardDutyStack
from stacks.settings.addon import FREE, Addon, Price
from stacks.settings.once import Holding, Owner, Single
from stacks.settings.validation import KEPT_A_YEAR_DAYS, between, matches, require
from stacks.waivers import decision
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import actions_on, requests, session_of
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, never, theorem
from starburst_assurance.proofs.theorems.perimeter.deputies import Job
from starburst_assurance.waivers import Waiver

if TYPE_CHECKING:
    from stacks.settings import Environment
    from starburst_assurance.proofs.theorems.roles.tables import Duty

__all__ = ["GuardDuty", "no_finding_is_kept_from_people"]

DETECTOR: Final = Single(type="AWS::GuardDuty::Detector")

_TOPICS: Final = "arn:aws:sns:{r}:{a}:starburst-{env}-control-"
"""How the topics begin by which alarms are heard."""

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")


@theorem("Findings")
def no_finding_is_kept_from_people(world: World) -> Iterator[Claim]:
    """Nobody but the function that tells findings writes, or takes away, a note of what is told.

    A note says that people know a finding; a false one would keep it from them.
    """
    note = world.logic.join(f"{world.policy_set.named['guardduty/Told']}/", world.logic.text("key"))
    for role in world.policy_set.roles:
        if role.purpose == "guardduty":
            continue
        asked = [
            one
            for one in requests(session_of(world, role), actions_on(world, "s3"), note)
            if not one.action.startswith(("s3:Get", "s3:List"))
        ]
        yield never(role.name, [(one, world.allowed(role, one)) for one in asked])


@dataclass(frozen=True, kw_only=True)
class GuardDuty(Addon):
    """Findings of the account's detector, told once each, and alarms on misuse (P18, A24).

    Attributes:
        detector_id: of a detector that the account has already, such as its organization's; None
            to make the account's one, in the environment that has ``shared``.
        runtime: whether the detector's runtime monitoring, with its agent for tasks on Fargate, is
            on in the account. The kit's own cluster leaves it out: see the page.
        least_severity: findings from this on are told, 1 to 10; all are in the console.
    """

    name: ClassVar[str] = "guardduty"
    summary: ClassVar[str] = (
        "GuardDuty's detector, its findings told by e-mail once each, and alarms on misuse of "
        "workers."
    )
    page: ClassVar[str] = "docs/addons/guardduty.md"

    detector_id: str | None = None
    runtime: bool = False
    least_severity: int = 4

    def __post_init__(self) -> None:
        """Refuse what could not be deployed."""
        if self.detector_id is not None:
            allowed = "32 hex digits, as `aws guardduty list-detectors` prints them"
            matches("guardduty.detector_id", self.detector_id, "[0-9a-f]{32}", allowed)
            allowed = "False with detector_id: who made that detector decides"
            require(not self.runtime, "guardduty.runtime", self.runtime, allowed)
        between("guardduty.least_severity", self.least_severity, 1, 10)

    def check(self, environment: Environment) -> None:
        """Refuse a second owner of what an account has once, and findings that nobody hears."""
        me = f"environment {environment.name}:"
        allowed = (
            "its id where the environment has no shared=: an account has one detector in a Region, "
            "which the environment with shared= makes"
        )
        owned = self.detector_id is not None or environment.shared is not None
        require(owned, f"{me} guardduty.detector_id", self.detector_id, allowed)
        heard = (*environment.alert_emails, *environment.security_emails)
        allowed = "one address or more, or security_emails: nobody would be told of a finding"
        require(heard or environment.without, f"{me} alert_emails", heard, allowed)

    def once(self, environment: Environment) -> Mapping[Single, Holding]:
        """Return who has the detector."""
        del environment
        owner: Owner = "this" if self.detector_id is None else "elsewhere"
        return {DETECTOR: Holding(owner=owner, leaving="GuardDuty(detector_id=…)")}

    def build(self, stage: cdk.Stage) -> None:
        """Add the one stack."""
        core = Core.of(stage)
        options = core.stack_options(self.name)
        GuardDutyStack(stage, self.name, core=core, settings=self, **options)

    def waivers(self, environment: Environment) -> Sequence[Waiver]:
        """Return its exceptions."""
        return tuple(_waivers(environment, detects=self.detector_id is None))

    def duties(self) -> Mapping[str, Sequence[Duty]]:
        """Return what the function's role is for."""
        group = "arn:aws:logs:{r}:{a}:log-group:/aws/lambda/starburst-{env}-guardduty:log-stream:*"
        return {
            "guardduty": (
                (("s3:PutObject",), ("{guardduty/Told}/told/*",)),
                (("s3:ListBucket",), ("{guardduty/Told}",)),
                (("sns:Publish",), (f"{_TOPICS}*",)),
                (("kms:Decrypt", "kms:GenerateDataKey"), ("{logs_key}",)),
                (("logs:CreateLogStream", "logs:PutLogEvents"), (group,)),
            )
        }

    def ceiling_duties(self) -> Sequence[Duty]:
        """Return the most that any role may be given because of it."""
        return ((("sns:Publish",), (f"{_TOPICS}*",)),)

    def jobs(self) -> Mapping[str, Sequence[Job]]:
        """Return who invokes the function."""
        rule = "arn:aws:events:{r}:{a}:rule/starburst-{env}-guardduty-Findings*"
        job = Job(
            service="events.amazonaws.com",
            actions=("lambda:InvokeFunction",),
            said={"aws:SourceArn": rule},
        )
        return {"guardduty/TellerFunction": (job,)}

    def theorems(self) -> Sequence[Theorem]:
        """Return what is proved beside the core theorems."""
        return (no_finding_is_kept_from_people,)

    def prices(self) -> Mapping[str, Price]:
        """Return how its types are billed for existing: a detector costs by what it looks at."""
        return {"AWS::GuardDuty::Detector": FREE}

    def local_gaps(self) -> Sequence[str]:
        """Return what the emulator lacks."""
        return (
            *(["no detector exists: nothing looks"] if self.detector_id is None else []),
            "EventBridge has no findings: tests send what GuardDuty would",
            "Container Insights counts nothing, so no alarm on misuse rings",
        )


def _waivers(environment: Environment, *, detects: bool) -> Iterator[Waiver]:
    if detects:
        yield decision(
            ["CT.GUARDDUTY.PR.1"],
            ["guardduty/Detector"],
            "S3 protection is on by Features, which took the place of the DataSources that the "
            "rule knows; GuardDuty refuses a detector that has both.",
        )
    yield decision(
        [
            *(
                f"{pack}-{rule}"
                for pack in _PACKS
                for rule in (
                    "S3BucketReplicationEnabled",
                    "S3DefaultEncryptionKMS",
                    "S3BucketLoggingEnabled",
                )
            ),
            *("AwsSolutions-S1", "CT.S3.PR.2", "CT.S3.PR.4", "CT.S3.PR.9", "CT.S3.PR.10"),
        ],
        ["guardduty/Told/Resource"],
        "Its objects are empty and named by hashes: what is lost of them is told once more, and "
        "the findings themselves are GuardDuty's to keep.",
    )
    yield decision(
        [*(f"{pack}-LambdaInsideVPC" for pack in _PACKS), "CT.LAMBDA.PR.3"],
        ["guardduty/Teller/Function"],
        "It calls S3 and SNS alone, by a role that may do nothing else; the VPC has no endpoint "
        "for SNS, and one would cost more than all else of this add-on.",
    )
    yield decision(
        ["HIPAA.Security-LambdaDLQ", "NIST.800.53.R5-LambdaDLQ"],
        ["guardduty/Teller/Function"],
        "Lambda tries for hours, two alarms tell of what failed and of what was given up, and the "
        "finding stays in GuardDuty for 90 days.",
    )
    if environment.log_retention_days < KEPT_A_YEAR_DAYS:
        yield decision(
            ["CT.CLOUDWATCH.PR.2"],
            ["guardduty/Teller/Log/Resource"],
            "A test environment keeps its logs as long as its settings say.",
        )
