"""The governance stack: the audit and its reports, what rings, and the policy where it may be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_organizations as organizations
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.addons.bounded import BoundedStack
from stacks.addons.core import Core
from stacks.addons.identity_governance.events import PATTERNS, RINGS, TOLD, condition
from stacks.addons.identity_governance.instances_policy import instances_policy
from stacks.addons.identity_governance.member import Member, bus_policy
from stacks.addons.identity_governance.permissions import (
    REPORTS,
    audit_statements,
    governance_ceilings,
    reading_statements,
)
from starburst_constructs.compute.folder_function import FolderFunction
from starburst_constructs.monitoring.metric_filter import CountingFilter
from starburst_constructs.monitoring.noticed.forwarding import ForwardedEvents
from starburst_constructs.monitoring.silence import TwiceADay
from starburst_constructs.monitoring.watch import counted
from starburst_constructs.policies.wildcards import DeclaredPolicy
from starburst_constructs.storage.closed_bucket import ClosedBucket
from starburst_constructs.storage.keys import ReportsKey

__all__ = ["GovernanceStack"]

_PAGE: Final = "docs/addons/identity_governance.md"
_FIVE_MINUTES: Final = cdk.Duration.minutes(5)


class GovernanceStack(BoundedStack):
    """The identity governance of one environment.

    Args:
        scope: the stage.
        construct_id: its id there.
        core: the stacks that it stands on.
        member: what the accounts of the organization know of it.
        readers: ARNs of the roles that read reports.
        regions: in which instances are looked for.
        schedule: cron expression of EventBridge, in UTC.
        overdue_days: reports are made at once where none are so young.
        days: reports are kept so long.
        allowed: ids of the accounts that may make an instance.
        targets: of the organization's policy; none where it is not deployed from here.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        core: Core,
        member: Member,
        readers: Sequence[str],
        regions: Sequence[str],
        schedule: str,
        overdue_days: int,
        days: int,
        allowed: Sequence[str],
        targets: Sequence[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            core=core,
            ceilings=governance_ceilings(core.environment, member),
            **kwargs,
        )
        self._core, self._member = core, member
        environment = core.environment
        principals = [
            member.audit_arn,
            *readers,
            *filter(None, [environment.break_glass_role_arn]),
        ]
        self._key = ReportsKey(
            self,
            "Key",
            placement=environment.placement,
            principals=principals,
            keepers=core.foundation.keepers,
        )
        self._bucket = ClosedBucket(
            self,
            "Bucket",
            placement=environment.placement,
            key=self._key,
            access_logs=core.storage.access_logs,
            addon="governance",
            principals=principals,
            writer=member.audit_arn,
            days={REPORTS: days},
            once="",
        )
        DeclaredPolicy(
            self,
            "Reading",
            managed_policy_name=f"starburst-{environment.name}-governance-reports",
            # Without a description: to change one replaces a policy, whose name is taken.
            statements=reading_statements(
                bucket_arn=self._bucket.bucket_arn, key_arn=self._key.key_arn
            ),
        )
        function = self._audit(regions, schedule, overdue_days=overdue_days)
        self._listen(function)
        if targets:
            organizations.CfnPolicy(
                self,
                "InstancesPolicy",
                name=f"starburst-{environment.name}-identity-instances",
                type="SERVICE_CONTROL_POLICY",
                content=instances_policy(allowed),
                target_ids=list(targets),
            ).apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        self.order_roles()

    def _audit(
        self, regions: Sequence[str], schedule: str, *, overdue_days: int
    ) -> lambda_.Function:
        environment, member = self._core.environment, self._member
        made = FolderFunction(
            self,
            "Audit",
            environment=environment.name,
            placement=environment.placement,
            name="governance",
            description="Reports on Identity Center in each account of the organization",
            source=Path(__file__).with_name("report"),
            statements=audit_statements(
                member, bucket_arn=self._bucket.bucket_arn, key_arn=self._key.key_arn
            ),
            boundary=self.boundary,
            key=cast(kms.IKey, self._core.foundation.logs_key),
            days=environment.log_retention_days,
            timeout=cdk.Duration.minutes(15),
            variables={
                "GOVERNANCE_ACCOUNT": environment.account,
                "GOVERNANCE_BUCKET": self._bucket.bucket_name,
                "GOVERNANCE_KEY": self._key.key_arn,
                "GOVERNANCE_OVERDUE_DAYS": str(overdue_days),
                "GOVERNANCE_REGIONS": ",".join(regions),
                "GOVERNANCE_ROLE": member.role,
            },
        )
        events.Rule(
            self,
            "Schedule",
            rule_name=f"starburst-{environment.name}-governance",
            schedule=events.Schedule.expression(f"cron({schedule})"),
            targets=[
                cast(
                    events.IRuleTarget,
                    targets.LambdaFunction(cast(lambda_.IFunction, made.function)),
                )
            ],
        )
        TwiceADay(
            self,
            "TwiceADay",
            function=made.function,
            event={"overdue": True},
            told="The audit of Identity Center was not called for a day, so no report may come. "
            f"{_PAGE}#when-it-rings",
            topic=cast(sns.ITopic, self._core.control.security),
        )
        metric = f"{environment.name}-governance-partial"
        CountingFilter(
            self,
            "Partial",
            log=cast(logs.ILogGroup, made.function.log_group),
            pattern='{ $.reports = "partial" }',
            metric=metric,
        )
        self._alarm(
            "NotRead",
            "Of an account, a store or an application the reports on Identity Center could not be "
            "read",
            counted(metric),
        )
        return made.function

    def _listen(self, function: lambda_.Function) -> None:
        core, member, environment = self._core, self._member, self._core.environment
        bus = events.CfnEventBus(
            self,
            "Bus",
            name=member.bus,
            description="Changes of Identity Center in other accounts of the organization",
            policy=bus_policy(member),
        )
        bus.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        heard = ForwardedEvents(
            self,
            "Heard",
            name=f"/aws/events/starburst/{environment.name}/governance",
            key=core.foundation.logs_key,
            days=environment.log_retention_days,
            placement=environment.placement,
            patterns=PATTERNS,
            buses={"Other": bus.attr_name},
        )
        for alarm in RINGS:
            metric = f"{environment.name}-governance-{alarm}"
            CountingFilter(
                self, f"Count{alarm}", log=heard.log, pattern=condition(alarm), metric=metric
            )
            self._alarm(alarm, TOLD[alarm], counted(metric))
        self._alarm(
            "AuditFailed",
            "The audit of Identity Center wrote no report",
            function.metric_errors(period=_FIVE_MINUTES),
        )

    def _alarm(self, name: str, told: str, metric: cloudwatch.IMetric) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=f"Starburst: {told}. {_PAGE}#when-it-rings",
            metric=metric,
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        topic = cast(sns.ITopic, self._core.control.security)
        alarm.add_alarm_action(cast(cloudwatch.IAlarmAction, actions.SnsAction(topic)))
