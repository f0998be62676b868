"""The topic that people subscribe to for alarms and budgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import no_strangers, service_grant

__all__ = ["AlertTopic"]

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


class AlertTopic(sns.Topic):
    """An encrypted topic to which this account's alarms and budgets alone may publish (S19).

    Args:
        scope: parent construct.
        construct_id: its id there.
        key: encrypts it; its policy must let both services in.
        placement: of the environment.
        emails: who is told; each confirms by a link that SNS sends.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.Key,
        placement: Placement,
        emails: Sequence[str] = (),
    ) -> None:
        super().__init__(
            scope,
            construct_id,
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
        sources = {
            "cloudwatch": placement.arn("cloudwatch", "alarm:*"),
            "budgets": f"arn:aws:budgets::{placement.account}:*",
        }
        for service, source in sources.items():
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
