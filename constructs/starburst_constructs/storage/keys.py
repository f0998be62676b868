"""Customer managed keys: one for data, one for logs and alarms, each opened to named services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import anyone, no_strangers, service_grant
from starburst_constructs.storage.touching import others, refuse_others_the_key

__all__ = [
    "LOSING",
    "ArtifactsKey",
    "DataKey",
    "GuardedKey",
    "HostKey",
    "Keepers",
    "LakeKey",
    "LogsKey",
    "NamedKey",
    "ReportsKey",
    "VaultKey",
]

_WINDOW = cdk.Duration.days(30)

LOSING: Final = ("kms:DeleteImportedKeyMaterial", "kms:DisableKey", "kms:ScheduleKeyDeletion")
"""What makes all that a key encrypts unreadable. ``CancelKeyDeletion`` and ``EnableKey`` stay open.

Neither replicas nor a primary Region are here: a key of one Region has none. No service holds a
grant that evidence is read by, so revoking one loses none.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keepers:
    """Who alone may touch the life of a key that is kept.

    Attributes:
        deployer: ARN of the role in which CloudFormation deploys. It may change the key's policy:
            KMS refuses a policy that its own caller could not change again.
        break_glass: ARN of the role that may do all of it; None for nobody.
    """

    deployer: str
    break_glass: str | None = None


class GuardedKey(kms.Key):
    """A rotating key whose grants only AWS services acting for us may make."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        placement: Placement,
        keepers: Keepers | None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=description,
            enable_key_rotation=True,
            pending_window=_WINDOW,
            # Not RETAIN_ON_UPDATE_OR_DELETE, by which a creation that is rolled back is deleted:
            # not even CloudFormation may delete a kept key.
            removal_policy=cdk.RemovalPolicy.RETAIN
            if keepers is not None
            else cdk.RemovalPolicy.DESTROY,
        )
        if keepers is not None:
            self._keep(keepers)
        # No Allow names a stranger; the Deny holds against a grant, which needs none.
        self.add_to_resource_policy(
            no_strangers(actions=["kms:*"], placement=placement, signed=True)
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

    def _keep(self, keepers: Keepers) -> None:
        """Deny the end of the key, and the end of this denial, to all but who is named."""
        broken = [keepers.break_glass] if keepers.break_glass is not None else []
        for sid, actions, allowed in (
            ("DenyLosingTheKey", LOSING, broken),
            ("DenyOtherPolicies", ("kms:PutKeyPolicy",), [keepers.deployer, *broken]),
        ):
            self.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=sid,
                    effect=iam.Effect.DENY,
                    principals=[anyone()],
                    actions=list(actions),
                    resources=["*"],
                    # Of a role's session the key is the role's ARN; the root user has one as well.
                    conditions={"ArnNotEquals": {"aws:PrincipalArn": allowed}} if allowed else None,
                )
            )


class DataKey(GuardedKey):
    """Encrypts the data bucket, session queues, images, scratch disks and session keys.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        clusters: names of ECS clusters, which Fargate puts into the encryption context.
        principals: ARNs of the roles that alone use it.
        keepers: keep the key whatever becomes of its stack, by their hands; None to delete it then.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        clusters: Sequence[str],
        principals: Sequence[str],
        keepers: Keepers | None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Starburst: sessions' data, queues, images and scratch disks",
            placement=placement,
            keepers=keepers,
        )
        self.add_to_resource_policy(refuse_others_the_key(principals, region=placement.region))
        # One as a text: CloudFormation would take a list of one for a change.
        names: str | list[str] = clusters[0] if len(clusters) == 1 else list(clusters)
        context = {
            "kms:EncryptionContext:aws:ecs:clusterAccount": placement.account,
            "kms:EncryptionContext:aws:ecs:clusterName": names,
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


class ArtifactsKey(GuardedKey):
    """Encrypts what a pipeline hands from one build to the next: code, never data.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        keepers: keep the key whatever becomes of its stack, by their hands; None to delete it then.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        keepers: Keepers | None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Starburst: code between the builds of a pipeline",
            placement=placement,
            keepers=keepers,
        )


class HostKey(GuardedKey):
    """Encrypts the disks of EC2 instances, and nothing else: EC2 Auto Scaling may use it.

    The account must have Auto Scaling's own role, which it gets with its first group, or by
    ``aws iam create-service-linked-role --aws-service-name autoscaling.amazonaws.com``.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        keepers: keep the key whatever becomes of its stack, by their hands; None to delete it then.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        keepers: Keepers | None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Starburst: disks of instances that workers run on",
            placement=placement,
            keepers=keepers,
        )
        role = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
        scaling = cast(
            iam.IPrincipal, iam.ArnPrincipal(f"arn:aws:iam::{placement.account}:role/{role}")
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AutoScalingEncryptsDisks",
                principals=[scaling],
                actions=[
                    *("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt"),
                    *("kms:GenerateDataKey*", "kms:ReEncrypt*"),
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


class NamedKey(GuardedKey):
    """A key that named roles alone use, whatever identity policies say.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        principals: ARNs of the roles that alone use it.
        keepers: keep the key whatever becomes of its stack, by their hands; None to delete it then.
    """

    _about: ClassVar[str]

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        principals: Sequence[str],
        keepers: Keepers | None,
    ) -> None:
        super().__init__(
            scope, construct_id, description=self._about, placement=placement, keepers=keepers
        )
        # A grant is made for a service when what uses it is, by who deploys; the Deny above says
        # for whom alone. A service that uses it names nobody.
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="DenyOtherPrincipals",
                effect=iam.Effect.DENY,
                principals=[anyone()],
                actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                resources=["*"],
                conditions={**others(principals), "Null": {"aws:PrincipalArn": "false"}},
            )
        )


class LakeKey(NamedKey):
    """Encrypts the log lake, apart from other logs: who may read it is told by its own key."""

    _about = "Starburst: the log lake"


class ReportsKey(NamedKey):
    """Encrypts reports of an add-on, for who writes them and who reads them."""

    _about = "Starburst: reports"


class VaultKey(NamedKey):
    """Encrypts a vault of backups, and what is restored of it to be tried."""

    _about = "Starburst: backups"


class LogsKey(GuardedKey):
    """Encrypts log groups, the trail and alarm topics.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        keepers: keep the key whatever becomes of its stack, by their hands; None to delete it then.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        keepers: Keepers | None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Starburst: logs, trail and alarms",
            placement=placement,
            keepers=keepers,
        )
        self.add_to_resource_policy(
            service_grant(
                "CloudWatchLogs",
                f"logs.{placement.region}.amazonaws.com",
                actions=[
                    "kms:Decrypt",
                    "kms:DescribeKey",
                    "kms:Encrypt",
                    "kms:GenerateDataKey*",
                    "kms:ReEncrypt*",
                ],
                conditions={
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": (placement.arn("logs", "log-group:*"))
                    }
                },
            )
        )
        trails = f"arn:aws:cloudtrail:*:{placement.account}:trail/*"
        self.add_to_resource_policy(
            service_grant(
                "CloudTrailEncrypts",
                "cloudtrail.amazonaws.com",
                # Decrypt for a bucket that has a key of its own: without it no trail is made
                # (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html).
                actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"],
                conditions={
                    "StringEquals": {"aws:SourceAccount": placement.account},
                    "ArnLike": {"aws:SourceArn": trails},
                },
            )
        )
        # EventBridge says for whom it sends to a queue, and to an encrypted topic it does not
        # (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html): no rule of ours may
        # have a topic for its target.
        for service in ("budgets", "cloudwatch", "events"):
            self.add_to_resource_policy(
                service_grant(
                    f"{service.capitalize()}Publishes",
                    f"{service}.amazonaws.com",
                    actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                    conditions={"StringEquals": {"aws:SourceAccount": placement.account}},
                )
            )
