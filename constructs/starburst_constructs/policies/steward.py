"""What a steward may do: put and remove the packages and the data of one workspace."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam

from starburst.contract import PackagePolicy
from starburst.contract.areas import DATA, PACKAGES
from starburst_constructs.placement import Placement
from starburst_constructs.policies.analyst import discovery, nothing_without_a_name
from starburst_constructs.policies.service_access import only_from_networks
from starburst_constructs.policies.wildcards import Allow, patterns

__all__ = ["steward_statements"]


def steward_statements(
    environment: str,
    workspace: str,
    *,
    placement: Placement,
    bucket_arn: str,
    key_arn: str,
    packages: PackagePolicy,
    trusted_cidrs: Sequence[str] = (),
    trusted_vpcs: Sequence[str] = (),
) -> list[iam.PolicyStatement]:
    """Return the statements of a workspace's steward role: no session, no home, no queue.

    Args:
        environment: its name.
        workspace: its name.
        placement: of the environment.
        bucket_arn: the data bucket's.
        key_arn: the data key's.
        packages: whether wheels may be put there at all: not where workers have their image alone.
        trusted_cidrs: public addresses from which alone the role works; none for any (G6).
        trusted_vpcs: VPCs through whose endpoints it works as well.
    """
    wheels, data = PACKAGES.prefix(workspace), DATA.prefix(workspace)
    written = (data,) if packages == "image" else (data, wheels)
    return [
        iam.PolicyStatement(
            sid="ListPackagesAndData",
            actions=["s3:ListBucket", "s3:ListBucketVersions"],
            resources=[bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{wheels}*", f"{data}*"]}},
        ),
        Allow(
            sid="ReadAndErasePackagesAndData",
            actions=[
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:ListMultipartUploadParts",
            ],
            resources=patterns(
                "A workspace's wheels and data; their names are known when they are put there.",
                f"{bucket_arn}/{wheels}*",
                f"{bucket_arn}/{data}*",
            ),
        ),
        Allow(
            sid="WritePackagesAndData",
            actions=["s3:PutObject"],
            resources=patterns(
                "What the workspace's settings leave to a steward; a wheel is written once.",
                *(f"{bucket_arn}/{prefix}*" for prefix in written),
            ),
        ),
        discovery(environment, workspace, placement=placement),
        iam.PolicyStatement(
            sid="EncryptionAtRest",
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"s3.{placement.region}.amazonaws.com"}},
        ),
        nothing_without_a_name(),
        *([only_from_networks(trusted_cidrs, trusted_vpcs)] if trusted_cidrs else []),
    ]
