"""The reports' one stack: a schedule, a function, a bucket, a topic, and what rings if it fails."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.addons.bounded import BoundedStack
from stacks.addons.core import Core
from stacks.addons.security_hub_findings.permissions import (
    REPORTS,
    TOLD,
    Shelf,
    link_statements,
    reading_statements,
    report_ceilings,
    writing_statements,
)
from starburst_constructs.compute.folder_function import FolderFunction
from starburst_constructs.compute.private_queue import PrivateQueue
from starburst_constructs.identity.roles import KitRole
from starburst_constructs.monitoring.alerts import ReportTopic
from starburst_constructs.monitoring.silence import TwiceADay
from starburst_constructs.naming import role_arn, role_name
from starburst_constructs.policies.wildcards import DeclaredPolicy
from starburst_constructs.storage.closed_bucket import ClosedBucket
from starburst_constructs.storage.keys import ReportsKey

if TYPE_CHECKING:
    from stacks.addons.security_hub_findings.addon import SecurityHubFindings

__all__ = ["FindingsStack"]

_LONGEST: Final = cdk.Duration.minutes(15)
"""The most that Lambda gives a call."""

_MEMORY_MB: Final = 512
_DISK_MB: Final = 2048
"""Of what Security Hub gives out in a quarter of an hour, at ten kilobytes a finding."""

_FIVE_MINUTES: Final = cdk.Duration.minutes(5)
_PAGE: Final = "docs/addons/security_hub_findings.md"


class FindingsStack(BoundedStack):
    """The reports of one environment.

    Args:
        scope: the stage.
        construct_id: its id there.
        core: the stacks that it stands on.
        settings: of the add-on.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        core: Core,
        settings: SecurityHubFindings,
        **kwargs: Any,
    ) -> None:
        environment = core.environment
        placement, links = environment.placement, settings.link_minutes is not None
        hub_region = settings.hub_region or environment.region
        super().__init__(
            scope,
            construct_id,
            core=core,
            ceilings=report_ceilings(
                environment.name, placement=placement, hub_region=hub_region, links=links
            ),
            **kwargs,
        )
        self._core, self._settings = core, settings
        writer = role_arn(environment.name, "findings", account=environment.account)
        link = role_arn(environment.name, "findings-link", account=environment.account)
        principals = [
            writer,
            *settings.readers,
            *([link] if links else []),
            *filter(None, [environment.break_glass_role_arn]),
        ]
        key = ReportsKey(
            self,
            "Key",
            placement=placement,
            principals=principals,
            keepers=core.foundation.keepers,
        )
        bucket = ClosedBucket(
            self,
            "Reports",
            placement=placement,
            key=key,
            access_logs=core.storage.access_logs,
            addon="findings",
            principals=principals,
            writer=writer,
            days={REPORTS: settings.days, TOLD: settings.days},
            once="",
        )
        topic = ReportTopic(self, "Topic", key=key, placement=placement, emails=settings.emails)
        self._failures = PrivateQueue(
            self,
            "Failures",
            name=f"starburst-{environment.name}-findings-failures",
            key=key,
            placement=placement,
            retention_period=cdk.Duration.days(14),
        )
        self._shelf = Shelf(
            environment=environment.name,
            placement=placement,
            hub_region=hub_region,
            bucket_arn=bucket.bucket_arn,
            key_arn=key.key_arn,
            topic_arn=topic.topic_arn,
            queue_arn=self._failures.queue_arn,
            link_role_arn=link if links else None,
        )
        function = self._function(bucket, key, topic)
        if links:
            role = KitRole(
                self,
                "Link",
                name=role_name(environment.name, "findings-link"),
                purpose="findings-link",
                trust=cast(iam.IPrincipal, iam.ArnPrincipal(writer)),
                boundary=self.boundary,
                description="Opens one report to whoever has a link, for an hour at most",
                policies={
                    "Open": link_statements(self._shelf, cidrs=environment.trusted_cidrs),
                },
                session=cdk.Duration.hours(1),
            )
            # IAM refuses a trust in a role that is not there.
            role.node.add_dependency(function.role)
        DeclaredPolicy(
            self,
            "Reading",
            managed_policy_name=f"starburst-{environment.name}-findings-reader",
            # Without a description: to change one replaces a policy, whose name is taken.
            statements=reading_statements(self._shelf),
        )
        self._ring(self._schedule(function.function))
        TwiceADay(
            self,
            "TwiceADay",
            function=function.function,
            event={"overdue": True},
            told="The report of Security Hub's findings was not called for a day: none may come. "
            f"{_PAGE}#silent",
            topic=cast(sns.ITopic, core.control.alerts),
        )
        self.order_roles()

    def _function(self, bucket: ClosedBucket, key: ReportsKey, topic: sns.Topic) -> FolderFunction:
        environment, settings = self._core.environment, self._settings
        chosen = (
            {
                "FINDINGS_LINK_MINUTES": str(settings.link_minutes),
                "FINDINGS_LINK_ROLE": self._shelf.link_role_arn,
            }
            if self._shelf.link_role_arn is not None
            else {}
        )
        made = FolderFunction(
            self,
            "Report",
            environment=environment.name,
            placement=environment.placement,
            name="findings",
            description="Writes Security Hub's findings into a report and tells of it",
            source=Path(__file__).with_name("report"),
            statements=writing_statements(self._shelf),
            boundary=self.boundary,
            key=cast(kms.IKey, self._core.foundation.logs_key),
            days=environment.log_retention_days,
            timeout=_LONGEST,
            variables={
                "FINDINGS_ACCOUNT": environment.account,
                "FINDINGS_BUCKET": bucket.bucket_name,
                "FINDINGS_ENVIRONMENT": environment.name,
                "FINDINGS_HUB_REGION": self._shelf.hub_region,
                "FINDINGS_KEY": key.key_arn,
                "FINDINGS_OVERDUE_DAYS": str(settings.overdue_days),
                "FINDINGS_SEVERITIES": ",".join(settings.severities),
                "FINDINGS_TOPIC": topic.topic_arn,
                **chosen,
            },
        )
        function = made.function.node.default_child
        assert isinstance(function, lambda_.CfnFunction)  # noqa: S101 - narrows jsii's type
        function.memory_size = _MEMORY_MB
        function.ephemeral_storage = lambda_.CfnFunction.EphemeralStorageProperty(size=_DISK_MB)
        # What Lambda tried three times waits there; the grant of it is among the statements.
        function.dead_letter_config = lambda_.CfnFunction.DeadLetterConfigProperty(
            target_arn=self._failures.queue_arn
        )
        return made

    def _schedule(self, function: lambda_.Function) -> events.Rule:
        return events.Rule(
            self,
            "Schedule",
            description="Starburst: report Security Hub's findings",
            schedule=events.Schedule.expression(self._settings.schedule),
            targets=[
                cast(
                    events.IRuleTarget,
                    targets.LambdaFunction(
                        cast(lambda_.IFunction, function),
                        max_event_age=cdk.Duration.hours(2),
                        retry_attempts=10,
                    ),
                )
            ],
        )

    def _ring(self, rule: events.Rule) -> None:
        """Ring where no report comes, by the platform's topic: this one may be what failed."""
        waiting = self._failures.metric_approximate_number_of_messages_visible(period=_FIVE_MINUTES)
        undelivered = cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name="FailedInvocations",
            dimensions_map={"RuleName": rule.rule_name},
            statistic="Sum",
            period=_FIVE_MINUTES,
        )
        for name, told, metric, missing in (
            (
                "Failed",
                "The report of Security Hub's findings failed three times: its event waits in "
                "the failure queue",
                waiting,
                # SQS tells nothing of a queue that nobody asked for six hours; what lay there does.
                cloudwatch.TreatMissingData.IGNORE,
            ),
            (
                "Unheard",
                "EventBridge could not start the report of Security Hub's findings",
                cast(cloudwatch.IMetric, undelivered),
                cloudwatch.TreatMissingData.NOT_BREACHING,
            ),
        ):
            alarm = cloudwatch.Alarm(
                self,
                name,
                alarm_description=f"Starburst: {told}. {_PAGE}#{name.lower()}",
                metric=metric,
                threshold=1,
                evaluation_periods=1,
                comparison_operator=(
                    cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
                ),
                treat_missing_data=missing,
            )
            topic = cast(sns.ITopic, self._core.control.alerts)
            alarm.add_alarm_action(cast(cloudwatch.IAlarmAction, actions.SnsAction(topic)))
