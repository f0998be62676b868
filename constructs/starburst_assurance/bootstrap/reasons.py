"""What the registry's words do not say: which of them the kit never needs, and which they lack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["LEFT_OUT", "LINKED", "MISSING", "NO_SUCH_ACTION", "LeftOut", "Missing"]

_REFERENCE: Final = "https://docs.aws.amazon.com/service-authorization/latest/reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Permissions that a type's handlers list and a deployment of the kit does without.

    Attributes:
        kind: the type.
        actions: without ``*``, as the registry writes them.
        unless: needed all the same where some resource has one of these properties; without any,
            they are never given.
        reason: why.
    """

    kind: str
    actions: tuple[str, ...]
    reason: str
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Permissions that a deployment needs and the registry does not list.

    Attributes:
        kind: the type; empty for what every stack needs.
        actions: what is needed.
        reason: why, and where AWS says so.
        having: needed only where some resource has this property.
    """

    kind: str
    actions: tuple[str, ...]
    reason: str
    having: str | None = None


def _for(kind: str, unless: str, *actions: str) -> LeftOut:
    """Leave out what serves properties that no resource has."""
    names = tuple(unless.split())
    reason = f"serves {' and '.join(names)} alone, which no resource has"
    return LeftOut(kind=kind, actions=actions, unless=names, reason=reason)


def _never(kind: str, reason: str, *actions: str) -> LeftOut:
    return LeftOut(kind=kind, actions=actions, reason=reason)


_FUNCTION: Final = "AWS::Lambda::Function"
_BUCKET: Final = "AWS::S3::Bucket"
_GROUP: Final = "AWS::Logs::LogGroup"
_TABLE: Final = "AWS::DynamoDB::Table"
_POLICY: Final = "AWS::IAM::ManagedPolicy"
_SCALING: Final = "AWS::AutoScaling::AutoScalingGroup"
_NO_OBJECTS: Final = "acts on objects, and no property of a bucket is about one"

LEFT_OUT: Final = (
    _never(
        "AWS::Athena::WorkGroup",
        "a workgroup asks, and keeps answers, in the name of who asks; none has a role of its own",
        "iam:CreateServiceLinkedRole",
        "iam:PassRole",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "s3:AbortMultipartUpload",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
    ),
    _never(
        "AWS::Glue::Table",
        "no table is Iceberg's, whose metadata are objects, and none has a connection",
        "glue:PassConnection",
        "iam:PassRole",
        "s3:GetObject",
        "s3:PutObject",
    ),
    _never(
        "AWS::Glue::Database",
        "no database has a connection",
        "glue:CreateConnection",
        "glue:DeleteConnection",
        "glue:GetConnection",
        "glue:PassConnection",
        "glue:UpdateConnection",
    ),
    _never(
        _TABLE,
        "no table is a replica or is filled when it is made, so who deploys touches no row",
        "dynamodb:AssociateTableReplica",
        "dynamodb:BatchWriteItem",
        "dynamodb:CreateTableReplica",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        "iam:CreateServiceLinkedRole",
    ),
    _never(
        _TABLE,
        "in a caller's name DynamoDB opens rows by these, and who deploys touches none; a table's "
        "own key it makes by a grant",
        "kms:Decrypt",
        "kms:Encrypt",
    ),
    _for(
        _TABLE,
        "ImportSourceSpecification",
        "dynamodb:DescribeImport",
        "dynamodb:ImportTable",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "logs:PutRetentionPolicy",
        "s3:GetObject",
        "s3:GetObjectMetadata",
        "s3:ListBucket",
    ),
    _for(
        _TABLE,
        "KinesisStreamSpecification",
        "dynamodb:DisableKinesisStreamingDestination",
        "dynamodb:EnableKinesisStreamingDestination",
        "dynamodb:UpdateKinesisStreamingDestination",
        "kinesis:DescribeStream",
        "kinesis:PutRecords",
    ),
    _for(_TABLE, "ResourcePolicy", "dynamodb:DeleteResourcePolicy", "dynamodb:PutResourcePolicy"),
    _never(
        "AWS::CloudTrail::Trail",
        "every trail is logging, in every template, so a deployment never stops one",
        "cloudtrail:StopLogging",
    ),
    _for("AWS::CloudTrail::Trail", "InsightSelectors", "cloudtrail:PutInsightSelectors"),
    _for("AWS::CloudTrail::Trail", "AggregationConfigurations", "cloudtrail:PutEventConfiguration"),
    _for(
        "AWS::CloudTrail::Trail",
        "IsOrganizationTrail",
        "organizations:DescribeOrganization",
        "organizations:ListAWSServiceAccessForOrganization",
    ),
    _never(
        "AWS::EC2::FlowLog",
        "flows are written to a log group, never to a bucket",
        "s3:GetBucketPolicy",
        "s3:PutBucketPolicy",
    ),
    _for(
        "AWS::Events::EventBus",
        "KmsKeyIdentifier",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncrypt",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ),
    _for("AWS::EC2::VPC", "VpcEncryptionControl", "ec2:CreateVpcEncryptionControl"),
    _for(
        "AWS::EC2::VPCEndpoint",
        "ServiceNetworkArn ResourceConfigurationArn",
        "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation",
    ),
    _for("AWS::EC2::VPCEndpoint", "ServiceRegion", "vpce:AllowMultiRegion"),
    _for(_POLICY, "Users", "iam:AttachUserPolicy", "iam:DetachUserPolicy"),
    _for(_POLICY, "Groups", "iam:AttachGroupPolicy", "iam:DetachGroupPolicy"),
    _never(
        "AWS::IAM::Role",
        "every role keeps its boundary: who may take it off makes roles without one",
        "iam:DeleteRolePermissionsBoundary",
    ),
    _never(
        "AWS::KMS::Key",
        "every key is enabled and rotates, in every template",
        "kms:DisableKey",
        "kms:DisableKeyRotation",
    ),
    _for(
        "AWS::Lambda::Alias",
        "ProvisionedConcurrencyConfig",
        "lambda:PutProvisionedConcurrencyConfig",
        "lambda:DeleteProvisionedConcurrencyConfig",
    ),
    _never(
        "AWS::Lambda::Alias",
        "no alias shifts its traffic by CodeDeploy",
        "codedeploy:CreateDeployment",
        "codedeploy:GetDeployment",
        "codedeploy:GetDeploymentConfig",
        "codedeploy:GetDeploymentGroup",
        "codedeploy:StopDeployment",
    ),
    _for(
        "AWS::Lambda::EventSourceMapping",
        "KmsKeyArn",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKey",
    ),
    _for(
        _FUNCTION,
        "KmsKeyArn",
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
    ),
    _for(_FUNCTION, "FileSystemConfigs", "elasticfilesystem:DescribeMountTargets"),
    _for(_FUNCTION, "Layers", "lambda:GetLayerVersion"),
    _for(
        _FUNCTION,
        "CodeSigningConfigArn",
        "lambda:DeleteFunctionCodeSigningConfig",
        "lambda:GetCodeSigningConfig",
        "lambda:PutFunctionCodeSigningConfig",
    ),
    _for(_FUNCTION, "CapacityProviderConfig", "lambda:PassCapacityProvider"),
    _for(_FUNCTION, "FunctionScalingConfig", "lambda:PutFunctionScalingConfig"),
    _for(_FUNCTION, "RecursiveLoop", "lambda:PutFunctionRecursionConfig"),
    _for(_FUNCTION, "RuntimeManagementConfig", "lambda:PutRuntimeManagementConfig"),
    _never(
        _GROUP,
        "what data protection finds is written to no bucket, stream or other group",
        "firehose:TagDeliveryStream",
        "logs:CreateLogDelivery",
    ),
    _for(_GROUP, "FieldIndexPolicies", "logs:DeleteIndexPolicy", "logs:PutIndexPolicy"),
    _for(_GROUP, "ResourcePolicyDocument", "logs:DeleteResourcePolicy", "logs:PutResourcePolicy"),
    _for(_GROUP, "BearerTokenAuthenticationEnabled", "logs:PutBearerTokenAuthentication"),
    _for(_GROUP, "DeletionProtectionEnabled", "logs:PutLogGroupDeletionProtection"),
    _never(_BUCKET, _NO_OBJECTS, "s3:DeleteObject", "s3:PutObjectAcl"),
    _for(_BUCKET, "AbacStatus", "s3:PutBucketAbac"),
    _for(_BUCKET, "AccelerateConfiguration", "s3:PutAccelerateConfiguration"),
    _for(_BUCKET, "AccessControl", "s3:GetBucketAcl", "s3:PutBucketAcl"),
    _for(_BUCKET, "AnalyticsConfigurations", "s3:PutAnalyticsConfiguration"),
    _for(_BUCKET, "CorsConfiguration", "s3:PutBucketCORS"),
    _for(_BUCKET, "IntelligentTieringConfigurations", "s3:PutIntelligentTieringConfiguration"),
    _for(_BUCKET, "InventoryConfigurations", "s3:PutInventoryConfiguration"),
    _for(
        _BUCKET,
        "MetadataConfiguration MetadataTableConfiguration",
        "s3:CreateBucketMetadataTableConfiguration",
        "s3:DeleteBucketMetadataTableConfiguration",
        "s3:UpdateBucketMetadataInventoryTableConfiguration",
        "s3:UpdateBucketMetadataJournalTableConfiguration",
        "s3tables:CreateNamespace",
        "s3tables:CreateTable",
        "s3tables:CreateTableBucket",
        "s3tables:GetTable",
        "s3tables:GetTableMetadataLocation",
        "s3tables:PutTableBucketPolicy",
        "s3tables:PutTableEncryption",
        "s3tables:PutTablePolicy",
        "s3tables:UpdateTableMetadataLocation",
    ),
    _for(_BUCKET, "MetricsConfigurations", "s3:PutMetricsConfiguration"),
    _for(_BUCKET, "NotificationConfiguration", "s3:PutBucketNotification"),
    # The role of an inventory's or a replication's rule.
    _for(_BUCKET, "ReplicationConfiguration", "s3:PutReplicationConfiguration", "iam:PassRole"),
    _for(_BUCKET, "WebsiteConfiguration", "s3:DeleteBucketWebsite", "s3:PutBucketWebsite"),
    _for("AWS::SNS::Topic", "DataProtectionPolicy", "sns:PutDataProtectionPolicy"),
    _for("AWS::SNS::Topic", "DeliveryStatusLogging", "iam:GetRole", "iam:PassRole"),
    _for("AWS::SNS::Topic", "Subscription", "sns:Subscribe", "sns:Unsubscribe"),
    _for("AWS::SNS::Subscription", "SubscriptionRoleArn", "iam:GetRole", "iam:PassRole"),
    _for("AWS::SSM::Association", "CalendarNames", "ssm:GetCalendarState"),
    _never(
        _SCALING,
        "reads consoles, passwords and parameters of the whole account; a group needs none",
        "ec2:Get*",
        "ssm:Get*",
    ),
    _for(_SCALING, "LoadBalancerNames TargetGroupARNs", "elasticloadbalancing:Describe*"),
    _for(
        _SCALING,
        "LoadBalancerNames",
        "autoscaling:AttachLoadBalancers",
        "autoscaling:DetachLoadBalancers",
    ),
    _for(
        _SCALING,
        "TargetGroupARNs",
        "autoscaling:AttachLoadBalancerTargetGroups",
        "autoscaling:DetachLoadBalancerTargetGroups",
    ),
    _for(
        _SCALING,
        "TrafficSources",
        "autoscaling:AttachTrafficSources",
        "autoscaling:DetachTrafficSources",
        "vpc-lattice:DeregisterTargets",
        "vpc-lattice:GetTargetGroup",
        "vpc-lattice:ListTargets",
        "vpc-lattice:RegisterTargets",
    ),
    _never(
        _SCALING,
        "AWS's own fleets of managed instances are no part of the kit",
        "managed-fleets:CreateAutoScalingGroup",
        "managed-fleets:DeleteAutoScalingGroup",
        "managed-fleets:DeregisterAutoScalingGroup",
        "managed-fleets:Get*",
        "managed-fleets:RegisterAutoScalingGroup",
        "managed-fleets:UpdateAutoScalingGroup",
    ),
)
"""Everything that is left out; a test holds each against the registry and the templates."""

NO_SUCH_ACTION: Final = frozenset(
    {
        "lambda:AssociateRuntimeAlias",
        "s3:DeleteBucketAnalyticsConfiguration",
        "s3:DeleteBucketCors",
        "s3:DeleteBucketEncryption",
        "s3:DeleteBucketLifecycle",
        "s3:DeleteBucketMetricsConfiguration",
        "s3:DeleteBucketReplication",
        "s3:DeleteBucketTagging",
        "s3:PutBucketReplication",
        "s3:PutObjectLockConfiguration",
        "s3:REST.PUT.OBJECT",
        "s3:UpdateBucketMetadataAnnotationTableConfiguration",
        "s3files:ListMountTargets",
        "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation",
    }
)
"""Words of the registry that are the names of calls, or of nothing: IAM has no such action."""

MISSING: Final = (
    Missing(
        kind="",
        actions=("ssm:GetParameters",),
        reason="CloudFormation reads the bootstrap's version for the parameter BootstrapVersion "
        "(docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html)",
    ),
    Missing(
        kind="AWS::CodeBuild::Project",
        actions=(
            *("codebuild:BatchGetProjects", "codebuild:CreateProject"),
            *("codebuild:DeleteProject", "codebuild:UpdateProject", "iam:PassRole"),
        ),
        reason="the registry lists nothing for this type; these are the calls that make, change "
        f"and delete a project ({_REFERENCE}/list_awscodebuild.html)",
    ),
    Missing(
        kind="AWS::CodeBuild::Project",
        actions=(
            "codebuild:CreateWebhook",
            "codebuild:DeleteWebhook",
            "codebuild:UpdateWebhook",
            "codeconnections:GetConnection",
            "codeconnections:GetConnectionToken",
            "codeconnections:PassConnection",
        ),
        having="Triggers",
        reason="a webhook is registered by the connection that the project clones by "
        f"({_REFERENCE}/list_awscodebuild.html, {_REFERENCE}/list_awscodeconnections.html)",
    ),
    Missing(
        kind="AWS::EC2::VPCEndpoint",
        actions=("route53:AssociateVPCWithHostedZone",),
        having="PrivateDnsEnabled",
        reason=f"ec2:CreateVpcEndpoint depends on it ({_REFERENCE}/list_amazonec2.html)",
    ),
)
"""Everything that the registry lacks."""

LINKED: Final = {
    "AWS::AutoScaling::AutoScalingGroup": "autoscaling.amazonaws.com",
    "AWS::CloudTrail::Trail": "cloudtrail.amazonaws.com",
    "AWS::EC2::FlowLog": "delivery.logs.amazonaws.com",
    "AWS::ECR::RegistryScanningConfiguration": "inspector2.amazonaws.com",
    "AWS::ECS::CapacityProvider": "ecs.amazonaws.com",
    "AWS::ECS::Cluster": "ecs.amazonaws.com",
    "AWS::SSM::Association": "ssm.amazonaws.com",
}
"""For whom a type's handlers make a service-linked role, where there is none yet."""
