"""The review's one stack: analyzers, the quarterly function, the bucket of its records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_accessanalyzer as accessanalyzer
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.addons.access_review.bucket import ReviewBucket
from stacks.addons.access_review.permissions import review_ceilings, review_statements
from stacks.addons.bounded import BoundedStack
from stacks.addons.core import Core
from starburst_constructs.compute.folder_function import FolderFunction
from starburst_constructs.monitoring.logs import EncryptedLogGroup
from starburst_constructs.monitoring.metric_filter import CountingFilter
from starburst_constructs.monitoring.silence import TwiceADay
from starburst_constructs.monitoring.watch import counted
from starburst_constructs.naming import role_arn
from starburst_constructs.storage.keys import GuardedKey

if TYPE_CHECKING:
    from stacks.addons.access_review.addon import AccessReview

__all__ = ["AccessReviewStack"]

_MEMORY_MB: Final = 512
"""The service reference of EC2 is megabytes of JSON."""

_PAGE: Final = "docs/addons/access_review.md#when-it-rings"
_REACHED: Final = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_WRITTEN: Final = '{ $.event = "access review" }'
"""A line of the function's log, which it prints before it ends."""


class AccessReviewStack(BoundedStack):
    """Reviews the roles of one environment.

    Args:
        scope: the stage.
        construct_id: its id there.
        core: the stacks that it stands on.
        settings: of the review.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        core: Core,
        settings: AccessReview,
        **kwargs: Any,
    ) -> None:
        environment = core.environment
        super().__init__(
            scope,
            construct_id,
            core=core,
            ceilings=review_ceilings(environment=environment.name, placement=environment.placement),
            **kwargs,
        )
        logs_key = core.foundation.logs_key
        key = GuardedKey(
            self,
            "Key",
            description="Starburst: records of access reviews",
            placement=environment.placement,
            keepers=core.foundation.keepers,
        )
        bucket = ReviewBucket(
            self,
            "Records",
            placement=environment.placement,
            key=key,
            access_logs=core.storage.access_logs,
            writer=role_arn(environment.name, "accessreview", account=environment.account),
            days=settings.record_days,
        )
        analyzers = self._analyzers(core, settings)
        found = {kind: one.attr_arn for kind, one in analyzers.items()}
        reviewer = FolderFunction(
            self,
            "Review",
            environment=environment.name,
            placement=environment.placement,
            name="accessreview",
            description="Holds each role's policies against what IAM has on record of its use",
            source=Path(__file__).with_name("review"),
            statements=review_statements(
                environment=environment.name,
                placement=environment.placement,
                bucket_arn=bucket.bucket_arn,
                key_arn=key.key_arn,
                analyzers=found.values(),
            ),
            boundary=self.boundary,
            key=cast(kms.IKey, logs_key),
            days=environment.log_retention_days,
            variables={
                "REVIEW_ENVIRONMENT": environment.name,
                "REVIEW_BUCKET": bucket.bucket_name,
                "REVIEW_ANALYZERS": json.dumps(found),
                "REVIEW_AFTER_DAYS": str(settings.after_days),
            },
            timeout=cdk.Duration.minutes(15),
        )
        made = reviewer.function.node.default_child
        assert isinstance(made, lambda_.CfnFunction)  # noqa: S101 - narrows jsii's type
        made.memory_size = _MEMORY_MB
        self._tell(core, reviewer)
        self.order_roles()

    def _analyzers(
        self, core: Core, settings: AccessReview
    ) -> dict[str, accessanalyzer.CfnAnalyzer]:
        properties = accessanalyzer.CfnAnalyzer
        found: dict[str, accessanalyzer.CfnAnalyzer] = {}
        if settings.external:
            found["external"] = properties(self, "External", type="ACCOUNT")
        if settings.unused:
            found["unused"] = properties(
                self,
                "Unused",
                type="ACCOUNT_UNUSED_ACCESS",
                analyzer_configuration=properties.AnalyzerConfigurationProperty(
                    unused_access_configuration=properties.UnusedAccessConfigurationProperty(
                        unused_access_age=settings.unused_days
                    )
                ),
            )
        if settings.internal:
            criteria = properties.InternalAccessAnalysisRuleCriteriaProperty(
                resource_arns=[core.storage.data.bucket_arn]
            )
            rule = properties.InternalAccessAnalysisRuleProperty(inclusions=[criteria])
            found["internal"] = properties(
                self,
                "Internal",
                type="ACCOUNT_INTERNAL_ACCESS",
                analyzer_configuration=properties.AnalyzerConfigurationProperty(
                    internal_access_configuration=properties.InternalAccessConfigurationProperty(
                        internal_access_analysis_rule=rule
                    )
                ),
            )
        for one in found.values():
            one.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        return found

    def _tell(self, core: Core, reviewer: FolderFunction) -> None:
        """Have it called, and ring where security listens: nothing but alarms may publish there."""
        topic = cast(sns.ITopic, core.control.security)
        TwiceADay(
            self,
            "TwiceADay",
            function=reviewer.function,
            event={},
            told=f"The access review was not called for a day, so none may come: {_PAGE}",
            topic=topic,
        )
        log = reviewer.node.find_child("Log")
        assert isinstance(log, EncryptedLogGroup)  # noqa: S101 - narrows the type
        metric = f"{core.environment.name} access reviews"
        CountingFilter(self, "Reviews", log=log, pattern=_WRITTEN, metric=metric)
        failures = reviewer.function.metric_errors(period=cdk.Duration.minutes(5))
        for name, counts, said in (
            ("Written", counted(metric), "An access review was written, prove what it proposes"),
            ("Failed", cast(cloudwatch.IMetric, failures), "The access review failed"),
        ):
            alarm = cloudwatch.Alarm(
                self,
                name,
                alarm_description=f"{said}: {_PAGE}",
                metric=counts,
                threshold=1,
                evaluation_periods=1,
                comparison_operator=_REACHED,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            alarm.add_alarm_action(cast(cloudwatch.IAlarmAction, actions.SnsAction(topic)))
