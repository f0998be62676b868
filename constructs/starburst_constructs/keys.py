"""Customer managed keys: one for data, one for logs and alarms, each opened to named services."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from starburst_constructs.grants import anyone, no_strangers, service_grant

__all__ = ["DataKey", "HostKey", "LogsKey"]

_WINDOW = cdk.Duration.days(30)


class _Key(kms.Key):
    """A rotating key whose grants only AWS services acting for us may make."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        account: str,
        organization_id: str | None,
        retain: bool,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=description,
            enable_key_rotation=True,
            pending_window=_WINDOW,
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
            if retain
            else cdk.RemovalPolicy.DESTROY,
        )
        # No Allow names a stranger; the Deny holds against a grant, which needs none.
        self.add_to_resource_policy(
            no_strangers(actions=["kms:*"], account=account, organization_id=organization_id)
        )
        # A grant escapes every identity policy, so people and roles may not make one; services
        # that make one for us (ECR, Fargate) are let through.
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="DenyGrantsOutsideAwsServices",
                effect=iam.Effect.DENY,
                principals=[anyone()],
                actions=["kms:CreateGrant"],
                resources=["*"],
                conditions={
                    "BoolIfExists": {
                        "kms:GrantIsForAWSResource": "false",
                        "aws:PrincipalIsAWSService": "false",
                    }
                },
            )
        )


class DataKey(_Key):
    """Encrypts the data bucket, session queues, images, scratch disks and session keys.

    Args:
        scope: parent construct.
        construct_id: its id there.
        account: that owns the cluster.
        organization_id: widens the perimeter from the account to the organization.
        cluster: ECS cluster name, which Fargate puts into the encryption context.
        retain: keep the key when its stack is deleted.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        account: str,
        organization_id: str | None,
        cluster: str,
        retain: bool,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Starburst: sessions' data, queues, images and scratch disks",
            account=account,
            organization_id=organization_id,
            retain=retain,
        )
        context = {
            "kms:EncryptionContext:aws:ecs:clusterAccount": account,
            "kms:EncryptionContext:aws:ecs:clusterName": cluster,
        }
        self.add_to_resource_policy(
            service_grant(
                "FargateScratchDataKeys",
                "fargate.amazonaws.com",
                actions=["kms:GenerateDataKeyWithoutPlaintext"],
                conditions={"StringEquals": context},
            )
        )
        self.add_to_resource_policy(
            service_grant(
                "FargateScratchGrants",
                "fargate.amazonaws.com",
                actions=["kms:CreateGrant"],
                conditions={
                    "StringEquals": context,
                    "ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt"]},
                    # ForAllValues holds where the key is absent, so its presence is asked for too.
                    "Null": {"kms:GrantOperations": "false"},
                },
            )
        )


class HostKey(_Key):
    """Encrypts the disks of EC2 instances, and nothing else: EC2 Auto Scaling may use it.

    The account must have Auto Scaling's own role, which it gets with its first group, or by
    ``aws iam create-service-linked-role --aws-service-name autoscaling.amazonaws.com``.

    Args:
        scope: parent construct.
        construct_id: its id there.
        account: whose instances they are.
        organization_id: widens the perimeter from the account to the organization.
        retain: keep the key when its stack is deleted.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        account: str,
        organization_id: str | None,
        retain: bool,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Starburst: disks of instances that workers run on",
            account=account,
            organization_id=organization_id,
            retain=retain,
        )
        role = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
        scaling = cast(iam.IPrincipal, iam.ArnPrincipal(f"arn:aws:iam::{account}:role/{role}"))
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AutoScalingEncryptsDisks",
                principals=[scaling],
                actions=[
                    "kms:Decrypt",
                    "kms:DescribeKey",
                    "kms:Encrypt",
                    "kms:GenerateDataKey*",
                    "kms:ReEncrypt*",
                ],
                resources=["*"],
            )
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AutoScalingAttachesDisks",
                principals=[scaling],
                actions=["kms:CreateGrant"],
                resources=["*"],
                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            )
        )


class LogsKey(_Key):
    """Encrypts log groups, the trail and alarm topics.

    Args:
        scope: parent construct.
        construct_id: its id there.
        account: that the services act for.
        organization_id: widens the perimeter from the account to the organization.
        region: of the log groups.
        retain: keep the key when its stack is deleted.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        account: str,
        organization_id: str | None,
        region: str,
        retain: bool,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Starburst: logs, trail and alarms",
            account=account,
            organization_id=organization_id,
            retain=retain,
        )
        self.add_to_resource_policy(
            service_grant(
                "CloudWatchLogs",
                f"logs.{region}.amazonaws.com",
                actions=[
                    "kms:Decrypt",
                    "kms:DescribeKey",
                    "kms:Encrypt",
                    "kms:GenerateDataKey*",
                    "kms:ReEncrypt*",
                ],
                conditions={
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": (
                            f"arn:aws:logs:{region}:{account}:log-group:*"
                        )
                    }
                },
            )
        )
        trails = f"arn:aws:cloudtrail:*:{account}:trail/*"
        self.add_to_resource_policy(
            service_grant(
                "CloudTrailEncrypts",
                "cloudtrail.amazonaws.com",
                actions=["kms:GenerateDataKey*", "kms:DescribeKey"],
                conditions={
                    "StringEquals": {"aws:SourceAccount": account},
                    "ArnLike": {"aws:SourceArn": trails},
                },
            )
        )
        for service in ("budgets", "cloudwatch", "events"):
            self.add_to_resource_policy(
                service_grant(
                    f"{service.capitalize()}Publishes",
                    f"{service}.amazonaws.com",
                    actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                    conditions={"StringEquals": {"aws:SourceAccount": account}},
                )
            )
