"""What AWS services send to CloudWatch, and under which dimensions: any other series stays empty.

CloudWatch does not tell an alarm on a metric that nobody sends from one that is quiet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from starburst_assurance.alarms.insight_rules import INSIGHTS
from starburst_assurance.alarms.model import Metric
from starburst_assurance.alarms.reading import Watched

__all__ = ["SERVICES", "Service", "unsent"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """The metrics of one AWS service.

    Attributes:
        names: of those that may be watched here.
        dimensions: sets of names under which each is sent.
        source: AWS's page.
    """

    names: frozenset[str]
    dimensions: frozenset[frozenset[str]]
    source: str


def _sets(*dimensions: tuple[str, ...]) -> frozenset[frozenset[str]]:
    return frozenset(frozenset(each) for each in dimensions)


SERVICES: Final[Mapping[str, Service]] = MappingProxyType(
    {
        "AWS/Lambda": Service(
            names=frozenset(
                {
                    *("AsyncEventAge", "AsyncEventsDropped", "AsyncEventsReceived"),
                    *("ConcurrentExecutions", "DeadLetterErrors", "Duration", "Errors"),
                    *("Invocations", "Throttles"),
                }
            ),
            dimensions=_sets(
                (),
                ("FunctionName",),
                ("FunctionName", "Resource"),
                ("ExecutedVersion", "FunctionName", "Resource"),
            ),
            source="https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html",
        ),
        "AWS/SQS": Service(
            names=frozenset(
                {
                    *("ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesDelayed"),
                    *("ApproximateNumberOfMessagesNotVisible",),
                    *("ApproximateNumberOfMessagesVisible", "NumberOfEmptyReceives"),
                    *("NumberOfMessagesDeleted", "NumberOfMessagesReceived"),
                    *("NumberOfMessagesSent", "SentMessageSize"),
                }
            ),
            dimensions=_sets(("QueueName",)),
            source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
            "sqs-available-cloudwatch-metrics.html",
        ),
        "AWS/Events": Service(
            names=frozenset(
                {"DeadLetterInvocations", "FailedInvocations", "Invocations", "ThrottledRules"}
            ),
            dimensions=_sets(("RuleName",)),
            source="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html",
        ),
        "AWS/Firehose": Service(
            names=frozenset(
                {
                    *("DeliveryToS3.Bytes", "DeliveryToS3.DataFreshness", "DeliveryToS3.Records"),
                    *("DeliveryToS3.Success", "IncomingBytes", "IncomingRecords"),
                }
            ),
            dimensions=_sets(("DeliveryStreamName",)),
            source="https://docs.aws.amazon.com/firehose/latest/dev/"
            "monitoring-with-cloudwatch-metrics.html",
        ),
        "AWS/SNS": Service(
            names=frozenset(
                {
                    *("NumberOfMessagesPublished", "NumberOfNotificationsDelivered"),
                    *("NumberOfNotificationsFailed",),
                }
            ),
            dimensions=_sets(("TopicName",)),
            source="https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html",
        ),
    }
)
"""By namespace."""


def unsent(metric: Metric, watched: Watched) -> str:
    """Return why nobody sends a metric, in one clause; empty where somebody does.

    Args:
        metric: with its dimensions.
        watched: the environment that it is of.
    """
    if metric.namespace == INSIGHTS:
        there = any(each.name == metric.name for each in watched.insights)
        alone = there and not metric.dimensions
        return "" if alone else f"there is no rule {metric.name} with these dimensions"
    service = SERVICES.get(metric.namespace)
    if service is None:
        counted = any(each.metric == metric for each in watched.filters)
        return "" if counted else f"no filter counts {metric.namespace} {metric.name}"
    if metric.name not in service.names:
        return f"{metric.namespace} sends no {metric.name}"
    names = frozenset(name for name, _ in metric.dimensions)
    if names not in service.dimensions:
        told = ", ".join(sorted(names)) or "none"
        return f"{metric.namespace} sends {metric.name} under other dimensions than {told}"
    there = _there(watched)
    resources = _versions(dict(metric.dimensions).get("FunctionName", ""), watched)
    for name, value in sorted(metric.dimensions):
        if value not in (resources if name == "Resource" else there.get(name, {value})):
            return f"the environment has no {name} {value}"
    return ""


def _there(watched: Watched) -> Mapping[str, frozenset[str]]:
    return {
        "DeliveryStreamName": watched.streams,
        "FunctionName": frozenset(watched.functions),
        "QueueName": watched.queues,
        "RuleName": watched.rules,
        "TopicName": watched.topics,
    }


def _versions(function: str, watched: Watched) -> set[str]:
    return {function, *(f"{function}:{alias}" for alias in watched.functions.get(function, ()))}
