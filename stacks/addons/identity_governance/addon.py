"""Identity governance's settings, and what the kit must know of it: duties, theorems, prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import aws_cdk as cdk

from stacks.addons.core import Core
from stacks.addons.identity_governance.instances_policy import instances_policy
from stacks.addons.identity_governance.member import Member
from stacks.addons.identity_governance.stack import GovernanceStack
from stacks.addons.identity_governance.theorems import (
    governance_theorems,
    instances_theorem,
    member_theorems,
)
from stacks.addons.identity_governance.waived import governance_waivers
from stacks.settings.addon import FREE, Addon, Price
from stacks.settings.validation import CRON_FIELDS, between, distinct, matches, require
from starburst_assurance.proofs.theorems.perimeter.deputies import Job
from starburst_assurance.waivers import Waiver

if TYPE_CHECKING:
    from stacks.settings import Environment
    from starburst_assurance.proofs.solving.theorem import Theorem
    from starburst_assurance.proofs.theorems.roles.tables import Duty

__all__ = ["IdentityGovernance"]

_MOST_READERS: Final = 10
_MOST_ACCOUNTS: Final = 100
_ACCOUNT: Final = r"\d{12}"
_REGION: Final = r"[a-z]{2}(-[a-z]+)+-\d"
_TARGET: Final = r"r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|\d{12}"


@dataclass(frozen=True, kw_only=True)
class IdentityGovernance(Addon):
    """Who may make instances of Identity Center, which there are, and who uses them (P1, A17).

    Attributes:
        organization_id: ``o-…``; its accounts are read, and tell of changes.
        readers: ARNs of roles of this account that read reports, to which the policy
            ``starburst-<environment>-governance-reports`` is attached.
        allowed_accounts: ids of the accounts that may make an instance; none for nobody.
        policy_targets: root, organizational units or accounts to which the policy is attached from
            here: only where this account is the organization's management account, or a delegated
            administrator of its policies. None to print it instead.
        regions: in which instances are looked for; none for the environment's allowed Regions.
        schedule: of the reports, a cron expression of EventBridge in UTC.
        overdue_days: where no report is younger, all are made at once; more than lie between two
            rings of ``schedule``, and no more than ``days``.
        days: reports are kept so long.
    """

    name: ClassVar[str] = "governance"
    summary: ClassVar[str] = (
        "Instances of Identity Center in all accounts: who may make one, reports on people in "
        "several, on applications and their users, alarms, and leavers."
    )
    page: ClassVar[str] = "docs/addons/identity_governance.md"

    organization_id: str
    readers: tuple[str, ...]
    allowed_accounts: tuple[str, ...] = ()
    policy_targets: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    schedule: str = "0 6 ? * MON *"
    overdue_days: int = 8
    days: int = 400

    def __post_init__(self) -> None:
        """Refuse what could not be deployed, and reports that nobody could read."""
        me = "governance."
        pattern = "o-[a-z0-9]{10,32}"
        matches(f"{me}organization_id", self.organization_id, pattern, pattern)
        allowed = "ARNs of one to ten roles, such as arn:aws:iam::222233334444:role/security"
        count = len(self.readers) if isinstance(self.readers, tuple) else 0
        require(0 < count <= _MOST_READERS, f"{me}readers", self.readers, allowed)
        for one in self.readers:
            matches(f"{me}readers", one, r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]{1,500}", allowed)
        distinct(f"{me}readers", self.readers)
        for field, values, form, allowed in (
            ("allowed_accounts", self.allowed_accounts, _ACCOUNT, "twelve digits each"),
            ("policy_targets", self.policy_targets, _TARGET, "r-…, ou-… or twelve digits each"),
            ("regions", self.regions, _REGION, "Regions such as eu-west-1"),
        ):
            require(isinstance(values, tuple), f"{me}{field}", values, f"a tuple, {allowed}")
            between(f"number of {me}{field}", len(values), 0, _MOST_ACCOUNTS)
            distinct(f"{me}{field}", values)
            for one in values:
                matches(f"{me}{field}", one, form, allowed)
        allowed = "six fields without cron(…), of which one for days is ?, such as 0 6 ? * MON *"
        matches(f"{me}schedule", self.schedule, CRON_FIELDS, allowed)
        between(f"{me}days", self.days, 1, 3_650)
        between(f"{me}overdue_days", self.overdue_days, 1, self.days)

    def member(self, environment: Environment) -> Member:
        """Return what the accounts of the organization know of an environment that has it."""
        return Member(
            environment=environment.name,
            account=environment.account,
            region=environment.region,
            organization=self.organization_id,
        )

    def check(self, environment: Environment) -> None:
        """Refuse readers of another account, and another organization than the environment's."""
        me = f"environment {environment.name}: governance."
        for one in self.readers:
            allowed = f"roles of account {environment.account}"
            require(f"::{environment.account}:" in one, f"{me}readers", one, allowed)
        known = environment.organization_id
        same = known is None or known == self.organization_id
        require(same, f"{me}organization_id", self.organization_id, f"{known}, the environment's")

    def build(self, stage: cdk.Stage) -> None:
        """Add the one stack."""
        core = Core.of(stage)
        GovernanceStack(
            stage,
            self.name,
            core=core,
            member=self.member(core.environment),
            readers=self.readers,
            regions=self.regions or core.environment.allowed_regions,
            schedule=self.schedule,
            overdue_days=self.overdue_days,
            days=self.days,
            allowed=self.allowed_accounts,
            targets=self.policy_targets,
            **core.stack_options(self.name),
        )

    def waivers(self, environment: Environment) -> Sequence[Waiver]:
        """Return its exceptions."""
        return tuple(governance_waivers(environment))

    def duties(self) -> Mapping[str, Sequence[Duty]]:
        """Return what the audit's role is for."""
        return {
            "governance": (
                (("organizations:DescribeOrganization", "organizations:ListAccounts"), ("*",)),
                (
                    ("sts:AssumeRole",),
                    ("arn:aws:iam::*:role/starburst-{env}-governance-reader",),
                ),
                (("s3:PutObject",), ("{governance/Bucket}/reports/*",)),
                (("s3:ListBucket",), ("{governance/Bucket}",)),
                (("kms:GenerateDataKey",), ("{governance/Key}",)),
                (
                    ("logs:CreateLogStream", "logs:PutLogEvents"),
                    (
                        "arn:aws:logs:{r}:{a}:log-group:/aws/lambda/starburst-{env}-governance"
                        ":log-stream:*",
                    ),
                ),
            )
        }

    def ceiling_duties(self) -> Sequence[Duty]:
        """Return the most that the boundary of its own role allows beyond the core's."""
        return (
            (("organizations:DescribeOrganization", "organizations:ListAccounts"), ("*",)),
            (("sts:AssumeRole",), ("arn:aws:iam::*:role/starburst-{env}-governance-reader",)),
        )

    def jobs(self) -> Mapping[str, Sequence[Job]]:
        """Return who invokes the audit, and who delivers access logs of the reports' bucket."""
        rule = "arn:aws:events:{r}:{a}:rule/starburst-{env}-governance"
        return {
            "governance/AuditFunction": tuple(
                Job(
                    service="events.amazonaws.com",
                    actions=("lambda:InvokeFunction",),
                    said={"aws:SourceArn": one},
                )
                for one in (rule, f"{rule}-TwiceADay*")
            ),
            "governance/HeardLog": tuple(
                Job(
                    service=service,
                    actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                    said={
                        "aws:SourceAccount": "{a}",
                        "aws:SourceArn": "arn:aws:events:{r}:{a}:rule/*",
                    },
                )
                for service in ("events.amazonaws.com", "delivery.logs.amazonaws.com")
            ),
            "storage/AccessLogs": (
                Job(
                    service="logging.s3.amazonaws.com",
                    actions=("s3:PutObject",),
                    where="/governance/*",
                    said={"aws:SourceAccount": "{a}"},
                ),
            ),
        }

    def theorems(self) -> Sequence[Theorem]:
        """Return what is proved beside the core theorems."""
        return (
            instances_theorem(instances_policy(self.allowed_accounts), self.allowed_accounts),
            *member_theorems(self.organization_id),
            *governance_theorems(self.readers),
        )

    def prices(self) -> Mapping[str, Price]:
        """Return how its types are billed for existing: none is."""
        return dict.fromkeys(("AWS::Events::EventBus", "AWS::Organizations::Policy"), FREE)

    def local_gaps(self) -> Sequence[str]:
        """Return what the emulator lacks."""
        return (
            "there is no Identity Center: tests answer for it, and elsewhere each account is "
            "reported as not read",
            "EventBridge has no events of CloudTrail; what rings is tried on records by its rules",
            "Organizations keeps a service control policy and does not enforce it",
        )
