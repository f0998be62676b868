"""What who audits a deployed environment must be allowed: to look at settings, and at no data."""

from __future__ import annotations

from typing import Any

from starburst.contract import ControllerDoor, controller_name, runtime_parameter
from starburst.contract.areas import SESSIONS
from starburst_constructs.placement import Placement
from starburst_constructs.policies.incident_statements import allow, document

__all__ = ["auditor_document"]


def auditor_document(
    environment: str, *, placement: Placement, bucket: str | None = None
) -> dict[str, Any]:
    """Return the permissions of ``deploy.audit``, ``starburst-prove --deployed``, ``admin ages``.

    Args:
        environment: its name.
        placement: where it is.
        bucket: the name of its data bucket; those of all its stacks without it.
    """
    door = f"function:{controller_name(environment)}:{ControllerDoor.OFFICERS}"
    buckets = [f"arn:aws:s3:::{bucket or f'starburst-{environment}-*'}"]
    stacks = placement.arn("cloudformation", f"stack/starburst-{environment}-*/*")
    return document(
        allow("AskAsAnOfficer", ["lambda:InvokeFunction"], [placement.arn("lambda", door)]),
        allow(
            "ReadWhatIsPublished",
            ["ssm:GetParameter"],
            [placement.arn("ssm", f"parameter{runtime_parameter(environment)}")],
        ),
        allow(
            "ReadStacks",
            [
                "cloudformation:DescribeStackResourceDrifts",
                "cloudformation:DetectStackDrift",
                "cloudformation:DetectStackResourceDrift",
                "cloudformation:GetTemplate",
                "cloudformation:ListStackResources",
            ],
            [stacks],
        ),
        # These have no resource of their own, or the name of one is not known before.
        allow(
            "ReadSettings",
            [
                "budgets:ViewBudget",
                "cloudformation:DescribeStackDriftDetectionStatus",
                "cloudformation:DescribeStacks",
                "cloudformation:ListStacks",
                "cloudtrail:DescribeTrails",
                "cloudtrail:GetTrailStatus",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcEndpoints",
                "ecr:DescribeImages",
                "ecr:DescribeRepositories",
                "ecr:GetLifecyclePolicy",
                "ecr:GetRegistryScanningConfiguration",
                "ecr:GetRepositoryPolicy",
                "ecs:DescribeTaskDefinition",
                "ecs:DescribeTasks",
                "ecs:ListTaskDefinitionFamilies",
                "ecs:ListTasks",
                "iam:GetAccountAuthorizationDetails",
                "iam:GetAccountSummary",
                "iam:GetLoginProfile",
                "iam:GetOpenIDConnectProvider",
                "iam:GetPolicy",
                "iam:GetPolicyVersion",
                "iam:GetRole",
                "iam:GetSAMLProvider",
                "iam:ListAccessKeys",
                "iam:ListMFADevices",
                "iam:ListOpenIDConnectProviders",
                "iam:ListSAMLProviders",
                "iam:ListUsers",
                "kms:DescribeKey",
                "kms:GetKeyPolicy",
                "kms:GetKeyRotationStatus",
                "kms:ListGrants",
                "kms:ListKeyRotations",
                "lambda:GetFunctionConfiguration",
                "lambda:GetPolicy",
                "lambda:ListAliases",
                "lambda:ListFunctionUrlConfigs",
                "lambda:ListVersionsByFunction",
                "logs:DescribeLogGroups",
                "logs:DescribeResourcePolicies",
                "sns:GetTopicAttributes",
                "sqs:GetQueueAttributes",
                "sqs:ListQueues",
                "ssm:DescribeParameters",
                "ssm:GetResourcePolicies",
            ],
            ["*"],
        ),
        allow(
            "ReadSettingsOfBuckets",
            [
                "s3:GetBucketAcl",
                "s3:GetBucketOwnershipControls",
                "s3:GetBucketPolicy",
                "s3:GetBucketPublicAccessBlock",
                "s3:GetBucketVersioning",
                "s3:GetEncryptionConfiguration",
            ],
            buckets,
        ),
        allow(
            "SeeWhatSessionsLeft",
            ["s3:ListBucket"],
            buckets,
            {"StringLike": {"s3:prefix": f"{SESSIONS.prefix()}*"}},
        ),
    )
