"""The settings of job metrics, and what the kit must know of them: duties, theorems, prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import aws_cdk as cdk

from stacks.addons.core import Core
from stacks.addons.job_metrics.measures import MEASURES, Measure
from stacks.addons.job_metrics.stack import JobsStack
from stacks.addons.job_metrics.theorems import jobs_theorems
from stacks.addons.job_metrics.waivers import jobs_waivers
from stacks.addons.log_lake import LogLake
from stacks.settings.addon import FREE, Addon, AddonError, Price
from stacks.settings.validation import between, distinct, matches, one_of, positive, require
from starburst_assurance.proofs.theorems.perimeter.deputies import Job
from starburst_assurance.waivers import Waiver

if TYPE_CHECKING:
    from stacks.settings import Environment
    from starburst_assurance.proofs.solving.theorem import Theorem
    from starburst_assurance.proofs.theorems.roles.tables import Duty

__all__ = ["JobMetrics"]

DASHBOARD_MONTH: Final = 3.00
"""US dollars for a dashboard of one's own; three of an account are free, which is not counted.

Source: https://aws.amazon.com/cloudwatch/pricing/, as quoted on 2026-06-13 by
https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/.
"""

_LEDGER: Final = "{jobs/Ledger}"
_KEY: Final = (("kms:Decrypt", "kms:GenerateDataKey"), ("{jobs/Key}",))
_LOG: Final = "arn:aws:logs:{r}:{a}:log-group:/aws/lambda/starburst-{env}-"
_STREAMS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
_FEWEST_LEDGER_DAYS: Final = 35
"""A message waits 14 days in a queue, and as long in the one for failures."""


@dataclass(frozen=True, kw_only=True)
class JobMetrics(Addon):
    """What each analyst, session and workspace cost at list price, counted once (P15, A22).

    Attributes:
        readers: ARNs of roles of this account that read all of it, to which the policy
            ``starburst-<environment>-jobs-reader`` is attached. They need not read the log lake.
        alarm_on: the measure of a day that rings the alarm: ``usd``, ``worker_hours``,
            ``lost_workers``, ``unpriced_workers``, ``start_seconds``, ``session_usd``,
            ``session_hours`` or ``failed_sessions``.
        alarm_from: from which value on it rings.
        days: files are kept so long.
        ledger_days: rows of the ledger are kept so long, 35 or more; an hour can be written again
            as long.
        cutoff_gb: gigabytes after which a query is stopped.
        bill: table of a Cost and Usage Report 2.0 in this account's catalog, as
            ``database.table``, with which list prices are compared; None for none.
        quicksight_owner: ARN of a user or group of Amazon QuickSight that gets a data set of costs;
            QuickSight is billed by user, and its own role has to be among ``readers``. None for no
            QuickSight.
    """

    name: ClassVar[str] = "jobs"
    summary: ClassVar[str] = (
        "What each analyst, session and workspace cost: counted once, kept for years, asked by SQL."
    )
    page: ClassVar[str] = "docs/addons/job_metrics.md"

    readers: tuple[str, ...]
    alarm_on: Measure = "usd"
    alarm_from: float = 100.0
    days: int = 400
    ledger_days: int = 90
    cutoff_gb: int = 10
    bill: str | None = None
    quicksight_owner: str | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be deployed, and metrics that nobody could read."""
        allowed = "ARNs of one to ten roles, such as arn:aws:iam::222233334444:role/finance"
        count = len(self.readers) if isinstance(self.readers, tuple) else 0
        require(0 < count <= 10, "jobs.readers", self.readers, allowed)  # noqa: PLR2004
        for one in self.readers:
            matches("jobs.readers", one, r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]{1,500}", allowed)
        distinct("jobs.readers", self.readers)
        one_of("jobs.alarm_on", self.alarm_on, tuple(MEASURES))
        positive("jobs.alarm_from", self.alarm_from, most=10**9)
        between("jobs.days", self.days, 1, 36_500)
        between("jobs.ledger_days", self.ledger_days, _FEWEST_LEDGER_DAYS, 3_650)
        between("jobs.cutoff_gb", self.cutoff_gb, 1, 100_000)
        if self.bill is not None:
            table = r"[a-z0-9_]{1,255}\.[a-z0-9_]{1,255}"
            matches("jobs.bill", self.bill, table, "a table as database.table, of a-z, 0-9 and _")
        if self.quicksight_owner is not None:
            owner = r"arn:aws:quicksight:[a-z0-9-]+:\d{12}:(user|group)/[\w+=,.@/-]{1,500}"
            allowed = "the ARN of a user or group of QuickSight"
            matches("jobs.quicksight_owner", self.quicksight_owner, owner, allowed)
            allowed = "ARNs of which one at least is QuickSight's role, beside people's"
            require(count > 1, "jobs.readers", self.readers, allowed)

    def check(self, environment: Environment) -> None:
        """Refuse an environment without a log lake before it, and readers of another account."""
        me = f"environment {environment.name}:"
        named = [type(one) for one in environment.addons]
        before = named[: named.index(JobMetrics)] if JobMetrics in named else named
        allowed = "addons=(LogLake(…), JobMetrics(…)): its tables are in the lake's database"
        names = [one.name for one in environment.addons]
        require(LogLake in before, f"{me} addons beside jobs", names, allowed)
        for one in self.readers:
            allowed = f"roles of account {environment.account}"
            require(f"::{environment.account}:" in one, f"{me} jobs.readers", one, allowed)

    def build(self, stage: cdk.Stage) -> None:
        """Add the one stack."""
        core = Core.of(stage)
        lake = stage.node.try_find_child(LogLake.name)
        if not isinstance(lake, cdk.Stack):
            raise AddonError("job metrics need the log lake before them: addons=(LogLake(…), …)")
        JobsStack(
            stage,
            self.name,
            core=core,
            lake=lake,
            readers=self.readers,
            days=self.days,
            ledger_days=self.ledger_days,
            cutoff_gb=self.cutoff_gb,
            measure=self.alarm_on,
            above=self.alarm_from,
            bill=self.bill,
            quicksight_owner=self.quicksight_owner,
            **core.stack_options(self.name),
        )

    def waivers(self, environment: Environment) -> Sequence[Waiver]:
        """Return its exceptions."""
        return tuple(jobs_waivers(environment, bill=self.bill))

    def duties(self) -> Mapping[str, Sequence[Duty]]:
        """Return what each role is for."""
        files = tuple(f"{{jobs/Bucket}}/{name}/*" for name in ("job_workers", "job_sessions"))
        door = "arn:aws:lambda:{r}:{a}:function:starburst-{env}-controller:records"
        return {
            "jobs-count": (
                (
                    ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
                    ("{jobs/Stopped}",),
                ),
                (("dynamodb:PutItem",), (_LEDGER,)),
                _KEY,
                (_STREAMS, (f"{_LOG}jobs-count:log-stream:*",)),
            ),
            "jobs-hour": (
                (("lambda:InvokeFunction",), (door,)),
                (
                    *(("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"),),
                    (_LEDGER,),
                ),
                (("dynamodb:Query",), (_LEDGER,)),
                (("s3:PutObject",), files),
                _KEY,
                (_STREAMS, (f"{_LOG}jobs-hour:log-stream:*",)),
            ),
        }

    def ceiling_duties(self) -> Sequence[Duty]:
        """Return the most that the boundary of its own roles allows beyond the core's."""
        return (
            (
                ("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
                ("arn:aws:dynamodb:*:{a}:table/starburst-{env}-jobs-*",),
            ),
        )

    def jobs(self) -> Mapping[str, Sequence[Job]]:
        """Return what EventBridge does to its queues, key and function, and S3 to access logs."""
        us = {"aws:SourceAccount": "{a}"}
        stops = {**us, "aws:SourceArn": "arn:aws:events:{r}:{a}:rule/starburst-{env}-jobs-Stops*"}
        each = {"aws:SourceArn": "arn:aws:events:{r}:{a}:rule/starburst-{env}-jobs-EachHour*"}
        service = "events.amazonaws.com"
        sends = Job(service=service, actions=("sqs:SendMessage",), said=stops)
        return {
            "jobs/Stopped": (sends,),
            "jobs/Failures": (sends,),
            "jobs/Key": (
                Job(service=service, actions=("kms:Decrypt", "kms:GenerateDataKey*"), said=us),
            ),
            "jobs/HourFunction": (
                Job(service=service, actions=("lambda:InvokeFunction",), said=each),
            ),
            "storage/AccessLogs": (
                Job(
                    service="logging.s3.amazonaws.com",
                    actions=("s3:PutObject",),
                    where="/jobs/*",
                    said=us,
                ),
            ),
        }

    def theorems(self) -> Sequence[Theorem]:
        """Return what is proved beside the core theorems."""
        return jobs_theorems(self.readers)

    def prices(self) -> Mapping[str, Price]:
        """Return how its types are billed for existing: of these, the dashboard alone."""
        return {
            **dict.fromkeys(
                (
                    *("AWS::DynamoDB::Table", "AWS::Lambda::Alias"),
                    # Its users are billed, not what they look at.
                    *("AWS::QuickSight::DataSet", "AWS::QuickSight::DataSource"),
                ),
                FREE,
            ),
            "AWS::CloudWatch::Dashboard": Price(what="dashboards", month=lambda _: DASHBOARD_MONTH),
        }

    def local_gaps(self) -> Sequence[str]:
        """Return what the emulator lacks."""
        return (
            "nothing draws a dashboard or makes metrics of log lines, and no alarm rings",
            "its schedule runs when a test says so, and Athena reads no views",
        )
