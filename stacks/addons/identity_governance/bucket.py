"""The reports' bucket: written by the audit alone, once each; read by who is named alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.addons.identity_governance.permissions import REPORTS
from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import service_grant
from starburst_constructs.storage.private_bucket import ABANDONED_UPLOAD_DAYS, PrivateBucket
from starburst_constructs.storage.touching import ERASING, others

__all__ = ["LOGGED", "ReportBucket"]

LOGGED = "governance/"
"""Below which S3 keeps the access logs of this bucket."""


class ReportBucket(PrivateBucket):
    """Holds reports, as long as settings say.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        key: encrypts the reports.
        access_logs: where server access logs go.
        audit: ARN of the role that alone writes.
        readers: ARNs of those that alone read.
        days: reports are kept so long.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        key: kms.Key,
        access_logs: s3.Bucket,
        audit: str,
        readers: Sequence[str],
        days: int,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            placement=placement,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=cast(kms.IKey, key),
            bucket_key_enabled=True,
            blocked_encryption_types=[s3.BlockedEncryptionType.SSE_C],
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="reports",
                    prefix=REPORTS,
                    expiration=cdk.Duration.days(days),
                    noncurrent_version_expiration=cdk.Duration.days(1),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(
                        ABANDONED_UPLOAD_DAYS
                    ),
                )
            ],
        )
        # As for the trail's bucket: the L2 property would let S3 deliver for any account (P5).
        made = self.node.default_child
        assert isinstance(made, s3.CfnBucket)  # noqa: S101 - narrows jsii's type
        made.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=access_logs.bucket_name, log_file_prefix=LOGGED
        )
        access_logs.add_to_resource_policy(
            service_grant(
                "GovernanceBucketLogs",
                "logging.s3.amazonaws.com",
                actions=["s3:PutObject"],
                resources=[access_logs.arn_for_objects(f"{LOGGED}*")],
                conditions={"StringEquals": {"aws:SourceAccount": placement.account}},
            )
        )
        reports = [self.arn_for_objects("*")]
        self.deny(
            "OtherPrincipals",
            # A test environment is destroyed by whoever does it.
            actions=["s3:*"] if placement.retain else (),
            not_actions=() if placement.retain else ERASING,
            resources=reports,
            conditions=others([audit, *readers]),
        )
        self.deny(
            "OtherWriters", actions=["s3:PutObject"], resources=reports, conditions=others([audit])
        )
        self.deny(
            "SecondWrite",
            actions=["s3:PutObject"],
            resources=reports,
            conditions={
                "StringNotEquals": {"s3:if-none-match": "*"},
                "BoolIfExists": {"s3:ObjectCreationOperation": "true"},
            },
        )
