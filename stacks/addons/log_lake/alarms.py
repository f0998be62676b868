"""What rings of the lake: records that were set aside, and records that wait to be written.

Firehose sets aside what its function cannot read or does not answer, and what does not fit a table:
all of it becomes a file below ``errors/``, of which S3 tells. What it cannot write anywhere waits,
by AWS for a day, and then is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.addons.log_lake.deliveries import ERRORS, stream_name
from starburst_constructs.monitoring.metric_filter import CountingFilter
from starburst_constructs.monitoring.noticed.forwarding import ForwardedEvents
from starburst_constructs.monitoring.watch import counted
from starburst_constructs.placement import Placement

__all__ = ["LakeAlarms"]

_FIVE_MINUTES: Final = cdk.Duration.minutes(5)
_LATE: Final = cdk.Duration.hours(1)
"""Four times the longest that Firehose gathers records."""

_PAGE: Final = "docs/addons/log_lake.md#when-it-rings"


class LakeAlarms(Construct):
    """Alarms on what does not reach the lake.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        placement: of the environment.
        bucket: the lake's.
        tables: into each of which a stream leads.
        stopped: the rule that tells of stopped workers.
        key: encrypts the log of events.
        days: that the log is kept.
        topic: who hears.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        placement: Placement,
        bucket: s3.Bucket,
        tables: Iterable[str],
        stopped: events.CfnRule,
        key: kms.Key,
        days: int,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._topic = topic
        made = bucket.node.default_child
        assert isinstance(made, s3.CfnBucket)  # noqa: S101 - narrows jsii's type
        # CDK's own way to say so deploys a function that may change the bucket.
        made.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
                event_bridge_enabled=True
            )
        )
        heard = ForwardedEvents(
            self,
            "Files",
            name=f"/aws/events/starburst/{environment}/lake",
            key=key,
            days=days,
            placement=placement,
            patterns={
                "SetAside": {
                    "source": ["aws.s3"],
                    "detail-type": ["Object Created"],
                    "detail": {
                        "bucket": {"name": [bucket.bucket_name]},
                        "object": {"key": [{"prefix": ERRORS}]},
                    },
                }
            },
        )
        metric = f"{environment}-lake-set-aside"
        CountingFilter(
            self, "Counted", log=heard.log, pattern='{ $.source = "aws.s3" }', metric=metric
        )
        self._alarm(
            "SetAside",
            f"Records of the lake could not be read or fit no table, and lie below {ERRORS}",
            counted(metric),
            threshold=1,
        )
        self._alarm(
            "NotTold",
            "EventBridge could not tell the lake of a stopped worker",
            cast(
                cloudwatch.IMetric,
                cloudwatch.Metric(
                    namespace="AWS/Events",
                    metric_name="FailedInvocations",
                    dimensions_map={"RuleName": stopped.ref},
                    statistic="Sum",
                    period=_FIVE_MINUTES,
                ),
            ),
            threshold=1,
        )
        for table in tables:
            # https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html
            age = cloudwatch.Metric(
                namespace="AWS/Firehose",
                metric_name="DeliveryToS3.DataFreshness",
                dimensions_map={"DeliveryStreamName": stream_name(environment, table)},
                statistic="Maximum",
                period=_FIVE_MINUTES,
            )
            self._alarm(
                f"Late-{table}",
                f"A record has waited for an hour to be written into the lake's {table}",
                cast(cloudwatch.IMetric, age),
                threshold=_LATE.to_seconds(),
            )

    def _alarm(self, name: str, told: str, metric: cloudwatch.IMetric, *, threshold: float) -> None:
        cloudwatch.Alarm(
            self,
            name,
            alarm_description=f"Starburst: {told}. {_PAGE}",
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        ).add_alarm_action(cast(cloudwatch.IAlarmAction, actions.SnsAction(self._topic)))
