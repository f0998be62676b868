"""The reports' bucket: written by one function, read by who is named, and by nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import service_grant
from starburst_constructs.storage.private_bucket import ABANDONED_UPLOAD_DAYS, PrivateBucket
from starburst_constructs.storage.touching import ERASING, others

__all__ = ["ReportsBucket"]


class ReportsBucket(PrivateBucket):
    """Holds the reports, each for as long as settings say.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        key: encrypts the reports.
        access_logs: where server access logs go: who read a report is on record.
        principals: ARNs of the roles that alone touch an object.
        writer: that of them that alone writes.
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
        principals: Sequence[str],
        writer: str,
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
            destination_bucket_name=access_logs.bucket_name, log_file_prefix="findings/"
        )
        access_logs.add_to_resource_policy(
            service_grant(
                "FindingsBucketLogs",
                "logging.s3.amazonaws.com",
                actions=["s3:PutObject"],
                resources=[access_logs.arn_for_objects("findings/*")],
                conditions={"StringEquals": {"aws:SourceAccount": placement.account}},
            )
        )
        self.deny(
            "OtherPrincipals",
            # A test environment is destroyed by whoever does it.
            actions=["s3:*"] if placement.retain else (),
            not_actions=() if placement.retain else ERASING,
            resources=[self.arn_for_objects("*")],
            conditions=others(principals),
        )
        self.deny(
            "Writing",
            actions=["s3:PutObject"],
            resources=[self.arn_for_objects("*")],
            conditions=others([writer]),
        )
