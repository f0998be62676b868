"""The topics that people, and the controller, hear alarms and spent budgets by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import no_strangers, service_grant

__all__ = ["AlertTopic", "BudgetTopic", "ReportTopic", "SecurityTopic"]

_ACTIONS: Final = (
    "sns:AddPermission",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:Publish",
    "sns:RemovePermission",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
)
"""All that a topic's policy may speak of: SNS refuses ``sns:*`` there."""


class _Topic(sns.Topic):
    """An encrypted topic to which named services of this account alone may publish.

    Args:
        scope: parent construct.
        construct_id: its id there.
        key: encrypts it; its policy must let in the services that publish.
        placement: of the environment.
        emails: who is told; each confirms by a link that SNS sends.
        name: physical name, where somebody must know it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.Key,
        placement: Placement,
        emails: Sequence[str],
        name: str | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            topic_name=name,
            display_name="Starburst alerts",
            master_key=cast(kms.IKey, key),
            enforce_ssl=True,
        )
        self.add_to_resource_policy(
            no_strangers(
                actions=list(_ACTIONS),
                resources=[self.topic_arn],
                placement=placement,
            )
        )
        for email in emails:
            self.add_subscription(
                cast(sns.ITopicSubscription, subscriptions.EmailSubscription(email))
            )
        for service, source in self._publishers(placement).items():
            self.add_to_resource_policy(
                service_grant(
                    f"{service.capitalize()}Publishes",
                    f"{service}.amazonaws.com",
                    actions=["sns:Publish"],
                    resources=[self.topic_arn],
                    conditions={
                        "StringEquals": {"aws:SourceAccount": placement.account},
                        "ArnLike": {"aws:SourceArn": source},
                    },
                )
            )

    @staticmethod
    def _publishers(placement: Placement) -> Mapping[str, str]:
        """Return for whose sake each service publishes, as a pattern of ARNs: none without it."""
        del placement
        return {}


class AlertTopic(_Topic):
    """An encrypted topic to which this account's alarms and budgets alone may publish (S19)."""

    @staticmethod
    def _publishers(placement: Placement) -> Mapping[str, str]:
        return {"cloudwatch": _alarms(placement), "budgets": _budgets(placement)}


class SecurityTopic(_Topic):
    """An encrypted topic to which this account's alarms alone may publish (A5)."""

    @staticmethod
    def _publishers(placement: Placement) -> Mapping[str, str]:
        return {"cloudwatch": _alarms(placement)}


class ReportTopic(_Topic):
    """An encrypted topic to which no service publishes: a function does, by its role (P2)."""


class BudgetTopic(_Topic):
    """An encrypted topic of spent budgets, by which the controller freezes workspaces (A1).

    A budget's notification takes one topic at most, so people who hear alarms hear of it here.
    Whatever is published here may freeze a workspace: only this account's budgets may.

    Args:
        scope: parent construct.
        construct_id: its id there.
        name: physical name: the controller must know it, which is deployed before it.
        key: encrypts it; its policy must let AWS Budgets in.
        placement: of the environment.
        alias_arn: the controller's alias for the service, which is invoked.
        emails: who is told as well; each confirms by a link that SNS sends.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        key: kms.Key,
        placement: Placement,
        alias_arn: str,
        emails: Sequence[str] = (),
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            name=name,
            key=key,
            placement=placement,
            emails=emails,
        )
        allowed = lambda_.CfnPermission(
            self,
            "Invokes",
            action="lambda:InvokeFunction",
            function_name=alias_arn,
            principal="sns.amazonaws.com",
            source_account=placement.account,
            source_arn=self.topic_arn,
        )
        told = sns.CfnSubscription(
            self, "Told", protocol="lambda", endpoint=alias_arn, topic_arn=self.topic_arn
        )
        # What SNS delivers before it may is lost.
        told.add_resource_dependency(allowed)

    @staticmethod
    def _publishers(placement: Placement) -> Mapping[str, str]:
        return {"budgets": _budgets(placement)}


def _alarms(placement: Placement) -> str:
    return placement.arn("cloudwatch", "alarm:*")


def _budgets(placement: Placement) -> str:
    return f"arn:aws:budgets::{placement.account}:*"
