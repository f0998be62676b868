"""What every bucket of the kit is: its owner's alone, TLS 1.2, versioned, closed to strangers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from starburst_constructs.placement import Placement
from starburst_constructs.policies.service_access import anyone, no_strangers, service_grant

__all__ = ["ABANDONED_UPLOAD_DAYS", "PrivateBucket"]

ABANDONED_UPLOAD_DAYS: Final = 1


class PrivateBucket(s3.Bucket):
    """What all our buckets have in common: owner-only, TLS 1.2, versioned, closed to strangers.

    EventBridge notifications stay off (S3.11), but for the log lake's: an event for each object
    would cost a message per result, and nothing waits for one; reads and writes are on record in
    the trail's data events.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        properties: of ``s3.Bucket``, beside those.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        **properties: Any,
    ) -> None:
        self._placement = placement
        super().__init__(
            scope,
            construct_id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=(removal := _removal(placement)),
            **properties,
        )
        self.add_to_resource_policy(
            no_strangers(
                actions=["s3:*"],
                resources=[self.bucket_arn, self.arn_for_objects("*")],
                placement=placement,
            )
        )
        assert self.policy is not None  # noqa: S101 - the statement above is in it
        # A bucket that outlives its stack is to be as closed as before.
        self.policy.apply_removal_policy(removal)

    def log_access(self, access_logs: s3.IBucket, *, prefix: str, sid: str) -> None:
        """Have S3 deliver server access logs of this bucket, for this account alone (P5).

        The L2 property would let S3 deliver for buckets of any account where the two stand in
        different stacks.

        Args:
            access_logs: where they go.
            prefix: of their keys, with its slash.
            sid: of the statement in that bucket's policy.
        """
        bucket = self.node.default_child
        assert isinstance(bucket, s3.CfnBucket)  # noqa: S101 - narrows jsii's type
        bucket.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=access_logs.bucket_name, log_file_prefix=prefix
        )
        access_logs.add_to_resource_policy(
            service_grant(
                sid,
                "logging.s3.amazonaws.com",
                actions=["s3:PutObject"],
                resources=[access_logs.arn_for_objects(f"{prefix}*")],
                conditions={"StringEquals": {"aws:SourceAccount": self._placement.account}},
            )
        )

    def deny(
        self,
        sid: str,
        *,
        actions: Sequence[str] = (),
        not_actions: Sequence[str] = (),
        conditions: dict[str, dict[str, Any]] | None = None,
        resources: Sequence[str] = (),
        not_resources: Sequence[str] = (),
    ) -> None:
        """Add a Deny for everybody to the bucket's policy.

        Args:
            sid: statement id, behind ``Deny``.
            actions: what is denied; or
            not_actions: all that is denied but these.
            conditions: IAM condition block; without one it always is.
            resources: what it is denied on; or
            not_resources: all that it is denied on but these.
        """
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid=f"Deny{sid}",
                effect=iam.Effect.DENY,
                principals=[anyone()],
                actions=list(actions) or None,
                not_actions=list(not_actions) or None,
                resources=list(resources) or None,
                not_resources=list(not_resources) or None,
                conditions=conditions,
            )
        )


def _removal(placement: Placement) -> cdk.RemovalPolicy:
    if placement.retain:
        return cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
    return cdk.RemovalPolicy.DESTROY
