"""The add-on's one stack: the gate and its record, what enables Inspector, and who hears of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssm as ssm

from stacks.addons.bounded import BoundedStack
from stacks.addons.core import Core
from stacks.addons.inspector.permissions import (
    enabling_statements,
    gate_statements,
    inspector_ceilings,
    reading_statements,
)
from starburst.contract.image_gate import ImageGateDocument, ImageWaiver, image_gate_parameter
from starburst_constructs.compute.folder_function import FolderFunction
from starburst_constructs.monitoring.metric_filter import CountingFilter
from starburst_constructs.monitoring.silence import SilenceAlarm
from starburst_constructs.monitoring.watch import counted
from starburst_constructs.naming import HEARTBEAT, role_arn, role_name
from starburst_constructs.policies.wildcards import DeclaredPolicy
from starburst_constructs.storage.private_bucket import ABANDONED_UPLOAD_DAYS, PrivateBucket
from starburst_constructs.storage.touching import ERASING, others

__all__ = ["InspectorStack"]

COMPARING: Final = cdk.Duration.minutes(15)
"""Between two comparisons with Inspector."""

_HOUR: Final = cdk.Duration.hours(1)
_FIVE_MINUTES: Final = cdk.Duration.minutes(5)
_MANY_FAILURES: Final = 3
_VERSION_DAYS: Final = 30
_OTHERS_DAYS: Final = 400
_PAGE: Final = "docs/addons/inspector.md"


class InspectorStack(BoundedStack):
    """The image gate of one environment, and Inspector where the environment owns the account's.

    Args:
        scope: the stage.
        construct_id: its id there.
        core: the stacks that it stands on.
        types: what Inspector is to scan in the account; empty where another environment says so.
        waivers: what the gate lets through.
    """

    def __init__(
        self,
        scope: cdk.Stage,
        construct_id: str,
        *,
        core: Core,
        types: Sequence[str],
        waivers: Sequence[ImageWaiver],
        **kwargs: Any,
    ) -> None:
        environment = core.environment
        super().__init__(
            scope, construct_id, core=core, ceilings=inspector_ceilings(environment), **kwargs
        )
        self._core = core
        record = self._record()
        # By name, since the control stack's template is as it was where nothing watches it.
        repository = core.registry.repository.repository_arn
        gate = self._function(
            "Gate",
            name="inspector",
            description="Keeps the record of what Inspector finds in images",
            source="gate_function",
            statements=gate_statements(bucket_arn=record.bucket_arn, repository_arn=repository),
            timeout=cdk.Duration.minutes(5),
            variables={
                "GATE_BUCKET": record.bucket_name,
                "GATE_REPOSITORY": repository,
                "GATE_WATCHES": "account" if types else "repository",
            },
        )
        self._wake(gate, repository=repository, account=bool(types))
        self._tell(gate)
        self._open_to_controller(record, waivers)
        if types:
            self._enable(types)
        self.order_roles()

    def _record(self) -> PrivateBucket:
        """Make the bucket that the gate alone writes, whoever else may ask."""
        environment = self._core.environment
        placement = environment.placement
        record = PrivateBucket(
            self,
            "Record",
            placement=placement,
            # Names of packages are no secret, and the controller needs no right to another key.
            encryption=s3.BucketEncryption.S3_MANAGED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=cdk.Duration.days(_VERSION_DAYS),
                    expired_object_delete_marker=True,
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(
                        ABANDONED_UPLOAD_DAYS
                    ),
                ),
                # That somebody was told of a function or an instance; what stands is told again.
                s3.LifecycleRule(prefix="others/", expiration=cdk.Duration.days(_OTHERS_DAYS)),
            ],
        )
        record.log_access(
            self._core.storage.access_logs, prefix="inspector/", sid="ImageRecordLogs"
        )
        gate = role_arn(environment.name, "inspector", account=environment.account)
        record.deny(
            "OtherWriters",
            # A test environment is destroyed by whoever does it.
            not_actions=(
                *("s3:GetObject", "s3:GetObjectVersion"),
                *(() if placement.retain else ERASING),
            ),
            resources=[record.arn_for_objects("*")],
            conditions=others([gate]),
        )
        return record

    def _function(
        self,
        construct_id: str,
        *,
        name: str,
        description: str,
        source: str,
        statements: Sequence[iam.PolicyStatement],
        timeout: cdk.Duration,
        variables: Mapping[str, str] | None = None,
    ) -> FolderFunction:
        environment = self._core.environment
        return FolderFunction(
            self,
            construct_id,
            environment=environment.name,
            placement=environment.placement,
            name=name,
            description=description,
            source=Path(__file__).with_name(source),
            statements=statements,
            boundary=self.boundary,
            key=cast(kms.IKey, self._core.foundation.logs_key),
            days=environment.log_retention_days,
            variables=variables,
            timeout=timeout,
        )

    def _wake(self, gate: FolderFunction, *, repository: str, account: bool) -> None:
        """Call the gate for what Inspector finds and scans, and to compare."""
        function = cast(lambda_.IFunction, gate.function)
        found = targets.LambdaFunction(function, max_event_age=cdk.Duration.hours(6))
        events.Rule(
            self,
            "Found",
            description="Starburst: Inspector found something, or it was mended",
            event_pattern=events.EventPattern(
                source=["aws.inspector2"],
                detail_type=["Inspector2 Finding"],
                detail={"severity": ["CRITICAL", "HIGH"]},
                # What else is found in the account is its owner's to hear.
                resources=None if account else events.Match.prefix(f"{repository}/"),
            ),
            targets=[cast(events.IRuleTarget, found)],
        )
        events.Rule(
            self,
            "Scanned",
            description="Starburst: Inspector scanned an image for the first time",
            event_pattern=events.EventPattern(
                source=["aws.inspector2"],
                detail_type=["Inspector2 Scan"],
                detail={"repository-name": [repository]},
            ),
            targets=[cast(events.IRuleTarget, targets.LambdaFunction(function))],
        )
        comparing = targets.LambdaFunction(
            function,
            event=events.RuleTargetInput.from_object({"image_gate": "compare"}),
            max_event_age=COMPARING,
        )
        events.Rule(
            self,
            "Compare",
            description="Starburst: compare the record of images with Inspector",
            schedule=events.Schedule.rate(COMPARING),
            targets=[cast(events.IRuleTarget, comparing)],
        )

    def _tell(self, gate: FolderFunction) -> None:
        """Ring for what is found, and where the record ages.

        No rule has a topic for its target: EventBridge does not say for whom it publishes to an
        encrypted one, which the key's policy asks. An alarm rings once for ten thousand findings.
        """
        control, name = self._core.control, self._core.environment.name
        metric = f"{name}-inspector-findings"
        log = gate.function.log_group
        CountingFilter(
            self,
            "Findings",
            log=cast(logs.ILogGroup, log),
            pattern='{ $.image_gate = "opened" }',
            metric=metric,
        )
        self._alarm(
            "NewFindings",
            "Inspector found something of severity CRITICAL or HIGH that was not there before",
            counted(metric, period=_FIVE_MINUTES),
            topic=control.security,
        )
        self._alarm(
            "GateFails",
            "The image gate fails: its record ages, and after a day production refuses sessions",
            gate.function.metric_errors(period=_HOUR),
            topic=control.alerts,
            threshold=_MANY_FAILURES,
        )
        compared = f"{name}-inspector{HEARTBEAT}"
        CountingFilter(
            self,
            "Comparisons",
            log=cast(logs.ILogGroup, log),
            pattern='{ $.image_gate = "compared" }',
            metric=compared,
        )
        # No call counts but one that came to its end: Inspector's events call the gate as well.
        SilenceAlarm(
            self,
            "GateSilent",
            told="The image gate was not compared with Inspector for two hours: its record ages. "
            f"{_PAGE}",
            metric=counted(compared, period=_HOUR),
            period=_HOUR,
            periods=2,
            topic=cast(sns.ITopic, control.alerts),
        )

    def _alarm(
        self,
        name: str,
        told: str,
        metric: Any,  # noqa: ANN401 - an IMetric, of which jsii knows several
        *,
        topic: sns.Topic,
        threshold: float = 1,
    ) -> None:
        comparison = cloudwatch.ComparisonOperator
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=f"Starburst: {told}. {_PAGE}",
            metric=cast(cloudwatch.IMetric, metric),
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=comparison.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(
            cast(cloudwatch.IAlarmAction, actions.SnsAction(cast(sns.ITopic, topic)))
        )

    def _open_to_controller(self, record: PrivateBucket, waivers: Sequence[ImageWaiver]) -> None:
        """Let the controller read the record, and tell it where that is.

        By names that it knows beforehand: its stack stands before this one.
        """
        environment, control = self._core.environment, self._core.control
        parameter = image_gate_parameter(environment.name)
        document = ImageGateDocument(bucket=record.bucket_name, waivers=tuple(waivers))
        ssm.StringParameter(
            self,
            "Document",
            parameter_name=parameter,
            description="Starburst: where the image gate's record is, and what is waived",
            string_value=document.to_json(),
        )
        controller = iam.Role.from_role_name(
            self, "Controller", role_name(environment.name, "controller"), mutable=False
        )
        DeclaredPolicy(
            self,
            "Reading",
            description="The session controller: reads the record of images",
            statements=reading_statements(environment, bucket_arn=record.bucket_arn),
            roles=[controller],
        )
        self.add_stack_dependency(self._core.access)
        control.function.add_environment("STARBURST_IMAGE_GATE", parameter)
        if environment.production:
            control.function.add_environment("STARBURST_IMAGE_GATE_STRICT", "true")

    def _enable(self, types: Sequence[str]) -> None:
        """Have Inspector switched on, and wait for it; nothing ever switches it off."""
        enabling = self._function(
            "Enabling",
            name="inspector-enabling",
            description="Switches Inspector on for the account",
            source="enabling_function",
            statements=enabling_statements(),
            timeout=cdk.Duration.minutes(15),
        )
        cdk.CustomResource(
            self,
            "Enabled",
            service_token=enabling.function.function_arn,
            resource_type="Custom::StarburstInspector",
            properties={"Account": self._core.environment.account, "Types": list(types)},
            service_timeout=cdk.Duration.minutes(16),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
