"""Count the controller's sweeps, from its log: all, unfinished ones, those of a month's first day.

The controller prints one line of JSON at the end of each sweep, and whatever else it logs is no
JSON. So a filter on fields finds sweeps and nothing that a caller wrote.
"""

from __future__ import annotations

from aws_cdk import aws_logs as logs
from constructs import Construct

from starburst.contract.sweep_line import FIRST_DAY_PATTERN, SWEEP_PATTERN, UNFINISHED_PATTERN
from starburst_constructs.monitoring.metric_filter import CountingFilter

__all__ = ["SweepFilters", "first_day_metric", "sweeps_metric", "unfinished_metric"]


def sweeps_metric(environment: str) -> str:
    """Return the metric that counts the sweeps of an environment that came to their end.

    Example:
        >>> sweeps_metric("prod")
        'prod-sweeps'
    """
    return f"{environment}-sweeps"


def unfinished_metric(environment: str) -> str:
    """Return the metric that counts those of them whose time was up.

    Example:
        >>> unfinished_metric("prod")
        'prod-unfinished-sweeps'
    """
    return f"{environment}-unfinished-sweeps"


def first_day_metric(environment: str) -> str:
    """Return the metric that counts the sweeps of the first day of a month.

    Example:
        >>> first_day_metric("prod")
        'prod-first-day-sweeps'
    """
    return f"{environment}-first-day-sweeps"


class SweepFilters(Construct):
    """Counts sweeps in the log of the controller (S22, A27).

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        log: of the controller.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: str, log: logs.ILogGroup
    ) -> None:
        super().__init__(scope, construct_id)
        CountingFilter(
            self, "All", log=log, pattern=SWEEP_PATTERN, metric=sweeps_metric(environment)
        )
        CountingFilter(
            self,
            "Unfinished",
            log=log,
            pattern=UNFINISHED_PATTERN,
            metric=unfinished_metric(environment),
        )
        CountingFilter(
            self,
            "FirstDay",
            log=log,
            pattern=FIRST_DAY_PATTERN,
            metric=first_day_metric(environment),
        )
