"""GuardDuty's one stack: detector, the rule of findings, the function that tells, and alarms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_guardduty as guardduty
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.addons.bounded import BoundedStack
from stacks.addons.core import Core
from stacks.addons.guardduty.flows import flow_queries
from stacks.addons.guardduty.misuse import MisuseAlarms
from stacks.addons.guardduty.permissions import telling_ceilings, telling_statements
from starburst_constructs.compute.folder_function import FolderFunction
from starburst_constructs.monitoring.trail import saved_query
from starburst_constructs.storage.private_bucket import PrivateBucket

if TYPE_CHECKING:
    from stacks.addons.guardduty.addon import GuardDuty

__all__ = ["FEATURES", "GuardDutyStack"]

FEATURES: Final = ("LAMBDA_NETWORK_LOGS", "S3_DATA_EVENTS")
"""What it looks at beside the trail, flow logs and DNS, which it always does."""

_ABSENT: Final = ("AI_ANALYST", "AI_PROTECTION", "EKS_AUDIT_LOGS", "RDS_LOGIN_EVENTS")
"""Of services that an environment does not have. Said, so that no default switches them on."""

_TOLD_DAYS: Final = 100
"""GuardDuty keeps a finding for 90 days; what comes back later is news."""

_PERIOD: Final = cdk.Duration.minutes(5)


class GuardDutyStack(BoundedStack):
    """What one environment has of GuardDuty.

    Args:
        scope: the stage.
        construct_id: its id there.
        core: the stacks that it stands on.
        settings: the add-on's.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, core: Core, settings: GuardDuty, **kwargs: Any
    ) -> None:
        environment = core.environment
        super().__init__(
            scope,
            construct_id,
            core=core,
            ceilings=telling_ceilings(environment.name, placement=environment.placement),
            **kwargs,
        )
        self._core = core
        topic = cast(sns.ITopic, core.control.security)
        if settings.detector_id is None:
            self._detect(settings)
        teller = self._teller(topic)
        rule = events.Rule(
            self,
            "Findings",
            description="Findings of GuardDuty that people are told of",
            event_pattern=events.EventPattern(
                source=["aws.guardduty"],
                detail_type=["GuardDuty Finding"],
                account=[environment.account],
                detail={"severity": events.Match.greater_than_or_equal(settings.least_severity)},
            ),
            targets=[
                cast(
                    events.IRuleTarget,
                    targets.LambdaFunction(cast(lambda_.IFunction, teller.function)),
                )
            ],
        )
        for name, metric, told in (
            ("Untold", teller.function.metric_errors(period=_PERIOD), "could not be told"),
            ("Dropped", _dropped(teller.function), "was given up, and nobody was told of it"),
            ("Unheard", _undelivered(rule), "could not be handed on by EventBridge"),
        ):
            cloudwatch.Alarm(
                self,
                name,
                alarm_description=f"Starburst: A finding of GuardDuty {told}. "
                f"docs/addons/guardduty.md#{name.lower()}",
                metric=cast(cloudwatch.IMetric, metric),
                threshold=1,
                evaluation_periods=1,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            ).add_alarm_action(cast(cloudwatch.IAlarmAction, actions.SnsAction(topic)))
        if environment.network.existing is None and "query-definitions" not in environment.without:
            self._ask()
        MisuseAlarms(
            self,
            "Misuse",
            environment=environment.name,
            topic=topic,
            apart=environment.own_clusters,
        )
        self.order_roles()

    def _ask(self) -> None:
        """Save the queries of the flow log, where it is the kit's own."""
        environment = self._core.environment
        flows = self._core.network.node.find_child("Flows")
        assert isinstance(flows, logs.LogGroup)  # noqa: S101 - narrows jsii's type
        for name, query in flow_queries(environment.network.cidr).items():
            saved_query(
                self,
                "".join(word.capitalize() for word in name.split()),
                name=f"starburst/{environment.name}/{name}",
                query=query,
                log_groups=[flows.log_group_name],
            )

    def _detect(self, settings: GuardDuty) -> None:
        hosted = self._core.environment.capacity is not None
        features = guardduty.CfnDetector.CFNFeatureConfigurationProperty
        agents = guardduty.CfnDetector.CFNFeatureAdditionalConfigurationProperty
        guardduty.CfnDetector(
            self,
            "Detector",
            enable=True,
            finding_publishing_frequency="FIFTEEN_MINUTES",
            features=[
                *(features(name=name, status="ENABLED") for name in FEATURES),
                *(features(name=name, status="DISABLED") for name in _ABSENT),
                features(name="EBS_MALWARE_PROTECTION", status=_status(hosted)),
                features(
                    name="RUNTIME_MONITORING",
                    status=_status(settings.runtime),
                    additional_configuration=[
                        agents(
                            name="ECS_FARGATE_AGENT_MANAGEMENT", status=_status(settings.runtime)
                        ),
                        # It would put an endpoint and a group of its own into the hosts' VPC.
                        agents(name="EC2_AGENT_MANAGEMENT", status="DISABLED"),
                        agents(name="EKS_ADDON_MANAGEMENT", status="DISABLED"),
                    ],
                ),
            ],
            # It is the account's: what it has found outlives this environment.
        ).apply_removal_policy(cdk.RemovalPolicy.RETAIN)

    def _teller(self, topic: sns.ITopic) -> FolderFunction:
        core = self._core
        environment = core.environment
        told = PrivateBucket(
            self,
            "Told",
            placement=environment.placement,
            encryption=s3.BucketEncryption.S3_MANAGED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=cdk.Duration.days(_TOLD_DAYS),
                    noncurrent_version_expiration=cdk.Duration.days(1),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                )
            ],
        )
        return FolderFunction(
            self,
            "Teller",
            environment=environment.name,
            placement=environment.placement,
            name="guardduty",
            description="Tells people of a finding of GuardDuty once",
            source=Path(__file__).with_name("telling"),
            statements=telling_statements(
                bucket_arn=told.bucket_arn,
                topic_arn=topic.topic_arn,
                key_arn=core.foundation.logs_key.key_arn,
                region=environment.region,
            ),
            boundary=self.boundary,
            key=cast(kms.IKey, core.foundation.logs_key),
            days=environment.log_retention_days,
            variables={
                "GUARDDUTY_TOLD": told.bucket_name,
                "GUARDDUTY_TOPIC": topic.topic_arn,
            },
        )


def _status(on: bool) -> str:
    return "ENABLED" if on else "DISABLED"


def _undelivered(rule: events.Rule) -> cloudwatch.Metric:
    """Return what EventBridge could not hand on, as where it may not call the function any more.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
    """
    return cloudwatch.Metric(
        namespace="AWS/Events",
        metric_name="FailedInvocations",
        dimensions_map={"RuleName": rule.rule_name},
        statistic="Sum",
        period=_PERIOD,
    )


def _dropped(function: lambda_.Function) -> cloudwatch.Metric:
    """Return what Lambda gave up: a call for an event is tried again for six hours.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    return cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name="AsyncEventsDropped",
        dimensions_map={"FunctionName": function.function_name},
        statistic="Sum",
        period=_PERIOD,
    )
