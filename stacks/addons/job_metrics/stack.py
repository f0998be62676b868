"""The one stack of job metrics: queue, ledger, two functions, files, tables, metrics, alarms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_athena as athena
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_glue as glue
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.addons.bounded import BoundedStack
from stacks.addons.core import Core
from stacks.addons.job_metrics.alarms import job_alarms
from stacks.addons.job_metrics.catalog import TABLES, JobsCatalog, queries, query_id
from stacks.addons.job_metrics.intake import COUNTING, ledger, queues
from stacks.addons.job_metrics.measures import (
    Dashboard,
    Measure,
    MeasureFilters,
)
from stacks.addons.job_metrics.permissions import (
    RESULTS,
    Jobs,
    counting_statements,
    hourly_statements,
    jobs_ceilings,
    reading_statements,
)
from stacks.addons.job_metrics.quicksight import QuickSight
from stacks.addons.job_metrics.rates import prices_of
from stacks.addons.workgroup import save_queries, workgroup
from starburst.contract import PROTOCOL, ControllerDoor, controller_name
from starburst_constructs.compute.folder_function import FolderFunction
from starburst_constructs.monitoring.logs import EncryptedLogGroup
from starburst_constructs.naming import cluster_name, role_arn
from starburst_constructs.policies.wildcards import DeclaredPolicy
from starburst_constructs.storage.closed_bucket import ClosedBucket
from starburst_constructs.storage.jobs_key import JobsKey

__all__ = ["JobsStack"]

_STATELESS: Final = (
    athena.CfnNamedQuery,
    athena.CfnWorkGroup,
    glue.CfnTable,
    cloudwatch.CfnDashboard,
)
_FUNCTIONS: Final = Path(__file__).with_name("functions")

_BATCH: Final = 100
_HOURLY: Final = cdk.Duration.minutes(15)
_HOURLY_MB: Final = 512
_FEWEST: Final = 2
"""Calls at once: the fewest that Lambda takes for a queue."""


class JobsStack(BoundedStack):
    """Job metrics of one environment.

    Args:
        scope: the stage.
        construct_id: its id there.
        core: the stacks that it stands on.
        lake: the log lake's stack, which has the database.
        readers: ARNs of roles that read all of it.
        days: files are kept so long.
        ledger_days: rows of the ledger are kept so long.
        cutoff_gb: a query that reads more is stopped.
        measure: that the alarm looks at.
        above: from which value of a day on it rings.
        bill: table of a Cost and Usage Report 2.0; None for none.
        quicksight_owner: ARN of a user or group of QuickSight; None for none of it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        core: Core,
        lake: cdk.Stack,
        readers: Sequence[str],
        days: int,
        ledger_days: int,
        cutoff_gb: int,
        measure: Measure,
        above: float,
        bill: str | None,
        quicksight_owner: str | None,
        **kwargs: Any,
    ) -> None:
        environment = core.environment
        super().__init__(
            scope,
            construct_id,
            core=core,
            ceilings=jobs_ceilings(environment.name, account=environment.account),
            **kwargs,
        )
        self._core, self._days, self._ledger_days = core, days, ledger_days
        counting, hourly = (
            role_arn(environment.name, purpose, account=environment.account)
            for purpose in ("jobs-count", "jobs-hour")
        )
        broken = [*filter(None, [environment.break_glass_role_arn])]
        self._key = JobsKey(
            self,
            "Key",
            placement=environment.placement,
            principals=[counting, hourly, *readers, *broken],
            keepers=core.foundation.keepers,
        )
        self._bucket = ClosedBucket(
            self,
            "Bucket",
            placement=environment.placement,
            key=self._key,
            access_logs=core.storage.access_logs,
            addon="jobs",
            principals=[hourly, *readers, *broken],
            writer=hourly,
            days={f"{name}/": days for name in TABLES},
            answers=RESULTS,
        )
        placement = environment.placement
        self._ledger = ledger(self, placement=placement, key=self._key)
        self._failures, self._queue = queues(
            self,
            environment=environment.name,
            placement=placement,
            key=self._key,
            apart=environment.own_clusters,
        )
        self._jobs = Jobs(
            environment=environment.name,
            placement=environment.placement,
            bucket_arn=self._bucket.bucket_arn,
            key_arn=self._key.key_arn,
            ledger_arn=self._ledger.table_arn,
            queue_arn=self._queue.queue_arn,
        )
        count, hour = self._count(), self._hour()
        JobsCatalog(
            self,
            "Catalog",
            account=environment.account,
            database=self._jobs.database,
            bucket=self._bucket.bucket_name,
            days=days,
        )
        self._ask(cutoff_gb, bill)
        DeclaredPolicy(
            self,
            "Reading",
            managed_policy_name=f"starburst-{environment.name}-jobs-reader",
            # Without a description: to change one replaces a policy, whose name is taken.
            statements=reading_statements(self._jobs),
        )
        self._watch(count, hour, measure=measure, above=above)
        if quicksight_owner is not None:
            QuickSight(
                self,
                "QuickSight",
                environment=environment.name,
                account=environment.account,
                owner=quicksight_owner,
                workgroup=self._jobs.workgroup,
                database=self._jobs.database,
            )
        # What holds rows and files says so itself; the rest is made again by the next deployment.
        for each in self.node.find_all():
            if isinstance(each, _STATELESS):
                each.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        self.order_roles()
        self.add_stack_dependency(lake)
        self.add_stack_dependency(core.control)

    def _variables(self) -> dict[str, str]:
        return {"JOBS_TABLE": self._ledger.table_name, "JOBS_DAYS": str(self._ledger_days)}

    def _count(self) -> FolderFunction:
        environment = self._core.environment
        made = FolderFunction(
            self,
            "Count",
            environment=environment.name,
            placement=environment.placement,
            name="jobs-count",
            description="Counts each stopped worker once",
            source=_FUNCTIONS,
            statements=counting_statements(self._jobs),
            boundary=self.boundary,
            key=cast(kms.IKey, self._core.foundation.logs_key),
            days=environment.log_retention_days,
            variables={**self._variables(), "JOBS_PRICES": prices_of(environment)},
            timeout=COUNTING,
            concurrency=_FEWEST,
        )
        lambda_.EventSourceMapping(
            self,
            "Poll",
            target=cast(lambda_.IFunction, made.function),
            event_source_arn=self._queue.queue_arn,
            batch_size=_BATCH,
            max_batching_window=cdk.Duration.seconds(5),
            max_concurrency=_FEWEST,
            report_batch_item_failures=True,
        )
        return made

    def _hour(self) -> FolderFunction:
        environment = self._core.environment
        door = lambda_.CfnAlias(
            self,
            "Door",
            function_name=controller_name(environment.name),
            function_version="$LATEST",
            name=ControllerDoor.RECORDS,
        )
        door.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        door_arn = environment.placement.arn(
            "lambda", f"function:{controller_name(environment.name)}:{ControllerDoor.RECORDS}"
        )
        made = FolderFunction(
            self,
            "Hour",
            environment=environment.name,
            placement=environment.placement,
            name="jobs-hour",
            description="Writes what was counted as tables, each hour",
            source=_FUNCTIONS,
            statements=hourly_statements(self._jobs, door_arn=door_arn),
            boundary=self.boundary,
            key=cast(kms.IKey, self._core.foundation.logs_key),
            days=environment.log_retention_days,
            variables={
                **self._variables(),
                "JOBS_BUCKET": self._bucket.bucket_name,
                "JOBS_DOOR": door_arn,
                "JOBS_PROTOCOL": str(PROTOCOL),
            },
            timeout=_HOURLY,
        )
        function = made.function.node.default_child
        assert isinstance(function, lambda_.CfnFunction)  # noqa: S101 - narrows jsii's type
        function.memory_size = _HOURLY_MB
        events.Rule(
            self,
            "EachHour",
            description="Starburst: write an hour of job metrics",
            schedule=events.Schedule.cron(minute="5"),
            targets=[
                cast(
                    events.IRuleTarget,
                    targets.LambdaFunction(
                        cast(lambda_.IFunction, made.function),
                        event=events.RuleTargetInput.from_object({"jobs": "hour"}),
                        # The next hour does what this one did not.
                        retry_attempts=0,
                    ),
                )
            ],
        )
        return made

    def _ask(self, cutoff_gb: int, bill: str | None) -> None:
        environment = self._core.environment
        workgroup(
            self,
            environment=environment,
            name=self._jobs.workgroup,
            description="Queries of job metrics",
            answers=f"s3://{self._bucket.bucket_name}/{RESULTS}",
            key_arn=self._key.key_arn,
            cutoff_gb=cutoff_gb,
        )
        if "query-definitions" in environment.without:
            return
        saved = queries(
            cluster=cluster_name(environment.name),
            bill=bill,
            apart=environment.own_clusters,
            place=f"arn:aws:ecs:{environment.region}:{environment.account}",
        )
        save_queries(
            self,
            {query_id(name): (name, text) for name, text in saved.items()},
            database=self._jobs.database,
            group=self._jobs.workgroup,
        )

    def _watch(
        self, count: FolderFunction, hour: FolderFunction, *, measure: Measure, above: float
    ) -> None:
        environment = self._core.environment
        counted, written = (
            cast(EncryptedLogGroup, each.node.find_child("Log")) for each in (count, hour)
        )
        MeasureFilters(
            self,
            "Measures",
            environment=environment.name,
            of={"jobs-counted": counted, "jobs-session": written},
        )
        alarms = job_alarms(
            self,
            environment=environment.name,
            measure=measure,
            above=above,
            waiting=self._queue,
            failures=self._failures,
            hour=hour.function,
            topic=cast(sns.ITopic, self._core.control.alerts),
        )
        Dashboard(
            self,
            "Dashboard",
            environment=environment.name,
            region=environment.region,
            alarms=alarms,
        )
