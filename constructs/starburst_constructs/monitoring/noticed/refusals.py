"""Count the requests that the controller refuses, from its log.

It logs one line for each, which begins with its level and says ``refused:`` before the message. A
caller's words stand after that, in quotes, so one line is one refusal whatever they hold.
"""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_logs as logs
from constructs import Construct

from starburst_constructs.monitoring.metric_filter import CountingFilter

__all__ = ["REFUSAL_PATTERN", "RefusalFilter", "refusals_metric"]

REFUSAL_PATTERN: Final = '"refused: "'
"""What stands in each line of the controller's that tells of a refusal."""


def refusals_metric(environment: str) -> str:
    """Return the metric that counts what an environment's controller refused.

    Example:
        >>> refusals_metric("prod")
        'prod-refused-requests'
    """
    return f"{environment}-refused-requests"


class RefusalFilter(CountingFilter):
    """Counts the controller's refusals.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        log: of the controller.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: str, log: logs.ILogGroup
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            log=log,
            pattern=REFUSAL_PATTERN,
            metric=refusals_metric(environment),
        )
