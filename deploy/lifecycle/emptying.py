"""Emptying the buckets of a test environment: what writes into them is ended first."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import ClientError

from starburst.aws.calls import code_of
from starburst.aws.erasing import erase_below, told

from .account import Account, LifecycleError
from .deployed import DeployedStack

__all__ = ["empty_buckets", "end_writers"]


def end_writers(account: Account, stacks: Sequence[DeployedStack]) -> None:
    """Stop the trail and the access logs, whose files would fill a bucket that was emptied.

    What S3 and CloudTrail have under way still arrives, for some minutes and at times for longer:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html (delivery is best effort).
    """
    for stack in stacks:
        for trail in stack.of_type("AWS::CloudTrail::Trail"):
            try:
                account.client("cloudtrail").stop_logging(Name=trail)
            except ClientError as error:
                if code_of(error) != "TrailNotFoundException":
                    raise
        for bucket in stack.of_type("AWS::S3::Bucket"):
            try:
                account.client("s3").put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
            except ClientError as error:
                if code_of(error) != "NoSuchBucket":
                    raise


def empty_buckets(account: Account, stacks: Sequence[DeployedStack]) -> int:
    """Delete every version of every object; return how many went.

    Raises:
        LifecycleError: something stays: a legal hold, or a lock. Neither is ever forced.
    """
    gone = 0
    for bucket in (one for stack in stacks for one in stack.of_type("AWS::S3::Bucket")):
        try:
            erased = erase_below(account.client("s3"), bucket, [""])
        except ClientError as error:
            if code_of(error) != "NoSuchBucket":
                raise
            continue
        if erased.kept:
            raise LifecycleError(
                f"bucket {bucket} keeps {len(erased.kept):,} versions, so it cannot go and no "
                f"stack was destroyed: {told(erased.kept)}. What is on legal hold or locked is "
                "kept until whoever may has lifted that; then run the command again"
            )
        if erased.gone:
            account.say(f"bucket {bucket}: {erased.gone:,} versions are deleted")
        gone += erased.gone
    return gone
