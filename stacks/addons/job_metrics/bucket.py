"""The bucket of job metrics: written by the hourly function alone, read by who is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.addons.job_metrics.catalog import TABLES
from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import service_grant
from starburst_constructs.storage.private_bucket import ABANDONED_UPLOAD_DAYS, PrivateBucket
from starburst_constructs.storage.touching import ERASING, others

__all__ = ["RESULTS", "JobsBucket"]

RESULTS: Final = "results/"
"""Below which Athena puts answers: all that a reader writes."""

ANSWER_DAYS: Final = 7
"""How long an answer of Athena is kept; whoever needs it longer takes it away."""


class JobsBucket(PrivateBucket):
    """Holds the tables' files, and answers.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        key: encrypts the files.
        access_logs: where server access logs go.
        principals: ARNs of the roles that alone touch a file.
        writer: that of them that alone writes tables.
        days: tables are kept so long.
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
        kept = {**{f"{name}/": days for name in TABLES}, RESULTS: ANSWER_DAYS}
        super().__init__(
            scope,
            construct_id,
            placement=placement,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=cast(kms.IKey, key),
            bucket_key_enabled=True,
            blocked_encryption_types=[s3.BlockedEncryptionType.SSE_C],
            lifecycle_rules=[
                *(
                    s3.LifecycleRule(
                        id=prefix.strip("/"), prefix=prefix, expiration=cdk.Duration.days(each)
                    )
                    for prefix, each in kept.items()
                ),
                s3.LifecycleRule(
                    id="versions",
                    noncurrent_version_expiration=cdk.Duration.days(1),
                    expired_object_delete_marker=True,
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(
                        ABANDONED_UPLOAD_DAYS
                    ),
                ),
            ],
        )
        # As for the trail's bucket: the L2 property would let S3 deliver for any account (P5).
        made = self.node.default_child
        assert isinstance(made, s3.CfnBucket)  # noqa: S101 - narrows jsii's type
        made.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=access_logs.bucket_name, log_file_prefix="jobs/"
        )
        access_logs.add_to_resource_policy(
            service_grant(
                "JobsBucketLogs",
                "logging.s3.amazonaws.com",
                actions=["s3:PutObject"],
                resources=[access_logs.arn_for_objects("jobs/*")],
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
            "WritingTables",
            actions=["s3:PutObject"],
            not_resources=[self.bucket_arn, self.arn_for_objects(f"{RESULTS}*")],
            conditions=others([writer]),
        )
