"""Alarms on what workers burn: CPU while no session is open, and memory at its limit (P18, A24).

Root, schedules that start workers, and who else starts them ring in the core, by the trail
(``noticed.controller_bypass``). This is what the trail does not see: a worker that was started
rightly and works for somebody else, or one that its session's end did not stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from starburst.contract.sweep_line import SWEEP_PATTERN
from starburst_constructs.monitoring.metric_filter import NAMESPACE
from starburst_constructs.naming import cluster_name, controller_log_name

__all__ = ["BURNED_UNITS", "FULL_PERCENT", "MisuseAlarms"]

BURNED_UNITS: Final = 128
"""CPU units, of which a vCPU has 1,024: more than containers use that wait for their end."""

FULL_PERCENT: Final = 95
"""Of the memory that all workers together reserve."""

_PERIOD: Final = cdk.Duration.minutes(5)
_PERIODS: Final = 4
"""A session's workers are stopped within minutes of its end; after twenty something is amiss."""

_RUNBOOK: Final = "docs/addons/guardduty.md"


class MisuseAlarms(Construct):
    """Two alarms of each of an environment's clusters.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        topic: who hears.
        apart: workspaces that have clusters of their own.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        topic: sns.ITopic,
        apart: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self._topic = topic
        open_sessions = f"{environment}-open-sessions"
        logs.CfnMetricFilter(
            self,
            "OpenSessions",
            log_group_name=controller_log_name(environment),
            filter_pattern=SWEEP_PATTERN,
            metric_transformations=[
                logs.CfnMetricFilter.MetricTransformationProperty(
                    metric_namespace=NAMESPACE,
                    metric_name=open_sessions,
                    metric_value="$.sessions",
                )
            ],
        )
        sessions = cloudwatch.Metric(
            namespace=NAMESPACE, metric_name=open_sessions, statistic="Maximum", period=_PERIOD
        )
        for workspace in (None, *apart):
            self._watch(workspace, cluster=cluster_name(environment, workspace), sessions=sessions)

    def _watch(self, workspace: str | None, *, cluster: str, sessions: cloudwatch.Metric) -> None:
        end = f"-{workspace}" if workspace else ""
        where = f" of {workspace}" if workspace else ""
        # A silent controller is no session: its own alarm tells of that, and this one too.
        self._alarm(
            f"IdleBurn{end}",
            told=f"Workers{where} used more than {BURNED_UNITS} CPU units for twenty minutes while "
            "no session was open",
            expression="IF(FILL(sessions, 0) < 1, cpu, 0)",
            metrics={"sessions": sessions, "cpu": self._insight(cluster, "CpuUtilized")},
            threshold=BURNED_UNITS,
            heading="idleburn",
        )
        self._alarm(
            f"FullMemory{end}",
            told=f"Workers{where} have used {FULL_PERCENT} % of all memory that they reserve for "
            "twenty minutes",
            expression="100 * used / reserved",
            metrics={
                "used": self._insight(cluster, "MemoryUtilized"),
                "reserved": self._insight(cluster, "MemoryReserved"),
            },
            threshold=FULL_PERCENT,
            heading="fullmemory",
        )

    def _insight(self, cluster: str, name: str) -> cloudwatch.Metric:
        """Return a metric of Container Insights, which every cluster of the kit has on."""
        return cloudwatch.Metric(
            namespace="ECS/ContainerInsights",
            metric_name=name,
            dimensions_map={"ClusterName": cluster},
            statistic="Average",
            period=_PERIOD,
        )

    def _alarm(
        self,
        construct_id: str,
        *,
        told: str,
        expression: str,
        metrics: dict[str, cloudwatch.Metric],
        threshold: float,
        heading: str,
    ) -> None:
        math = cloudwatch.MathExpression(
            expression=expression,
            using_metrics={
                name: cast(cloudwatch.IMetric, metric) for name, metric in metrics.items()
            },
            period=_PERIOD,
            label=construct_id,
        )
        cloudwatch.Alarm(
            self,
            construct_id,
            alarm_description=f"Starburst: {told}. {_RUNBOOK}#{heading}",
            metric=cast(cloudwatch.IMetric, math),
            threshold=threshold,
            evaluation_periods=_PERIODS,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            # No worker runs, so Container Insights says nothing.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        ).add_alarm_action(cast(cloudwatch.IAlarmAction, actions.SnsAction(self._topic)))
