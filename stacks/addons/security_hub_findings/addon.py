"""The add-on's settings, and what the kit must know of it: duties, theorems, prices, gaps (P2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import aws_cdk as cdk

from stacks.addons.core import Core
from stacks.addons.security_hub_findings.stack import FindingsStack
from stacks.addons.security_hub_findings.theorems import findings_theorems
from stacks.addons.security_hub_findings.waived import findings_waivers
from stacks.settings.addon import Addon
from stacks.settings.validation import CRON_FIELDS, between, distinct, matches, require
from starburst_assurance.proofs.theorems.identities.reaching import Taker
from starburst_assurance.proofs.theorems.perimeter.deputies import Job
from starburst_assurance.waivers import Waiver

if TYPE_CHECKING:
    from stacks.settings import Environment
    from starburst_assurance.proofs.solving.theorem import Theorem
    from starburst_assurance.proofs.theorems.roles.tables import Duty

__all__ = ["SecurityHubFindings"]

SEVERITIES: Final = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")

_MOST: Final = 10
_CRON: Final = rf"cron\({CRON_FIELDS}\)"
_MINE: Final = "starburst-{env}-findings"


@dataclass(frozen=True, kw_only=True)
class SecurityHubFindings(Addon):
    """Security Hub's active findings as a CSV, each week, and an e-mail that says so (P2).

    Attributes:
        emails: who is told; each confirms once, by a link that SNS sends. 1 to 10.
        readers: ARNs of roles of this account that read the reports: to which the policy
            ``starburst-<environment>-findings-reader`` is attached. 1 to 10.
        schedule: when, as EventBridge writes it, in UTC.
        overdue_days: where people were told of no report for so long, one is made at once; more
            than lie between two rings of ``schedule``, and no more than ``days``.
        severities: labels of the findings that are reported. All of them reports those without a
            label too.
        hub_region: where Security Hub brings findings together; None for the environment's Region.
        days: reports are kept so long.
        link_minutes: put a link into the e-mail that opens the report without a login, for so many
            minutes, 15 to 60; None for the console's link alone, which asks who somebody is.
    """

    name: ClassVar[str] = "findings"
    summary: ClassVar[str] = (
        "Security Hub's active findings as a CSV each week, and an e-mail with their sums."
    )
    page: ClassVar[str] = "docs/addons/security_hub_findings.md"

    emails: tuple[str, ...]
    readers: tuple[str, ...]
    schedule: str = "cron(0 8 ? * MON *)"
    overdue_days: int = 8
    severities: tuple[str, ...] = SEVERITIES
    hub_region: str | None = None
    days: int = 400
    link_minutes: int | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be deployed, and a report that nobody would hear of or read."""
        for field, what, pattern, example in (
            ("emails", "addresses", r"[^\s@]+@[^\s@]+\.[^\s@]+", "security@example.com"),
            (
                "readers",
                "ARNs of roles",
                r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]{1,500}",
                "arn:aws:iam::222233334444:role/security",
            ),
        ):
            values = getattr(self, field)
            allowed = f"1 to {_MOST} {what}, such as {example}"
            count = len(values) if isinstance(values, tuple) else 0
            require(0 < count <= _MOST, f"findings.{field}", values, allowed)
            for one in values:
                matches(f"findings.{field}", one, pattern, allowed)
            distinct(f"findings.{field}", values)
        matches(
            "findings.schedule",
            self.schedule,
            _CRON,
            "six fields, of which one for days is ?, such as cron(0 8 ? * MON *)",
        )
        named = isinstance(self.severities, tuple) and bool(self.severities)
        known = named and all(one in SEVERITIES for one in self.severities)
        require(known, "findings.severities", self.severities, f"some of {', '.join(SEVERITIES)}")
        distinct("findings.severities", self.severities)
        between("findings.days", self.days, 1, 36_500)
        between("findings.overdue_days", self.overdue_days, 1, self.days)
        if self.link_minutes is not None:
            # A role that takes a role gets an hour at most, and no session is shorter than 15
            # minutes: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
            between("findings.link_minutes", self.link_minutes, 15, 60)

    def check(self, environment: Environment) -> None:
        """Refuse readers of another account, and findings of a Region where data may not be."""
        me = f"environment {environment.name}: findings"
        for one in self.readers:
            allowed = f"roles of account {environment.account}"
            require(f"::{environment.account}:" in one, f"{me}.readers", one, allowed)
        if self.hub_region is not None:
            regions = environment.allowed_regions
            allowed = f"one of allowed_regions: {', '.join(regions)}"
            require(self.hub_region in regions, f"{me}.hub_region", self.hub_region, allowed)

    def build(self, stage: cdk.Stage) -> None:
        """Add the one stack."""
        core = Core.of(stage)
        FindingsStack(stage, self.name, core=core, settings=self, **core.stack_options(self.name))

    def waivers(self, environment: Environment) -> Sequence[Waiver]:
        """Return its exceptions."""
        return tuple(findings_waivers(environment))

    def duties(self) -> Mapping[str, Sequence[Duty]]:
        """Return what the function's role and that of links are for."""
        reports, told = "{findings/Reports}/reports/*", "{findings/Reports}/told/*"
        lines = f"arn:aws:logs:{{r}}:{{a}}:log-group:/aws/lambda/{_MINE}:log-stream:*"
        link = f"arn:aws:iam::{{a}}:role/{_MINE}-link"
        writing: list[Duty] = [
            (("logs:CreateLogStream", "logs:PutLogEvents"), (lines,)),
            (
                ("securityhub:GetFindings",),
                (f"arn:aws:securityhub:{self.hub_region or '{r}'}:{{a}}:hub/default",),
            ),
            (("s3:GetObject", "s3:PutObject"), (reports, told)),
            (("s3:ListBucket",), ("{findings/Reports}",)),
            (("kms:Decrypt", "kms:GenerateDataKey"), ("{findings/Key}",)),
            (("sns:Publish",), ("{findings/Topic}",)),
            (("sqs:SendMessage",), ("{findings/Failures}",)),
        ]
        if self.link_minutes is None:
            return {"findings": writing}
        return {
            "findings": [*writing, (("sts:AssumeRole",), (link,))],
            "findings-link": (
                (("s3:GetObject",), (reports,)),
                (("kms:Decrypt",), ("{findings/Key}",)),
            ),
        }

    def ceiling_duties(self) -> Sequence[Duty]:
        """Return the most that the boundary of its own roles allows beyond the core's."""
        found: list[Duty] = [
            (
                ("securityhub:GetFindings",),
                (f"arn:aws:securityhub:{self.hub_region or '{r}'}:{{a}}:hub/default",),
            ),
            (("sns:Publish",), (f"arn:aws:sns:{{r}}:{{a}}:{_MINE}-*",)),
        ]
        if self.link_minutes is not None:
            found.append((("sts:AssumeRole",), (f"arn:aws:iam::{{a}}:role/{_MINE}-link",)))
        return found

    def jobs(self) -> Mapping[str, Sequence[Job]]:
        """Return who invokes the function, and who delivers access logs of the reports' bucket."""
        rule = f"arn:aws:events:{{r}}:{{a}}:rule/{_MINE}-"
        return {
            "findings/ReportFunction": tuple(
                Job(
                    service="events.amazonaws.com",
                    actions=("lambda:InvokeFunction",),
                    said={"aws:SourceArn": f"{rule}{one}*"},
                )
                for one in ("Schedule", "TwiceADay")
            ),
            "storage/AccessLogs": (
                Job(
                    service="logging.s3.amazonaws.com",
                    actions=("s3:PutObject",),
                    where="/findings/*",
                    said={"aws:SourceAccount": "{a}"},
                ),
            ),
        }

    def takers(self) -> Mapping[str, Sequence[Taker]]:
        """Return that the function takes the role that signs links, and nobody else does."""
        if self.link_minutes is None:
            return {}
        writer = f"arn:aws:iam::{{a}}:role/{_MINE}"
        return {"findings-link": (Taker(who=writer, actions=("sts:AssumeRole",)),)}

    def theorems(self) -> Sequence[Theorem]:
        """Return what is proved beside the core theorems."""
        return findings_theorems(self.readers, links=self.link_minutes is not None)

    def local_gaps(self) -> Sequence[str]:
        """Return what the emulator lacks."""
        return (
            "it has no Security Hub: the function fails there; its tests bring moto's",
            "its schedule runs when somebody invokes the function",
        )
