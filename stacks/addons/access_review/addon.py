"""The access review's settings, and what the kit must know of it: duties, theorems, gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import aws_cdk as cdk

from stacks.addons.access_review.stack import AccessReviewStack
from stacks.addons.access_review.theorems import review_theorems
from stacks.addons.access_review.waivers import review_waivers
from stacks.addons.core import Core
from stacks.settings.addon import Addon
from stacks.settings.once import Holding, Single
from stacks.settings.validation import between, require
from starburst_assurance.proofs.theorems.perimeter.deputies import Job
from starburst_assurance.waivers import Waiver

if TYPE_CHECKING:
    from stacks.settings import Environment
    from starburst_assurance.proofs.solving.theorem import Theorem
    from starburst_assurance.proofs.theorems.roles.tables import Duty

__all__ = ["AccessReview"]

ANALYZERS: Final[Mapping[str, Single]] = {
    name: Single(
        type="AWS::AccessAnalyzer::Analyzer", kind=kind, called=f"analyzer of {name} access"
    )
    for name, kind in (
        ("external", "ACCOUNT"),
        ("unused", "ACCOUNT_UNUSED_ACCESS"),
        ("internal", "ACCOUNT_INTERNAL_ACCESS"),
    )
}
"""By the setting that makes each."""

_TRACKED_DAYS: Final = 400
_YEARS: Final = 36_500


@dataclass(frozen=True, kw_only=True)
class AccessReview(Addon):
    """Who may do what, each quarter held against what IAM has on record (P17, S36).

    Attributes:
        external: make an analyzer of access from outside the account, which is free; False where
            account, organization or another environment has one.
        unused: make an analyzer of unused access, which is billed for each role and user of the
            account; False where account, organization or another environment has one.
        internal: make an analyzer of access from within the account to the data bucket, which is
            billed for that resource.
        unused_days: that analyzer calls unused what was not used for so long, 1 to 365.
        after_days: a role, or a policy, is narrowed once it has stood for so long, 90 to 400; IAM
            keeps what was used for 400.
        record_days: the records are kept so long.
    """

    name: ClassVar[str] = "accessreview"
    summary: ClassVar[str] = (
        "Each quarter, what every role may do is held against what it did, and a narrower policy "
        "is proposed."
    )
    page: ClassVar[str] = "docs/addons/access_review.md"

    external: bool = True
    unused: bool = True
    internal: bool = False
    unused_days: int = 90
    after_days: int = _TRACKED_DAYS
    record_days: int = 2192

    def __post_init__(self) -> None:
        """Refuse what could not be deployed, or would call new what is not used yet."""
        for each in ("external", "unused", "internal"):
            value = getattr(self, each)
            require(isinstance(value, bool), f"accessreview.{each}", value, "True or False")
        between("accessreview.unused_days", self.unused_days, 1, 365)
        between("accessreview.after_days", self.after_days, 90, _TRACKED_DAYS)
        between("accessreview.record_days", self.record_days, 365, _YEARS)

    def once(self, environment: Environment) -> Mapping[Single, Holding]:
        """Return its analyzers: an account has one of each kind in a Region.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-quotas.html
        """
        del environment
        return {
            single: Holding(owner="this", leaving=f"AccessReview({each}=False)")
            for each, single in ANALYZERS.items()
            if getattr(self, each)
        }

    def build(self, stage: cdk.Stage) -> None:
        """Add the one stack."""
        core = Core.of(stage)
        AccessReviewStack(
            stage, self.name, core=core, settings=self, **core.stack_options(self.name)
        )

    def waivers(self, environment: Environment) -> Sequence[Waiver]:
        """Return its exceptions."""
        return tuple(review_waivers(environment))

    def duties(self) -> Mapping[str, Sequence[Duty]]:
        """Return what its role is for."""
        roles = ("arn:aws:iam::{a}:role/starburst-{env}-*",)
        policies = ("arn:aws:iam::{a}:policy/starburst-{env}-*",)
        lines = "arn:aws:logs:{r}:{a}:log-group:/aws/lambda/starburst-{env}-accessreview"
        made = {"External": self.external, "Unused": self.unused, "Internal": self.internal}
        analyzers = tuple(f"{{accessreview/{name}}}" for name, there in made.items() if there)
        looking: Duty = (("access-analyzer:GetAnalyzer", "access-analyzer:ListFindings"), analyzers)
        return {
            "accessreview": (
                (
                    (
                        *("iam:GenerateServiceLastAccessedDetails", "iam:GetRole"),
                        *("iam:GetRolePolicy", "iam:ListAttachedRolePolicies"),
                        "iam:ListRolePolicies",
                    ),
                    roles,
                ),
                (("iam:GetPolicy", "iam:GetPolicyVersion"), policies),
                (("iam:GetServiceLastAccessedDetails", "iam:ListRoles"), ("*",)),
                *((looking,) if analyzers else ()),
                (("s3:GetObject", "s3:PutObject"), ("{accessreview/Records}/reviews/*",)),
                (("s3:ListBucket",), ("{accessreview/Records}",)),
                (("kms:Decrypt", "kms:GenerateDataKey"), ("{accessreview/Key}",)),
                (("logs:CreateLogStream", "logs:PutLogEvents"), (f"{lines}:log-stream:*",)),
            )
        }

    def ceiling_duties(self) -> Sequence[Duty]:
        """Return the most that the boundary of its own role allows beyond the core's."""
        named = ("role/starburst-{env}-*", "policy/starburst-{env}-*")
        return (
            (
                (
                    *("iam:GenerateServiceLastAccessedDetails", "iam:GetPolicy", "iam:GetRole"),
                    *("iam:GetPolicyVersion", "iam:GetRolePolicy", "iam:ListRolePolicies"),
                    "iam:ListAttachedRolePolicies",
                ),
                tuple(f"arn:aws:iam::{{a}}:{each}" for each in named),
            ),
            (
                (
                    *("iam:GetServiceLastAccessedDetails", "iam:ListRoles"),
                    *("access-analyzer:GetAnalyzer", "access-analyzer:ListFindings"),
                ),
                ("*",),
            ),
        )

    def jobs(self) -> Mapping[str, Sequence[Job]]:
        """Return who invokes the function, and who delivers its bucket's access logs."""
        rule = "arn:aws:events:{r}:{a}:rule/starburst-{env}-accessreview-TwiceADay*"
        return {
            "accessreview/ReviewFunction": (
                Job(
                    service="events.amazonaws.com",
                    actions=("lambda:InvokeFunction",),
                    said={"aws:SourceArn": rule},
                ),
            ),
            "storage/AccessLogs": (
                Job(
                    service="logging.s3.amazonaws.com",
                    actions=("s3:PutObject",),
                    where="/accessreview/*",
                    said={"aws:SourceAccount": "{a}"},
                ),
            ),
        }

    def theorems(self) -> Sequence[Theorem]:
        """Return what is proved beside the core theorems."""
        return review_theorems()

    def local_gaps(self) -> Sequence[str]:
        """Return what the emulator lacks."""
        return (
            "IAM Access Analyzer does not exist: its analyzers are left out, and the record says "
            "that they did not answer",
            "IAM has no record of what was accessed last: every role is told as not reviewed",
            "the schedule runs when a test says so",
        )
