"""What each role of a delivery may do beside writing its own log, and how high all may be given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from aws_cdk import aws_iam as iam

from stacks.addons.delivery.settings import Target
from starburst_constructs.policies.boundary import ceiling
from starburst_constructs.policies.wildcards import NO_RESOURCE, Allow, Wildcard, patterns

if TYPE_CHECKING:
    from aws_cdk import aws_ecr as ecr
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

    from stacks.settings import Environment

__all__ = [
    "CONNECTING",
    "REPORTING",
    "STARTING",
    "assuming",
    "delivery_ceilings",
    "image_statements",
    "reading",
    "running",
    "using",
]

REPORTING: Final = (
    "codebuild:BatchPutCodeCoverages",
    "codebuild:BatchPutTestCases",
    "codebuild:CreateReport",
    "codebuild:UpdateReport",
)
STARTING: Final = ("codebuild:BatchGetBuilds", "codebuild:StartBuild")
CONNECTING: Final = (
    "codeconnections:GetConnection",
    "codeconnections:GetConnectionToken",
    "codeconnections:UseConnection",
)
_READING: Final = ("s3:GetObject", "s3:GetObjectVersion")
_NAMED: Final = "CodePipeline gives artifacts their keys, in a bucket that holds nothing else."
_PUSHING: Final = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)


def assuming(target: Target) -> iam.PolicyStatement:
    """Return the right to take the four roles of a target's bootstrap, and no other role."""
    return Allow(sid="DeployAsBootstrapped", actions=["sts:AssumeRole"], resources=target.roles)


def using(connection_arn: str) -> iam.PolicyStatement:
    """Return what CodeBuild asks for to clone by a connection."""
    return Allow(sid="CloneByConnection", actions=list(CONNECTING[:2]), resources=[connection_arn])


def reading(bucket: s3.Bucket, key: kms.Key) -> list[iam.PolicyStatement]:
    """Return the right to read what the pipeline hands over."""
    return [
        Allow(
            sid="ReadArtifacts",
            actions=list(_READING),
            resources=patterns(_NAMED, bucket.arn_for_objects("*")),
        ),
        Allow(sid="OpenArtifacts", actions=["kms:Decrypt"], resources=[key.key_arn]),
    ]


def running(
    bucket: s3.Bucket, key: kms.Key, *, connection_arn: str, projects: Iterable[str]
) -> list[iam.PolicyStatement]:
    """Return what the pipeline does: fetch by the connection, hand over, start its own builds."""
    return [
        Allow(
            sid="FetchByConnection",
            actions=[CONNECTING[2]],
            resources=[connection_arn],
        ),
        Allow(
            sid="HandOver",
            actions=[*_READING, "s3:PutObject"],
            resources=patterns(_NAMED, bucket.arn_for_objects("*")),
        ),
        Allow(
            sid="SeeVersions",
            actions=["s3:GetBucketVersioning"],
            resources=[bucket.bucket_arn],
        ),
        Allow(
            sid="OpenArtifacts",
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[key.key_arn],
        ),
        Allow(sid="StartBuilds", actions=list(STARTING), resources=list(projects)),
    ]


def image_statements(
    environment: Environment, repository: ecr.Repository
) -> list[iam.PolicyStatement]:
    """Return what ``make image`` needs: to find the repository, and to push to it."""
    stack = f"stack/starburst-{environment.name}-registry/*"
    return [
        Allow(
            sid="FindRepository",
            actions=["cloudformation:DescribeStacks"],
            resources=patterns(
                "A stack's ARN ends with an id that CloudFormation gives.",
                environment.placement.arn("cloudformation", stack),
            ),
        ),
        Allow(
            sid="LogInToRegistry",
            actions=["ecr:GetAuthorizationToken"],
            resources=[
                Wildcard(
                    resource="*",
                    reason=f"{NO_RESOURCE}the token opens what policies open beside it.",
                )
            ],
        ),
        Allow(sid="Push", actions=list(_PUSHING), resources=[repository.repository_arn]),
    ]


def delivery_ceilings(
    environment: Environment, targets: Iterable[Target], *, pipeline: bool, image: bool
) -> list[iam.PolicyStatement]:
    """Return the most that roles of a delivery can ever do: none of it is with data.

    It is apart from the boundary of the environment's other roles, which have no business here.
    """
    place = environment.placement
    mine = f"starburst-{environment.name}-delivery-*"
    roles = [role for target in targets for role in target.roles]
    found: list[iam.PolicyStatement] = [ceiling("Targets", ("sts:AssumeRole",), resources=roles)]
    if pipeline:
        found += [
            ceiling(
                "Logs",
                ("logs:CreateLogStream", "logs:PutLogEvents"),
                resources=[place.arn("logs", f"log-group:{mine}:log-stream:*")],
            ),
            ceiling(
                "Builds",
                (*REPORTING, *STARTING),
                resources=[
                    place.arn("codebuild", f"project/{mine}"),
                    place.arn("codebuild", f"report-group/{mine}"),
                ],
            ),
            ceiling(
                "Connections",
                CONNECTING,
                resources=[place.arn("codeconnections", "connection/*")],
            ),
            ceiling(
                "Artifacts",
                (*_READING, "s3:GetBucketVersioning", "s3:PutObject"),
                resources=[f"arn:aws:s3:::{mine}"],
                conditions={"StringEquals": {"aws:ResourceAccount": place.account}},
            ),
            ceiling(
                "Keys",
                ("kms:Decrypt", "kms:GenerateDataKey"),
                resources=[place.arn("kms", "key/*")],
            ),
        ]
    if image:
        found += [
            ceiling("Images", _PUSHING, resources=[place.arn("ecr", "repository/*")]),
            ceiling("Registry", ("ecr:GetAuthorizationToken",), resources=["*"]),
            ceiling(
                "Stacks",
                ("cloudformation:DescribeStacks",),
                resources=[place.arn("cloudformation", f"stack/starburst-{environment.name}-*")],
            ),
        ]
    return found
