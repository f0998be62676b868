"""The bucket of reviews: written by the review alone, each record once, and not erased."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.addons.access_review.permissions import RECORDS
from starburst_constructs.placement import Placement
from starburst_constructs.storage.private_bucket import ABANDONED_UPLOAD_DAYS, PrivateBucket
from starburst_constructs.storage.touching import others

__all__ = ["ReviewBucket"]


class ReviewBucket(PrivateBucket):
    """Keeps the records of reviews for as long as an auditor may ask for them.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        key: encrypts them.
        access_logs: where server access logs go.
        writer: ARN of the role that alone writes.
        days: that records are kept.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        key: kms.Key,
        access_logs: s3.IBucket,
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
                    id="records",
                    expiration=cdk.Duration.days(days),
                    noncurrent_version_expiration=cdk.Duration.days(1),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(
                        ABANDONED_UPLOAD_DAYS
                    ),
                )
            ],
        )
        self.log_access(access_logs, prefix="accessreview/", sid="ReviewBucketLogs")
        objects = [self.arn_for_objects("*")]
        self.deny(
            "OtherWriters",
            actions=["s3:PutObject"],
            resources=objects,
            conditions=others([writer]),
        )
        self.deny(
            "SecondRecord",
            actions=["s3:PutObject"],
            resources=[self.arn_for_objects(f"{RECORDS}*")],
            conditions={
                # A literal: with an ETag as its value the header would ask for an overwrite.
                "StringNotEquals": {"s3:if-none-match": "*"},
                "BoolIfExists": {"s3:ObjectCreationOperation": "true"},
            },
        )
        if placement.retain:
            self.deny(
                "ErasingRecords",
                actions=["s3:DeleteObject", "s3:DeleteObjectVersion"],
                resources=objects,
            )
