"""Ring where a job does not run: a dead man's alarm, and two calls a day for jobs that run rarely.

CloudWatch tells no schedule that is off from one that is not due, and looks back seven days at most
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html). So what
runs each month is called twice a day, does what is due by its own record, and is silent only where
nobody calls it (decision 0060).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

__all__ = ["SilenceAlarm", "TwiceADay"]

_HALF_A_DAY: Final = cdk.Duration.hours(12)


class SilenceAlarm(cloudwatch.Alarm):
    """Rings where too few of something were counted in some periods in a row, or nothing at all.

    A period without any value is zero, and not missing: where periods are missing CloudWatch goes
    by older ones, for as long as it likes (decision 0025).

    Args:
        scope: parent construct.
        construct_id: its id there, and its heading in ``told``'s page.
        told: what happened and where to read on, as people read it.
        metric: that has a value for each run, and is summed.
        period: in which one run at least is due.
        periods: how many in a row have to be without one; with ``period`` seven days at most.
        topic: who hears.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        told: str,
        metric: cloudwatch.IMetric,
        period: cdk.Duration,
        periods: int,
        topic: sns.ITopic,
    ) -> None:
        filled = cloudwatch.MathExpression(
            expression="FILL(runs, 0)",
            using_metrics={"runs": metric},
            period=period,
            label=construct_id,
        )
        super().__init__(
            scope,
            construct_id,
            alarm_description=f"Starburst: {told}",
            metric=cast(cloudwatch.IMetric, filled),
            threshold=1,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        self.add_alarm_action(cast(cloudwatch.IAlarmAction, actions.SnsAction(topic)))


class TwiceADay(Construct):
    """Calls a function twice a day, which then does what is due; a day without a call rings.

    What it could not do is an error of the function's, which is its own alarm's to tell.

    Args:
        scope: parent construct.
        construct_id: its id there; the rule is called by it.
        function: that nobody else calls, or seldom.
        event: what it is told; a constant, so that it looks at its record, and not at the time.
        told: what it means that nobody calls it, and where to read on.
        topic: who hears.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: lambda_.Function,
        event: Mapping[str, Any],
        told: str,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        called = targets.LambdaFunction(
            cast(lambda_.IFunction, function),
            event=events.RuleTargetInput.from_object(dict(event)),
            max_event_age=_HALF_A_DAY,
        )
        events.Rule(
            self,
            "Rule",
            description="Starburst: do what is due",
            schedule=events.Schedule.rate(_HALF_A_DAY),
            targets=[cast(events.IRuleTarget, called)],
        )
        SilenceAlarm(
            self,
            "Silent",
            told=told,
            metric=cast(
                cloudwatch.IMetric,
                function.metric_invocations(period=_HALF_A_DAY, statistic="Sum"),
            ),
            period=_HALF_A_DAY,
            periods=2,
            topic=topic,
        )
