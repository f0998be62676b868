"""The alarms of an environment: what is counted, from how many on, and what silence means."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from starburst_constructs.monitoring.contacts import CONTACTS, Contact
from starburst_constructs.monitoring.metric_filter import NAMESPACE
from starburst_constructs.monitoring.noticed.listening import trail_metric
from starburst_constructs.monitoring.noticed.refusals import refusals_metric
from starburst_constructs.monitoring.noticed.volume import largest_sum
from starburst_constructs.monitoring.sweeps import (
    first_day_metric,
    sweeps_metric,
    unfinished_metric,
)

__all__ = [
    "MANY_FAILED_LOGINS",
    "MANY_REFUSALS",
    "RUNBOOK",
    "TOLD_BY_TRAIL",
    "Watch",
    "counted",
]

RUNBOOK: Final = "docs/how-to/answer-an-alarm.md"
"""Has a heading for each alarm, by its name."""

_MINUTE: Final = cdk.Duration.minutes(1)
_FIVE_MINUTES: Final = cdk.Duration.minutes(5)
_QUARTER: Final = cdk.Duration.minutes(15)
MANY_REFUSALS: Final = 50
"""Requests that the controller refuses in five minutes. A person who tries again makes a few."""

MANY_FAILED_LOGINS: Final = 10
"""In a quarter of an hour. People mistype, and credentials expire while a program asks."""

TOLD_BY_TRAIL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Trespasses": "Somebody started or changed workers past the controller, or used the root "
        "user",
        "Weakenings": "Somebody changed, or tried to, what the record rests on: keys, trail, "
        "buckets, logs or alarms, or deployed what is not proved",
        "Openings": "Somebody changed the network, a role or a stack of Starburst's, or who is let "
        "in by others' roles, by hand",
        "Deployments": "A deployment changed the network or a role of Starburst's, or who is let "
        "in by others' roles",
        "Strangers": "Somebody who is none of Starburst's roles touched its data, or tried to",
        "Outsiders": "A person's credentials were used outside the trusted networks",
        "FailedLogins": f"{MANY_FAILED_LOGINS} logins or credentials failed in a quarter of an "
        "hour",
    }
)
"""What each alarm says that counts events of the trail, by its name."""

_STALE_SECONDS: Final = 600
"""A message is out of sight for six minutes while it is tried: this one failed once or twice."""


def counted(name: str, *, period: cdk.Duration = _FIVE_MINUTES) -> cloudwatch.IMetric:
    """Return a metric that filters of logs count.

    Args:
        name: of the metric.
        period: over which it is summed.
    """
    metric = cloudwatch.Metric(
        namespace=NAMESPACE, metric_name=name, statistic="Sum", period=period
    )
    return cast(cloudwatch.IMetric, metric)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Watched:
    """One alarm.

    Attributes:
        name: of its construct, and of its heading in the runbook.
        told: what happened, as people read it.
        metric: what it looks at.
        threshold: from which value on a period breaches; below which, for ``silence``.
        periods: how many in a row have to.
        silence: it rings where too little comes, or nothing at all.
        missing: what a period without any value means.
    """

    name: str
    told: str
    metric: cloudwatch.IMetric
    threshold: float = 1
    periods: int = 1
    silence: bool = False
    missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING


class Watch(Construct):
    """Alarms on a controller that is silent, fails, is late or loses events, on theft, and on age.

    One throttle is no alarm: who invokes the function tries again. A quarter of an hour with some
    in every five minutes is. One sweep that did not get to everything is none either: the next one
    begins elsewhere. Three of five are.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        function: the controller.
        failures: its failure queue.
        wakes: the queue that wakes it.
        topics: who hears, by the contact.
        tampering: what workers and the controller found that failed verification.
        told_by_trail: those of ``TOLD_BY_TRAIL`` of which the environment's trail tells.
        bounds: what one person may download in an hour without an alarm, by the measure.
        forwarded: whether it is EventBridge that tells of the trail's events.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        function: lambda_.Function,
        failures: sqs.Queue,
        wakes: sqs.Queue,
        topics: Mapping[Contact, sns.Topic],
        tampering: cloudwatch.IMetric,
        told_by_trail: Collection[str] = (),
        bounds: Mapping[str, float] | None = None,
        forwarded: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        alarms = (
            *_of_controller(environment, function),
            *_of_the_calendar(environment),
            *_of_queues(failures, wakes),
            *_of_logs(environment, tampering),
            *(_of_trail(environment, name) for name in TOLD_BY_TRAIL if name in told_by_trail),
            *_of_people(environment, bounds or {}, forwarded=forwarded),
        )
        for each in alarms:
            alarm = cloudwatch.Alarm(
                self,
                each.name,
                alarm_description=f"Starburst: {each.told}. {RUNBOOK}#{each.name.lower()}",
                metric=each.metric,
                threshold=each.threshold,
                evaluation_periods=each.periods,
                comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
                if each.silence
                else cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                treat_missing_data=each.missing,
            )
            topic = topics[CONTACTS[each.name]]
            alarm.add_alarm_action(
                cast(cloudwatch.IAlarmAction, actions.SnsAction(cast(sns.ITopic, topic)))
            )


def _of_controller(environment: str, function: lambda_.Function) -> Iterator[_Watched]:
    yield _Watched(
        name="NoSweep",
        told="No sweep of the controller came to its end for five minutes: deadlines are not kept",
        metric=_filled(sweeps_metric(environment), period=_MINUTE),
        periods=5,
        silence=True,
        missing=cloudwatch.TreatMissingData.BREACHING,
    )
    yield _Watched(
        name="UnfinishedSweeps",
        told="Three sweeps in five minutes ran out of time before they got to every session",
        metric=_filled(unfinished_metric(environment), period=_FIVE_MINUTES),
        threshold=3,
    )
    yield _Watched(
        name="Errors",
        told="The controller raised",
        metric=function.metric_errors(period=_FIVE_MINUTES),
    )
    yield _Watched(
        name="Throttles",
        told="The controller has been throttled for a quarter of an hour: people wait",
        metric=function.metric_throttles(period=_FIVE_MINUTES),
        periods=3,
    )


def _of_the_calendar(environment: str) -> Iterator[_Watched]:
    # Nothing of ours may ask ECR and IAM for dates, so it says each month that it is time to look.
    yield _Watched(
        name="Ages",
        told="A month begins: starburst admin ages says which keys, images and credentials are due "
        "in it",
        metric=counted(first_day_metric(environment)),
    )


def _filled(name: str, *, period: cdk.Duration) -> cloudwatch.IMetric:
    """Return a counted metric in which a period without a line is zero, and not missing.

    Where periods are missing CloudWatch goes by older ones, for as long as its evaluation range
    reaches, which it does not promise: silence would ring late, and what is over ring again.
    """
    expression = cloudwatch.MathExpression(
        expression="FILL(lines, 0)",
        using_metrics={"lines": counted(name, period=period)},
        period=period,
        label=name,
    )
    return cast(cloudwatch.IMetric, expression)


def _of_queues(failures: sqs.Queue, wakes: sqs.Queue) -> Iterator[_Watched]:
    yield _Watched(
        name="LostEvents",
        told="Events that the controller could not handle wait in its failure queue",
        metric=failures.metric_approximate_number_of_messages_visible(period=_FIVE_MINUTES),
        # SQS tells nothing of a queue that nobody asked for six hours. What lay there still does.
        missing=cloudwatch.TreatMissingData.IGNORE,
    )
    yield _Watched(
        name="StaleWakes",
        told="A message has waited in the wake queue for ten minutes",
        metric=wakes.metric_approximate_age_of_oldest_message(period=_FIVE_MINUTES),
        threshold=_STALE_SECONDS,
    )


def _of_logs(environment: str, tampering: cloudwatch.IMetric) -> Iterator[_Watched]:
    yield _Watched(
        name="Tampering",
        told="A worker or the controller refused what failed verification; "
        "python -m deploy.events shows it",
        metric=tampering,
    )
    yield _Watched(
        name="Refusals",
        told=f"The controller refused {MANY_REFUSALS} requests in five minutes",
        metric=counted(refusals_metric(environment)),
        threshold=MANY_REFUSALS,
    )


def _of_trail(environment: str, name: str) -> _Watched:
    metric = trail_metric(environment, name)
    if name == "FailedLogins":
        return _Watched(
            name=name,
            told=TOLD_BY_TRAIL[name],
            metric=_filled(metric, period=_QUARTER),
            threshold=MANY_FAILED_LOGINS,
        )
    return _Watched(name=name, told=TOLD_BY_TRAIL[name], metric=counted(metric))


def _of_people(
    environment: str, bounds: Mapping[str, float], *, forwarded: bool
) -> Iterator[_Watched]:
    names = {"bytes": "Downloads", "objects": "ManyDownloads"}
    for measure, bound in bounds.items():
        yield _Watched(
            name=names[measure],
            told=f"One person downloaded more than {bound:,.0f} {measure} in an hour",
            metric=largest_sum(environment, measure, wrapped=forwarded),
            threshold=bound,
        )
