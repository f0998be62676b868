"""What is measured of jobs, as metrics: filters of the functions' logs, a dashboard, an alarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from starburst_constructs.monitoring.metric_filter import NAMESPACE

__all__ = ["MEASURES", "Dashboard", "Measure", "MeasureFilters", "metric_name", "metric_of"]

Measure = Literal[
    "usd",
    "worker_hours",
    "lost_workers",
    "unpriced_workers",
    "start_seconds",
    "session_usd",
    "session_hours",
    "failed_sessions",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measured:
    """One measure.

    Attributes:
        event: of the lines that have it.
        statistic: how a day's values become one.
        told: what it is, as people read it.
        by_workspace: whether each workspace has it for itself as well.
    """

    event: Literal["jobs-counted", "jobs-session"]
    statistic: Literal["Sum", "Maximum"]
    told: str
    by_workspace: bool = False


MEASURES: Final[Mapping[Measure, _Measured]] = {
    "usd": _Measured(
        event="jobs-counted", statistic="Sum", told="US dollars at list price", by_workspace=True
    ),
    "worker_hours": _Measured(
        event="jobs-counted", statistic="Sum", told="Hours of workers", by_workspace=True
    ),
    "lost_workers": _Measured(event="jobs-counted", statistic="Sum", told="Workers lost"),
    "unpriced_workers": _Measured(
        event="jobs-counted", statistic="Sum", told="Workers without a known price"
    ),
    "start_seconds": _Measured(
        event="jobs-counted", statistic="Maximum", told="Longest wait for a worker, seconds"
    ),
    "session_usd": _Measured(
        event="jobs-session", statistic="Maximum", told="Dearest session, US dollars"
    ),
    "session_hours": _Measured(
        event="jobs-session", statistic="Maximum", told="Longest session, hours"
    ),
    "failed_sessions": _Measured(
        event="jobs-session", statistic="Sum", told="Sessions that failed"
    ),
}
"""By their names in the lines."""

_DIMENSION: Final = "Workspace"
_DAY: Final = 86_400


def metric_name(environment: str, measure: Measure) -> str:
    """Return the name of a measure's metric.

    Example:
        >>> metric_name("prod", "usd")
        'prod-jobs-usd'
    """
    return f"{environment}-jobs-{measure.replace('_', '-')}"


def metric_of(environment: str, measure: Measure) -> cloudwatch.IMetric:
    """Return a measure of a day, over all workspaces."""
    metric = cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=metric_name(environment, measure),
        statistic=MEASURES[measure].statistic,
        period=cdk.Duration.days(1),
    )
    return cast(cloudwatch.IMetric, metric)


class MeasureFilters(Construct):
    """Makes metrics of the lines that the functions print.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        of: the log of each kind of line.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        of: Mapping[str, logs.ILogGroup],
    ) -> None:
        super().__init__(scope, construct_id)
        made = logs.CfnMetricFilter
        for name, measured in MEASURES.items():
            for by_workspace in (False, True) if measured.by_workspace else (False,):
                dimension = made.DimensionProperty(key=_DIMENSION, value="$.workspace")
                made(
                    self,
                    f"{name}{'-by-workspace' if by_workspace else ''}",
                    log_group_name=of[measured.event].log_group_name,
                    filter_pattern=f'{{ $.event = "{measured.event}" }}',
                    metric_transformations=[
                        made.MetricTransformationProperty(
                            metric_namespace=NAMESPACE,
                            metric_name=metric_name(environment, name),
                            metric_value=f"$.{name}",
                            dimensions=[dimension] if by_workspace else None,
                        )
                    ],
                )


class Dashboard(cloudwatch.CfnDashboard):
    """What jobs cost and how they went, on one page of CloudWatch.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        region: of the metrics.
        alarms: ARNs of alarms to show.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        region: str,
        alarms: Sequence[str],
    ) -> None:
        by_workspace: list[Measure] = [
            one for one, measured in MEASURES.items() if measured.by_workspace
        ]
        alone: list[Measure] = [one for one in MEASURES if one not in by_workspace]
        widgets = [
            _text(
                f"# Jobs of {environment}\nA day's sums, by UTC, of workers that stopped in it. "
                "US dollars are list price. `starburst admin report` has the analysts."
            ),
            {"type": "alarm", **_place(0, 2, 24, 2), "properties": {"alarms": [*alarms]}},
            *(
                _chart(
                    f"{MEASURES[one].told}, by workspace",
                    [[{"expression": _search(environment, one), "id": "each", "label": ""}]],
                    place=_place(12 * at, 4, 12, 7),
                    region=region,
                    stacked=True,
                )
                for at, one in enumerate(by_workspace)
            ),
            *(
                _chart(
                    MEASURES[one].told,
                    [
                        [
                            NAMESPACE,
                            metric_name(environment, one),
                            {"stat": MEASURES[one].statistic, "label": MEASURES[one].told},
                        ]
                    ],
                    place=_place(8 * (at % 3), 11 + 6 * (at // 3), 8, 6),
                    region=region,
                )
                for at, one in enumerate(alone)
            ),
        ]
        super().__init__(
            scope,
            construct_id,
            dashboard_name=f"starburst-{environment}-jobs",
            dashboard_body=cdk.Stack.of(scope).to_json_string(
                {"start": "-P30D", "widgets": widgets}
            ),
        )


def _search(environment: str, measure: Measure) -> str:
    name = metric_name(environment, measure)
    return f"SEARCH('{{{NAMESPACE},{_DIMENSION}}} MetricName=\"{name}\"', 'Sum', {_DAY})"


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "width": width, "height": height}


def _text(markdown: str) -> dict[str, object]:
    return {"type": "text", **_place(0, 0, 24, 2), "properties": {"markdown": markdown}}


def _chart(
    title: str,
    metrics: Sequence[Sequence[object]],
    *,
    place: dict[str, int],
    region: str,
    stacked: bool = False,
) -> dict[str, object]:
    return {
        "type": "metric",
        **place,
        "properties": {
            "title": title,
            "view": "timeSeries" if stacked else "bar",
            "stacked": stacked,
            "region": region,
            "period": _DAY,
            "metrics": metrics,
            "yAxis": {"left": {"min": 0, "showUnits": False}},
        },
    }
