"""The topic that people subscribe to for alarms and budgets."""

from __future__ import annotations

from typing import cast

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from starburst_constructs.grants import service_grant

__all__ = ["AlertTopic"]


class AlertTopic(sns.Topic):
    """An encrypted topic to which this account's alarms and budgets alone may publish (S19).

    Args:
        scope: parent construct.
        construct_id: its id there.
        key: encrypts it; its policy must let both services in.
        account: whose alarms and budgets.
        region: of the alarms.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, key: kms.Key, account: str, region: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            display_name="Starburst alerts",
            master_key=cast(kms.IKey, key),
            enforce_ssl=True,
        )
        sources = {
            "cloudwatch": f"arn:aws:cloudwatch:{region}:{account}:alarm:*",
            "budgets": f"arn:aws:budgets::{account}:*",
        }
        for service, source in sources.items():
            self.add_to_resource_policy(
                service_grant(
                    f"{service.capitalize()}Publishes",
                    f"{service}.amazonaws.com",
                    actions=["sns:Publish"],
                    resources=[self.topic_arn],
                    conditions={
                        "StringEquals": {"aws:SourceAccount": account},
                        "ArnLike": {"aws:SourceArn": source},
                    },
                )
            )
