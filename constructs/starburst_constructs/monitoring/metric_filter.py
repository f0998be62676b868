"""Counting lines of a log in a metric of the environment's, which an alarm watches."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_logs as logs
from constructs import Construct

__all__ = ["NAMESPACE", "CountingFilter"]

NAMESPACE: Final = "Starburst"
"""Of the metrics."""


class CountingFilter(logs.CfnMetricFilter):
    """Counts the lines of one log that match a pattern; several may count in one metric.

    Args:
        scope: parent construct.
        construct_id: its id there.
        log: whose lines.
        pattern: as CloudWatch Logs reads it.
        metric: name of the metric.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, log: logs.ILogGroup, pattern: str, metric: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            log_group_name=log.log_group_name,
            filter_pattern=pattern,
            metric_transformations=[
                logs.CfnMetricFilter.MetricTransformationProperty(
                    metric_namespace=NAMESPACE, metric_name=metric, metric_value="1"
                )
            ],
        )
