"""What the function may do that tells findings, and the most that it may ever be given."""

from __future__ import annotations

from aws_cdk import aws_iam as iam

from starburst_constructs.placement import Placement
from starburst_constructs.policies.boundary import ceiling
from starburst_constructs.policies.wildcards import Allow, patterns

__all__ = ["telling_ceilings", "telling_statements"]


def telling_statements(
    *, bucket_arn: str, topic_arn: str, key_arn: str, region: str
) -> list[iam.PolicyStatement]:
    """Return what it does beside writing its log: publish, and keep what it has told.

    Args:
        bucket_arn: where it keeps that.
        topic_arn: of those who are told.
        key_arn: that encrypts the topic.
        region: of the environment.
    """
    return [
        iam.PolicyStatement(
            sid="Tell",
            actions=["sns:Publish"],
            resources=[topic_arn],
        ),
        iam.PolicyStatement(
            sid="TellEncrypted",
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"sns.{region}.amazonaws.com"}},
        ),
        Allow(
            sid="NoteWhatIsTold",
            actions=["s3:PutObject"],
            resources=patterns(
                "A note is named by a hash of the finding, which is known when it comes.",
                f"{bucket_arn}/told/*",
            ),
        ),
        iam.PolicyStatement(
            sid="SeeWhatIsTold",
            actions=["s3:ListBucket"],
            resources=[bucket_arn],
            conditions={"StringLike": {"s3:prefix": "told/*"}},
        ),
    ]


def telling_ceilings(environment: str, *, placement: Placement) -> list[iam.PolicyStatement]:
    """Return the most that any role of the add-on may ever do.

    Args:
        environment: its name.
        placement: of the environment.
    """
    account = placement.account
    topics = placement.arn("sns", f"starburst-{environment}-control-*")
    return [
        ceiling("Topics", ["sns:Publish"], resources=[topics]),
        ceiling(
            "Keys",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[f"arn:aws:kms:*:{account}:key/*"],
        ),
        ceiling(
            "Notes",
            ["s3:ListBucket", "s3:PutObject"],
            resources=["arn:aws:s3:::*"],
            conditions={"StringEquals": {"aws:ResourceAccount": account}},
        ),
        ceiling(
            "Logs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[f"arn:aws:logs:*:{account}:log-group:*"],
        ),
    ]
