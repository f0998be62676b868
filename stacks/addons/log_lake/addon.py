"""The log lake's settings, and what the kit must know of it: duties, theorems, prices, gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import aws_cdk as cdk
import botocore.session
from aws_cdk import aws_iam as iam

from stacks.addons.core import Core
from stacks.addons.log_lake.permissions import lake_ceilings
from stacks.addons.log_lake.schema import WRITTEN
from stacks.addons.log_lake.stack import LakeStack
from stacks.addons.log_lake.theorems import lake_theorems
from stacks.addons.log_lake.waivers import lake_waivers
from stacks.settings.addon import FREE, Addon, AddonError, Price
from stacks.settings.validation import between, distinct, matches, require
from starburst_assurance.proofs.theorems.identities.reaching import Taker
from starburst_assurance.proofs.theorems.perimeter.deputies import Job
from starburst_assurance.waivers import Waiver

if TYPE_CHECKING:
    from stacks.settings import Environment
    from starburst_assurance.proofs.solving.theorem import Theorem
    from starburst_assurance.proofs.theorems.roles.tables import Duty

__all__ = ["LogLake"]

_SENDING: Final = ("firehose:PutRecord", "firehose:PutRecordBatch")
_STREAM: Final = "arn:aws:firehose:{r}:{a}:deliverystream/starburst-{env}-lake-"
_FUNCTION: Final = "arn:aws:lambda:{r}:{a}:function:starburst-{env}-lake"
_PUTTING: Final = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject")
_COLUMNS: Final = ("glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions")
_CATALOG: Final = (*("glue:GetDatabase", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"),)
_QUERIES: Final = (
    *("athena:GetNamedQuery", "athena:GetQueryExecution", "athena:GetQueryResults"),
    *("athena:GetWorkGroup", "athena:ListNamedQueries", "athena:StartQueryExecution"),
    "athena:StopQueryExecution",
)
_OF_GLUE: Final = (
    "arn:aws:glue:{r}:{a}:catalog",
    "arn:aws:glue:{r}:{a}:database/starburst_{env}_lake",
)


@dataclass(frozen=True, kw_only=True)
class LogLake(Addon):
    """What the logs of an environment say, kept for years and asked by SQL (P16, A23).

    Attributes:
        readers: ARNs of roles of this account that read all of it: the security team's, to which
            the policy ``starburst-<environment>-lake-reader`` is attached.
        custodian_account: another account, of which roles may read the lake's own tables through
            the role ``starburst-<environment>-lake-custodian``; None for none.
        days: files of the lake are kept so long.
        cutoff_gb: gigabytes after which a query is stopped.
        buffer_seconds: Firehose gathers records so long before it writes a file, 60 to 900.
    """

    name: ClassVar[str] = "lake"
    summary: ClassVar[str] = (
        "Logs as tables of OCSF, kept for years and asked by SQL: trail, access logs, flows, "
        "workers' lines, sessions."
    )
    page: ClassVar[str] = "docs/addons/log_lake.md"

    readers: tuple[str, ...]
    custodian_account: str | None = None
    days: int = 400
    cutoff_gb: int = 100
    buffer_seconds: int = 300

    def __post_init__(self) -> None:
        """Refuse what could not be deployed, and a lake that nobody could read."""
        allowed = "ARNs of one to ten roles, such as arn:aws:iam::222233334444:role/security"
        count = len(self.readers) if isinstance(self.readers, tuple) else 0
        require(0 < count <= 10, "lake.readers", self.readers, allowed)  # noqa: PLR2004
        for one in self.readers:
            matches("lake.readers", one, r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]{1,500}", allowed)
        distinct("lake.readers", self.readers)
        if self.custodian_account is not None:
            matches("lake.custodian_account", self.custodian_account, r"\d{12}", "twelve digits")
        between("lake.days", self.days, 1, 36_500)
        between("lake.cutoff_gb", self.cutoff_gb, 1, 100_000)
        between("lake.buffer_seconds", self.buffer_seconds, 60, 900)

    def check(self, environment: Environment) -> None:
        """Refuse an environment without a trail of its own, and readers of another account."""
        me = f"environment {environment.name}:"
        allowed = "Audit(trail=True): an organization's trail has a lake of its own"
        require(environment.audit.trail, f"{me} audit.trail beside the log lake", False, allowed)
        for one in self.readers:
            allowed = f"roles of account {environment.account}; others read by custodian_account"
            require(f"::{environment.account}:" in one, f"{me} lake.readers", one, allowed)
        allowed = "another account than the environment's, which readers= is for"
        other = self.custodian_account != environment.account
        require(other, f"{me} lake.custodian_account", self.custodian_account, allowed)
        allowed = "None with endpoints='while_bursting': the boundary has no room for both"
        room = self.custodian_account is None or not environment.network.while_bursting
        require(room, f"{me} lake.custodian_account", self.custodian_account, allowed)

    def build(self, stage: cdk.Stage) -> None:
        """Add the one stack."""
        core = Core.of(stage)
        if core.audit is None:
            raise AddonError("the log lake needs the environment's own trail: audit.trail=True")
        LakeStack(
            stage,
            self.name,
            core=core,
            audit=core.audit,
            days=self.days,
            cutoff_gb=self.cutoff_gb,
            seconds=self.buffer_seconds,
            readers=self.readers,
            # The trail records every Region, and an attacker chooses which.
            regions=botocore.session.get_session().get_available_regions("cloudtrail"),
            custodian=self.custodian_account,
            **core.stack_options(self.name),
        )

    def ceilings(self, environment: Environment) -> Sequence[iam.PolicyStatement]:
        """Return what Firehose and a custodian need."""
        del environment
        return lake_ceilings(shared=self.custodian_account is not None)

    def waivers(self, environment: Environment) -> Sequence[Waiver]:
        """Return its exceptions."""
        return tuple(lake_waivers(environment))

    def duties(self) -> Mapping[str, Sequence[Duty]]:
        """Return what each role is for."""
        lines = "arn:aws:logs:{r}:{a}:log-group:"
        sent = tuple(f"{_STREAM}{name}" for name in WRITTEN if name != "tasks")
        reading: Sequence[Duty] = (
            (_QUERIES, ("arn:aws:athena:{r}:{a}:workgroup/starburst-{env}-lake",)),
            (_CATALOG, (*_OF_GLUE, "arn:aws:glue:{r}:{a}:table/starburst_{env}_lake/*")),
            (("s3:GetBucketLocation", "s3:ListBucket"), ("{lake/Bucket}",)),
            (
                ("s3:GetObject",),
                ("{lake/Bucket}/tables/*", "{lake/Bucket}/errors/*", "{lake/Bucket}/results/*"),
            ),
            (_PUTTING, ("{lake/Bucket}/results/*",)),
            (("kms:Decrypt", "kms:GenerateDataKey"), ("{lake/Key}",)),
        )
        return {
            "lake": (
                (
                    ("logs:CreateLogStream", "logs:PutLogEvents"),
                    (f"{lines}/aws/lambda/starburst-{{env}}-lake:log-stream:*",),
                ),
            ),
            "lake-delivery": (
                (_PUTTING, ("{lake/Bucket}/tables/*", "{lake/Bucket}/errors/*")),
                (
                    ("s3:GetBucketLocation", "s3:ListBucketMultipartUploads"),
                    ("{lake/Bucket}",),
                ),
                (("kms:Decrypt", "kms:GenerateDataKey"), ("{lake/Key}",)),
                (
                    _COLUMNS,
                    (
                        *_OF_GLUE,
                        *(
                            f"arn:aws:glue:{{r}}:{{a}}:table/starburst_{{env}}_lake/{name}"
                            for name in WRITTEN
                        ),
                    ),
                ),
                (
                    ("lambda:InvokeFunction",),
                    (_FUNCTION, f"{_FUNCTION}:$LATEST"),
                ),
            ),
            "lake-custodian": reading,
            "lake/Sender": ((_SENDING, sent),),
            "lake/Teller": ((_SENDING, (f"{_STREAM}tasks",)),),
        }

    def ceiling_duties(self) -> Sequence[Duty]:
        """Return the most that any role may be given because of it."""
        shared = (*_CATALOG, *_QUERIES) if self.custodian_account is not None else ()
        return (((*_SENDING, *_COLUMNS, *shared), ("*",)),)

    def jobs(self) -> Mapping[str, Sequence[Job]]:
        """Return who tells of set-aside files, and who delivers access logs of the bucket."""
        told = {
            "aws:SourceAccount": "{a}",
            "aws:SourceArn": "arn:aws:events:{r}:{a}:rule/*",
        }
        return {
            "lake/WatchFilesLog": tuple(
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
                    where="/lake/*",
                    said={"aws:SourceAccount": "{a}"},
                ),
            ),
        }

    def takers(self) -> Mapping[str, Sequence[Taker]]:
        """Return that the custodian's account takes the one role that is for it."""
        if self.custodian_account is None:
            return {}
        return {"lake-custodian": (Taker(who=self.custodian_account, actions=("sts:AssumeRole",)),)}

    def theorems(self) -> Sequence[Theorem]:
        """Return what is proved beside the core theorems."""
        return lake_theorems(self.readers, custodian=self.custodian_account)

    def prices(self) -> Mapping[str, Price]:
        """Return how its types are billed for existing: none is, all of these cost by use."""
        return dict.fromkeys(
            (
                *("AWS::Athena::NamedQuery", "AWS::Athena::WorkGroup", "AWS::Glue::Database"),
                *("AWS::Glue::Table", "AWS::KinesisFirehose::DeliveryStream"),
                "AWS::Logs::SubscriptionFilter",
            ),
            FREE,
        )

    def local_gaps(self) -> Sequence[str]:
        """Return what the emulator lacks."""
        return (
            "CloudWatch Logs and EventBridge send nothing to Firehose; tests send what they would",
            "Athena reads neither views nor CloudTrail's files: the views are asked in DuckDB",
            "saved queries of Athena do not exist, and a stream's encryption is stored only",
        )
