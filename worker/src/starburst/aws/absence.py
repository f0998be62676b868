"""Telling a key that does not exist from a refusal: S3 answers 403 to both where one may not list.

A policy on its way, a containment or a key of KMS that is refused look like an object that is gone,
and what follows from that is often final. So who may list the key asks for it.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, permissions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starburst.aws.calls import DENIED, MISSING, code_of

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client

__all__ = ["is_absent", "is_listed"]


def is_listed(s3: S3Client, bucket: str, key: str) -> bool:
    """Whether an object stands under exactly this key, by a list of one.

    Raises:
        ClientError: as boto3 does; refused, it says nothing about the key.
    """
    # Of all keys that begin with it, the key itself comes first.
    page = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    return any(entry.get("Key") == key for entry in page.get("Contents", []))


def is_absent(error: ClientError, s3: S3Client, bucket: str, *, key: str) -> bool:
    """Whether S3 refused a key because it does not exist; for roles that may list it.

    Raises:
        ClientError: the list was refused as well, or failed.
    """
    code = code_of(error)
    return code in MISSING or (code in DENIED and not is_listed(s3, bucket, key))
