"""The add-on's settings, and what the kit must know of it: duties, theorems, prices, gaps (P20)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, get_args

import aws_cdk as cdk

from stacks.addons.core import Core
from stacks.addons.finma.alarms import STEP_HOURS
from stacks.addons.finma.settings import Classification, Lock
from stacks.addons.finma.stack import FinmaStack
from stacks.addons.finma.theorems import finma_theorems
from stacks.addons.finma.waived import finma_waivers
from stacks.settings.addon import FREE, Addon, Price
from stacks.settings.validation import CRON_FIELDS, between, distinct, matches, require
from starburst_assurance.proofs.theorems.perimeter.deputies import Job
from starburst_constructs.naming import role_arn

if TYPE_CHECKING:
    from stacks.settings import Environment
    from starburst_assurance.proofs.solving.theorem import Theorem
    from starburst_assurance.proofs.theorems.roles.tables import Duty
    from starburst_assurance.waivers import Waiver

__all__ = ["Finma"]

_MOST: Final = 10
_CRON: Final = rf"cron\({CRON_FIELDS}\)"
_READING: Final = (
    *("s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:GetObjectVersion"),
    *("s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"),
)
_ASKING: Final = (
    *("s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketNotification"),
    *("s3:GetBucketTagging", "s3:GetBucketVersioning", "s3:GetInventoryConfiguration"),
    *("s3:ListBucket", "s3:ListBucketVersions", "s3:PutBucketNotification"),
    "s3:PutInventoryConfiguration",
)
_RULES: Final = (
    *("events:DeleteRule", "events:DescribeRule", "events:DisableRule", "events:EnableRule"),
    *("events:ListTargetsByRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets"),
)
_RULE: Final = "arn:aws:events:{r}:{a}:rule/AwsBackupManagedRule*"
_POINTS: Final = "arn:aws:backup:{r}:{a}:recovery-point:*"
_LOOKING: Final = ("cloudwatch:GetMetricData", "events:ListRules")
_ASKING_TARGET: Final = (
    *("s3:GetBucketLocation", "s3:GetBucketOwnershipControls", "s3:GetBucketVersioning"),
    *("s3:ListBucket", "s3:ListBucketVersions"),
)
_WRITING: Final = (
    *("s3:DeleteObject", "s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging"),
    *("s3:GetObjectVersion", "s3:GetObjectVersionAcl", "s3:ListMultipartUploadParts"),
    *("s3:PutObject", "s3:PutObjectTagging"),
)


@dataclass(frozen=True, kw_only=True)
class Finma(Addon):
    """What FINMA circular 2023/1 asks of critical data, as far as a stack can answer (P20, A26).

    Attributes:
        classification: how critical the environment's data are, by three measures; tags say so.
        rto_hours: the recovery time objective: a restore that takes longer fails its drill, 1 to
            720.
        rpo_hours: the recovery point objective: an alarm rings where no backup was completed for so
            long, 24 to 168 in steps of 12, which is as far back as an alarm looks.
        drillers: ARNs of roles of this account that alone restore: each is among the environment's
            ``data_role_arns``, and has the policy ``starburst-<environment>-finma-driller``.
        keep_days: a backup is kept so long, 1 to 36,500, and with a lock no shorter.
        schedule: when a backup begins, as AWS Backup writes it, in UTC.
        lock: of the vault. ``governance`` keeps backups from whoever deploys; ``compliance``
            keeps them from everybody after three days, AWS and yourself included.
    """

    name: ClassVar[str] = "finma"
    summary: ClassVar[str] = (
        "Data classified by confidentiality, integrity and availability, backed up into a locked "
        "vault, and restores that are tried against an objective."
    )
    page: ClassVar[str] = "docs/addons/finma.md"

    classification: Classification
    rto_hours: int
    drillers: tuple[str, ...]
    rpo_hours: int = 48
    keep_days: int = 35
    schedule: str = "cron(0 3 * * ? *)"
    lock: Lock = "governance"

    def __post_init__(self) -> None:
        """Refuse what could not be deployed."""
        known = isinstance(self.classification, Classification)
        allowed = "a Classification of stacks.addons.finma"
        require(known, "finma.classification", self.classification, allowed)
        between("finma.rto_hours", self.rto_hours, 1, 720)
        between("finma.rpo_hours", self.rpo_hours, 24, 168)
        allowed = f"a multiple of {STEP_HOURS}"
        require(self.rpo_hours % STEP_HOURS == 0, "finma.rpo_hours", self.rpo_hours, allowed)
        allowed = f"ARNs of 1 to {_MOST} roles, such as arn:aws:iam::222233334444:role/restorer"
        count = len(self.drillers) if isinstance(self.drillers, tuple) else 0
        require(0 < count <= _MOST, "finma.drillers", self.drillers, allowed)
        for one in self.drillers:
            pattern = r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]{1,500}"
            matches("finma.drillers", one, pattern, allowed)
        distinct("finma.drillers", self.drillers)
        between("finma.keep_days", self.keep_days, 1, 36_500)
        allowed = "six fields, of which one for days is ?, such as cron(0 3 * * ? *)"
        matches("finma.schedule", self.schedule, _CRON, allowed)
        require(self.lock in get_args(Lock), "finma.lock", self.lock, " or ".join(get_args(Lock)))

    def check(self, environment: Environment) -> None:
        """Refuse roles that the data bucket would refuse, and a level that contradicts the data."""
        me = f"environment {environment.name}: finma"
        for one in self.drillers:
            let = one in environment.data_role_arns
            allowed = f"among data_role_arns: the data bucket refuses other roles; add {one}"
            require(let, f"{me}: {one}", "not let to data", allowed)
        level = self.classification.confidentiality
        restricted = environment.data_class == "restricted"
        allowed = "medium or high, as data_class is restricted"
        fits = not (restricted and level == "low")
        require(fits, f"{me}.classification.confidentiality", level, allowed)

    @staticmethod
    def scratch_name(environment: Environment) -> str:
        """Return the name of the bucket into which is restored."""
        return f"starburst-{environment.name}-finma-{environment.account}-{environment.region}"

    def build(self, stage: cdk.Stage) -> None:
        """Add the one stack."""
        core = Core.of(stage)
        FinmaStack(stage, self.name, core=core, settings=self, **core.stack_options(self.name))

    def waivers(self, environment: Environment) -> Sequence[Waiver]:
        """Return its exceptions."""
        return tuple(finma_waivers(environment))

    def duties(self) -> Mapping[str, Sequence[Duty]]:
        """Return what AWS Backup does in each of its two roles."""
        return {
            "finma-backup": (
                (_ASKING, ("{bucket}",)),
                (_READING, ("{bucket}/*",)),
                (("kms:Decrypt", "kms:DescribeKey"), ("{key}",)),
                (_RULES, (_RULE,)),
                (("backup:TagResource",), (_POINTS,)),
                (_LOOKING, ("*",)),
            ),
            "finma-restore": (
                (_ASKING_TARGET, ("{finma/Scratch}",)),
                (_WRITING, ("{finma/Scratch}/*",)),
                (("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"), ("{finma/Key}",)),
            ),
        }

    def ceiling_duties(self) -> Sequence[Duty]:
        """Return the most that the boundary of its own roles allows beyond the core's."""
        scratch = "arn:aws:s3:::starburst-{env}-finma-{a}-{r}"
        return (
            ((*_ASKING, *_READING), ("{bucket}", "{bucket}/*")),
            ((*_ASKING_TARGET, *_WRITING), (scratch, f"{scratch}/*")),
            (("kms:DescribeKey",), ("arn:aws:kms:{r}:{a}:key/*",)),
            (_RULES, (_RULE,)),
            (("backup:TagResource",), (_POINTS,)),
            (_LOOKING, ("*",)),
        )

    def data_roles(self, environment: Environment) -> Sequence[str]:
        """Return the role in which AWS Backup reads data."""
        return (role_arn(environment.name, "finma-backup", account=environment.account),)

    def jobs(self) -> Mapping[str, Sequence[Job]]:
        """Return who tells of backups, and who delivers access logs of the scratch bucket."""
        told = {
            "aws:SourceAccount": "{a}",
            "aws:SourceArn": "arn:aws:events:{r}:{a}:rule/*",
        }
        return {
            "finma/WatchJobsLog": tuple(
                Job(
                    service=service,
                    actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                    said=told,
                )
                for service in ("events.amazonaws.com", "delivery.logs.amazonaws.com")
            ),
            "storage/AccessLogs": (
                Job(
                    service="logging.s3.amazonaws.com",
                    actions=("s3:PutObject",),
                    where="/finma/*",
                    said={"aws:SourceAccount": "{a}"},
                ),
            ),
        }

    def theorems(self) -> Sequence[Theorem]:
        """Return what is proved beside the core theorems."""
        return finma_theorems(self.drillers)

    def prices(self) -> Mapping[str, Price]:
        """Return how its types are billed for existing: none is, what a vault keeps is by use."""
        names = ("BackupPlan", "BackupSelection", "BackupVault")
        return {f"AWS::Backup::{name}": FREE for name in names}

    def local_gaps(self) -> Sequence[str]:
        """Return what the emulator lacks."""
        return (
            "it has no AWS::Backup::BackupSelection, and its vault keeps nothing: no backup is "
            "made and none is restored; the drill is tested on a vault of its tests",
        )
