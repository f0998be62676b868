"""What the gate, who enables Inspector and the controller may do because of the add-on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_iam as iam

from starburst.contract.image_gate import image_gate_parameter
from starburst_constructs.policies.boundary import ceiling
from starburst_constructs.policies.wildcards import NO_RESOURCE, Allow, patterns

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = [
    "enabling_statements",
    "gate_statements",
    "inspector_ceilings",
    "reading_statements",
]

_LISTING: Final = ("inspector2:ListCoverage", "inspector2:ListFindings")
_ENABLING: Final = ("inspector2:BatchGetAccountStatus", "inspector2:Enable")
_IMAGES: Final = ("ecr:BatchGetImage", "ecr:DescribeImages")
_KEPT: Final = "The gate names an object after each image, in a bucket that holds nothing else."


def gate_statements(*, bucket_arn: str, repository_arn: str) -> list[iam.PolicyStatement]:
    """Return what the gate does: ask Inspector and ECR, and keep its record."""
    return [
        Allow(
            sid="AskInspector",
            actions=list(_LISTING),
            resources=patterns(f"{NO_RESOURCE}they list what the account has, and no more.", "*"),
        ),
        Allow(sid="ReadIndexes", actions=list(_IMAGES), resources=[repository_arn]),
        Allow(
            sid="KeepTheRecord",
            actions=["s3:GetObject", "s3:PutObject"],
            resources=patterns(
                _KEPT,
                f"{bucket_arn}/images/*",
                f"{bucket_arn}/others/*",
            ),
        ),
        Allow(
            sid="ForgetImages",
            actions=["s3:DeleteObject"],
            resources=patterns(_KEPT, f"{bucket_arn}/images/*"),
        ),
        Allow(
            sid="SayThatItIsOfToday",
            actions=["s3:PutObject"],
            resources=[f"{bucket_arn}/checked.json"],
        ),
        # Without it S3 does not tell what is not there from what is refused.
        Allow(sid="ListTheRecord", actions=["s3:ListBucket"], resources=[bucket_arn]),
    ]


def enabling_statements() -> list[iam.PolicyStatement]:
    """Return what it takes to switch Inspector on, and to see that it is on."""
    return [
        Allow(
            sid="SwitchInspectorOn",
            actions=list(_ENABLING),
            resources=patterns(f"{NO_RESOURCE}they are about the account as a whole.", "*"),
        )
    ]


def reading_statements(environment: Environment, *, bucket_arn: str) -> list[iam.PolicyStatement]:
    """Return what the controller needs in order to ask the record; it changes none of it."""
    parameter = f"parameter{image_gate_parameter(environment.name)}"
    return [
        Allow(
            sid="ReadImageRecord",
            actions=["s3:GetObject"],
            resources=[
                *patterns(_KEPT, f"{bucket_arn}/images/*"),
                f"{bucket_arn}/checked.json",
            ],
        ),
        Allow(sid="ListImageRecord", actions=["s3:ListBucket"], resources=[bucket_arn]),
        Allow(
            sid="ReadWaivers",
            actions=["ssm:GetParameter"],
            resources=[environment.placement.arn("ssm", parameter)],
        ),
        Allow(
            sid="SeeWhichImageWouldRun",
            actions=["ecs:DescribeTaskDefinition"],
            resources=patterns(f"{NO_RESOURCE}it shows what a family would run.", "*"),
        ),
    ]


def inspector_ceilings(environment: Environment) -> list[iam.PolicyStatement]:
    """Return the most that roles of the add-on can ever do: none of it is with data."""
    place = environment.placement
    mine = f"log-group:/aws/lambda/starburst-{environment.name}-inspector*"
    return [
        ceiling(
            "Logs",
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=[place.arn("logs", f"{mine}:log-stream:*")],
        ),
        ceiling(
            "Record",
            ("s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"),
            resources=["arn:aws:s3:::*"],
            conditions={"StringEquals": {"aws:ResourceAccount": place.account}},
        ),
        ceiling("Images", _IMAGES, resources=[place.arn("ecr", "repository/*")]),
        ceiling("Inspector", (*_LISTING, *_ENABLING), resources=["*"]),
    ]
