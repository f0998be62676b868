"""What the platform team may do day by day: deploy, push images, read logs; never data."""

from __future__ import annotations

from aws_cdk import aws_iam as iam

from starburst_constructs.naming import controller_name, failures_name
from starburst_constructs.placement import Placement
from starburst_constructs.policies.wildcards import NO_RESOURCE, Allow, patterns

__all__ = ["platform_statements"]


def platform_statements(
    environment: str,
    *,
    placement: Placement,
    qualifier: str,
    bucket_arn: str,
    key_arn: str,
    logs_key_arn: str,
    repository_arn: str,
) -> list[iam.PolicyStatement]:
    """Return the statements of the platform role.

    It deploys through CDK's bootstrap roles, so what a deployment may do is decided there
    (``cdk bootstrap --cloudformation-execution-policies``), not here. It does not get CDK's look-up
    role, which may read the whole account: no stack looks anything up, and ``cdk diff`` goes on
    with the deploying one.
    """
    failures = placement.arn("sqs", f"{failures_name(environment)}")
    groups = (
        f"/aws/ecs/starburst/{environment}/*",
        f"/aws/lambda/{controller_name(environment)}",
        # CloudFormation names the trail's group after its stack.
        f"starburst-{environment}-audit-*",
    )
    return [
        iam.PolicyStatement(
            sid="DeployThroughCdk",
            actions=["sts:AssumeRole"],
            resources=[
                f"arn:aws:iam::{placement.account}:role/cdk-{qualifier}-{job}-role-{placement.account}-{placement.region}"
                for job in ("deploy", "file-publishing", "image-publishing")
            ],
        ),
        Allow(
            sid="ReadLogs",
            actions=[
                "logs:DescribeLogStreams",
                "logs:FilterLogEvents",
                "logs:GetLogEvents",
                "logs:StartQuery",
            ],
            resources=patterns(
                "Operators read the kit's own logs; personal data in them stays masked.",
                *(placement.arn("logs", f"log-group:{group}:*") for group in groups),
            ),
        ),
        Allow(
            sid="ReadStacks",
            actions=[
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStackResources",
                "cloudformation:DescribeStacks",
            ],
            resources=patterns(
                "Reading the state of stacks is how a deployment is watched; it shows no data.",
                placement.arn("cloudformation", "stack/*"),
            ),
        ),
        iam.PolicyStatement(
            sid="PushImages",
            actions=[
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:DescribeImages",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
            resources=[repository_arn],
        ),
        # The alarm of lost events rings until an operator has read and removed them.
        iam.PolicyStatement(
            sid="ClearLostEvents",
            actions=[
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ReceiveMessage",
            ],
            resources=[failures],
        ),
        iam.PolicyStatement(
            sid="OpenLostEvents",
            actions=["kms:Decrypt"],
            resources=[logs_key_arn],
            conditions={
                "StringEquals": {"kms:ViaService": f"sqs.{placement.region}.amazonaws.com"}
            },
        ),
        Allow(
            sid="ReadHealth",
            actions=[
                "cloudwatch:DescribeAlarms",
                "cloudwatch:GetMetricData",
                "cloudwatch:ListMetrics",
                "ecr:GetAuthorizationToken",
                "ecs:DescribeClusters",
                "ecs:DescribeTasks",
                "ecs:ListTasks",
                "logs:DescribeLogGroups",
                "logs:GetQueryResults",
                "logs:StopQuery",
            ],
            resources=patterns(
                f"{NO_RESOURCE}they read metrics, alarms, task states and query results; the token "
                "opens what PushImages names.",
                "*",
            ),
        ),
        iam.PolicyStatement(
            sid="NeverData",
            effect=iam.Effect.DENY,
            actions=["s3:*"],
            resources=[bucket_arn, f"{bucket_arn}/*"],
        ),
        iam.PolicyStatement(
            sid="NeverKeys",
            effect=iam.Effect.DENY,
            actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            resources=[key_arn],
        ),
        iam.PolicyStatement(
            sid="NeverQueues",
            effect=iam.Effect.DENY,
            actions=["sqs:ReceiveMessage"],
            not_resources=[failures],
        ),
        iam.PolicyStatement(
            sid="NeverMessagesNorMasks",
            effect=iam.Effect.DENY,
            actions=["logs:Unmask", "sqs:SendMessage"],
            resources=["*"],
        ),
    ]
