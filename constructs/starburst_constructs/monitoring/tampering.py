"""Count what a worker or the controller found tampered with, told from their logs (S27).

Both write the contract's word into such a line, and into no other. The filter looks for the word
anywhere in a line: a JSON filter would miss a line that other output stands before.
"""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_logs as logs
from constructs import Construct

from starburst.contract import TAMPERING
from starburst_constructs.monitoring.metric_filter import CountingFilter

__all__ = ["TAMPERING_PATTERN", "TamperingFilter", "tampering_metric"]

TAMPERING_PATTERN: Final = f'"{TAMPERING}"'
"""In quotes it is one term: CloudWatch Logs would take its dash for an exclusion."""


def tampering_metric(environment: str) -> str:
    """Return the metric that counts what failed verification in an environment.

    Example:
        >>> tampering_metric("prod")
        'prod-failed-verification'
    """
    return f"{environment}-failed-verification"


class TamperingFilter(CountingFilter):
    """Counts the lines of one log that tell of tampering, in the environment's one metric.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        log: of a workspace's workers, or of the controller.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: str, log: logs.ILogGroup
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            log=log,
            pattern=TAMPERING_PATTERN,
            metric=tampering_metric(environment),
        )
