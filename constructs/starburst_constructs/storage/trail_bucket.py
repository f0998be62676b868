"""The bucket of the trail's files and of incident records: locked in production (S24, S26)."""

from __future__ import annotations

from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from starburst_constructs.placement import Placement
from starburst_constructs.policies.incident_statements import RECORDS
from starburst_constructs.policies.service_access import service_grant
from starburst_constructs.storage.private_bucket import ABANDONED_UPLOAD_DAYS, PrivateBucket

__all__ = ["TrailBucket"]


class TrailBucket(PrivateBucket):
    """Takes the trail's files and incident records, and in production keeps them their time.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        key: encrypts the files.
        access_logs: where server access logs go.
        trail_arn: of the one trail that may write.
        days: files are kept so long.
        lock: ``compliance``, which nobody can lift, or ``governance``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        key: kms.Key,
        access_logs: s3.IBucket,
        trail_arn: str,
        days: int,
        lock: Literal["compliance", "governance"] = "compliance",
    ) -> None:
        kept = cdk.Duration.days(days)
        super().__init__(
            scope,
            construct_id,
            placement=placement,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            blocked_encryption_types=[s3.BlockedEncryptionType.SSE_C],
            object_lock_default_retention=(
                getattr(s3.ObjectLockRetention, lock)(kept) if placement.retain else None
            ),
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="expire",
                    # A locked version cannot be expired, so expiry comes a day after the lock ends.
                    expiration=cdk.Duration.days(days + 1),
                    noncurrent_version_expiration=cdk.Duration.days(1),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(
                        ABANDONED_UPLOAD_DAYS
                    ),
                )
            ],
        )
        self.log_access(access_logs, prefix="trail/", sid="TrailBucketLogs")
        trail = {
            "StringEquals": {"aws:SourceArn": trail_arn, "aws:SourceAccount": placement.account}
        }
        self.add_to_resource_policy(
            service_grant(
                "CloudTrailChecks",
                "cloudtrail.amazonaws.com",
                actions=["s3:GetBucketAcl"],
                resources=[self.bucket_arn],
                conditions=trail,
            )
        )
        self.add_to_resource_policy(
            service_grant(
                "CloudTrailWrites",
                "cloudtrail.amazonaws.com",
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects(f"AWSLogs/{placement.account}/*")],
                conditions=trail,
            )
        )
        self._records(erasable=not placement.retain)

    def _records(self, *, erasable: bool) -> None:
        """Let nobody write an incident record twice, nor hide one behind a delete marker."""
        records = [self.arn_for_objects(f"{RECORDS}*")]
        self.deny(
            "SecondRecord",
            actions=["s3:PutObject"],
            resources=records,
            conditions={
                # A literal: with an ETag as its value the header would ask for an overwrite.
                "StringNotEquals": {"s3:if-none-match": "*"},
                "BoolIfExists": {"s3:ObjectCreationOperation": "true"},
            },
        )
        if not erasable:
            self.deny(
                "ErasingRecords",
                actions=["s3:DeleteObject", "s3:DeleteObjectVersion"],
                resources=records,
            )
