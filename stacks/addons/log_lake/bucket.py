"""The lake's bucket: written by Firehose alone, read by who is named, and by nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.addons.log_lake.deliveries import ERRORS
from stacks.addons.log_lake.permissions import RESULTS, TABLES
from starburst_constructs.placement import Placement
from starburst_constructs.storage.private_bucket import ABANDONED_UPLOAD_DAYS, PrivateBucket
from starburst_constructs.storage.touching import ERASING, others

__all__ = ["LakeBucket"]

ANSWER_DAYS: Final = 7
"""How long an answer of Athena is kept; whoever needs it longer takes it away."""


class LakeBucket(PrivateBucket):
    """Holds tables, what could not be delivered, and answers.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        key: encrypts the files.
        access_logs: where server access logs go.
        principals: ARNs of the roles that alone touch a file.
        delivery: that of them that alone writes tables.
        days: tables are kept so long.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        key: kms.Key,
        access_logs: s3.IBucket,
        principals: Sequence[str],
        delivery: str,
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
                *(
                    s3.LifecycleRule(
                        id=prefix.strip("/"), prefix=prefix, expiration=cdk.Duration.days(kept)
                    )
                    for prefix, kept in ((TABLES, days), (ERRORS, days), (RESULTS, ANSWER_DAYS))
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
        self.log_access(access_logs, prefix="lake/", sid="LakeBucketLogs")
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
            conditions=others([delivery]),
        )
