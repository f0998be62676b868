"""What rings of job metrics: a measure, and every way in which they would go wrong unheard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.addons.job_metrics.measures import MEASURES, Measure, metric_of
from starburst_constructs.monitoring.silence import SilenceAlarm

__all__ = ["job_alarms"]

_FIVE_MINUTES: Final = cdk.Duration.minutes(5)
_HOUR: Final = cdk.Duration.hours(1)
_QUIET: Final = cloudwatch.TreatMissingData.NOT_BREACHING
_STALE: Final = cdk.Duration.minutes(20)
"""A message that failed is out of sight for six minutes: this one failed three times, or nobody
takes any."""

_PAGE: Final = "docs/addons/job_metrics.md#alarms"


def job_alarms(
    scope: Construct,
    *,
    environment: str,
    measure: Measure,
    above: float,
    waiting: sqs.Queue,
    failures: sqs.Queue,
    hour: lambda_.Function,
    topic: sns.ITopic,
) -> list[str]:
    """Make the alarms; return their ARNs.

    Args:
        scope: of which they are children.
        environment: its name.
        measure: that somebody chose.
        above: from which value of a day on it rings.
        waiting: queue of workers that are to be counted.
        failures: queue of those that could not be.
        hour: the function that writes each hour.
        topic: who hears.
    """
    silent = SilenceAlarm(
        scope,
        "HourSilent",
        told=f"The hourly function was not called for three hours. {_PAGE}",
        metric=cast(cloudwatch.IMetric, hour.metric_invocations(period=_HOUR)),
        period=_HOUR,
        periods=3,
        topic=topic,
    )
    arns = [silent.alarm_arn]
    alarms = _alarms(environment, measure, above, waiting=waiting, failures=failures, hour=hour)
    for name, told, metric, threshold, missing in alarms:
        alarm = cloudwatch.Alarm(
            scope,
            name,
            alarm_description=f"Starburst: {told}. {_PAGE}",
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(cast(cloudwatch.IAlarmAction, actions.SnsAction(topic)))
        arns.append(alarm.alarm_arn)
    return arns


def _alarms(
    environment: str,
    measure: Measure,
    above: float,
    *,
    waiting: sqs.Queue,
    failures: sqs.Queue,
    hour: lambda_.Function,
) -> Iterator[tuple[str, str, cloudwatch.IMetric, float, cloudwatch.TreatMissingData]]:
    told = f"{MEASURES[measure].told} of a day: {above:g} or more"
    yield "Measure", told, cast(cloudwatch.IMetric, metric_of(environment, measure)), above, _QUIET
    yield (
        "NotCounted",
        "Workers could not be counted, and wait",
        failures.metric_approximate_number_of_messages_visible(
            period=_FIVE_MINUTES, statistic="Maximum"
        ),
        1,
        # SQS tells nothing of a queue that nobody asked for six hours. What lay there still does.
        cloudwatch.TreatMissingData.IGNORE,
    )
    yield (
        "CountedLate",
        f"A stopped worker has waited for {_STALE.to_minutes():g} minutes to be counted",
        waiting.metric_approximate_age_of_oldest_message(period=_FIVE_MINUTES, statistic="Maximum"),
        _STALE.to_seconds(),
        cloudwatch.TreatMissingData.IGNORE,
    )
    failed = hour.metric_errors(period=_HOUR)
    yield "HourFailed", "A part of an hour was not written", failed, 1, _QUIET
