"""A bucket of an optional stack: one role writes it, named ones read it, and nobody else does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from starburst_constructs.placement import Placement
from starburst_constructs.storage.private_bucket import ABANDONED_UPLOAD_DAYS, PrivateBucket
from starburst_constructs.storage.touching import ERASING, others

__all__ = ["ANSWER_DAYS", "ClosedBucket"]

ANSWER_DAYS: Final = 7
"""How long an answer of Athena is kept; whoever needs it longer takes it away."""


class ClosedBucket(PrivateBucket):
    """Refuses by its own policy whoever settings do not name, whatever identity policies say.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        key: encrypts the objects.
        access_logs: where server access logs go, below ``<addon>/``: who read is on record.
        addon: whose bucket it is.
        principals: ARNs of the roles that alone touch an object.
        writer: that of them that alone writes.
        days: by the prefix of keys, how long they are kept.
        answers: prefix below which readers put answers of Athena; None for none.
        once: prefix below which no key is written twice, ``""`` for all; None for none.
        lasting: nobody erases an object before its time, where the environment is kept at all.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        key: kms.Key,
        access_logs: s3.IBucket,
        addon: str,
        principals: Sequence[str],
        writer: str,
        days: Mapping[str, int],
        answers: str | None = None,
        once: str | None = None,
        lasting: bool = False,
    ) -> None:
        kept = {**days, **({answers: ANSWER_DAYS} if answers else {})}
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
        self.log_access(access_logs, prefix=f"{addon}/", sid=f"{addon.capitalize()}BucketLogs")
        objects = self.arn_for_objects("*")
        self.deny(
            "OtherPrincipals",
            # A test environment is destroyed by whoever does it.
            actions=["s3:*"] if placement.retain else (),
            not_actions=() if placement.retain else ERASING,
            resources=[objects],
            conditions=others(principals),
        )
        elsewhere = [self.bucket_arn, self.arn_for_objects(f"{answers}*")] if answers else []
        self.deny(
            "OtherWriters",
            actions=["s3:PutObject"],
            resources=[] if elsewhere else [objects],
            not_resources=elsewhere,
            conditions=others([writer]),
        )
        if once is not None:
            self.deny(
                "SecondWrite",
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects(f"{once}*")],
                conditions={
                    # A literal: with an ETag as its value the header would ask for an overwrite.
                    "StringNotEquals": {"s3:if-none-match": "*"},
                    "BoolIfExists": {"s3:ObjectCreationOperation": "true"},
                },
            )
        if lasting and placement.retain:
            self.deny("Erasing", actions=ERASING, resources=[objects])
