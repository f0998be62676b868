"""How much each person downloads in an hour, summed up by Contributor Insights (A12).

A metric filter cannot add up by person: each person would be a metric of their own. A rule of
Contributor Insights does, and an alarm looks at the largest sum. It sees people only: workers read
as much as a session asks for. A rule costs 0.50 US dollars a month and 0.02 a million events
(https://aws.amazon.com/cloudwatch/pricing/).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from starburst_constructs.monitoring.noticed.reads import PEOPLE
from starburst_constructs.naming import role_name

__all__ = ["MEASURES", "PersonalReads", "largest_sum", "rule_name"]

MEASURES: Final = ("bytes", "objects")
"""What is summed up, a rule each."""


def rule_name(environment: str, measure: str, *, wrapped: bool) -> str:
    """Return the name of the rule of one measure.

    Either source has its own, so that an environment may change from one to the other.

    Example:
        >>> rule_name("prod", "bytes", wrapped=False)
        'starburst-prod-read-bytes'
    """
    return f"starburst-{environment}-{'forwarded-' if wrapped else ''}read-{measure}"


def largest_sum(environment: str, measure: str, *, wrapped: bool) -> cloudwatch.IMetric:
    """Return how much the person who downloads most did in an hour.

    Args:
        environment: its name.
        measure: one of ``MEASURES``.
        wrapped: whether EventBridge passes the events on.
    """
    name = rule_name(environment, measure, wrapped=wrapped)
    expression = cloudwatch.MathExpression(
        expression=f"INSIGHT_RULE_METRIC('{name}', 'MaxContributorValue')",
        period=cdk.Duration.hours(1),
        label=name,
    )
    return cast(cloudwatch.IMetric, expression)


class PersonalReads(Construct):
    """The rules that sum up what each person downloads.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        events: log group of the trail's events, or of those that EventBridge passes on.
        wrapped: whether each event stands in ``detail``, as EventBridge has it.
        measures: those of ``MEASURES`` that have a bound.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        events: logs.ILogGroup,
        wrapped: bool,
        measures: tuple[str, ...],
    ) -> None:
        super().__init__(scope, construct_id)
        for measure in measures:
            body = _body(environment, measure, root="$.detail." if wrapped else "$.")
            body["LogGroupNames"] = [events.log_group_name]
            cloudwatch.CfnInsightRule(
                self,
                measure.capitalize(),
                rule_name=rule_name(environment, measure, wrapped=wrapped),
                rule_state="ENABLED",
                rule_body=cdk.Stack.of(self).to_json_string(body),
            )


def _body(environment: str, measure: str, *, root: str) -> dict[str, Any]:
    people = [f"{role_name(environment, purpose)}-" for purpose in PEOPLE]
    filters: list[Mapping[str, Any]] = [
        {"Match": f"{root}eventSource", "In": ["s3.amazonaws.com"]},
        {"Match": f"{root}eventName", "In": ["GetObject"]},
        {
            "Match": f"{root}userIdentity.sessionContext.sessionIssuer.userName",
            "StartsWith": people,
        },
        {"Match": f"{root}errorCode", "IsPresent": False},
    ]
    summed = measure == "bytes"
    contribution: dict[str, Any] = {
        "Keys": [f"{root}userIdentity.arn"],
        "Filters": filters,
        **({"ValueOf": f"{root}additionalEventData.bytesTransferredOut"} if summed else {}),
    }
    return {
        "Schema": {"Name": "CloudWatchLogRule", "Version": 1},
        "LogFormat": "JSON",
        "Contribution": contribution,
        "AggregateOn": "Sum" if summed else "Count",
    }
