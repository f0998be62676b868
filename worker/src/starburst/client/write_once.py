"""Writing an object once, and telling one's own lost first try from somebody else's object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from starburst.aws import TAKEN, code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["write_once"]


def write_once(s3: S3Client, bucket: str, key: str, *, body: bytes) -> None:
    """Store ``body`` under a key that must be new.

    A PUT whose response was lost is tried again by botocore, and then finds its own object. Every
    body has fresh random bytes in it, so an equal one is ours.

    Raises:
        ClientError: as boto3 does; with PreconditionFailed, somebody else's object is there.
    """
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
    except ClientError as error:
        if code_of(error) not in TAKEN:
            raise
        if s3.get_object(Bucket=bucket, Key=key)["Body"].read() != body:
            raise
