"""Writing an object once, and telling one's own lost first try from another's object."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst.aws.calls import TAKEN, TROUBLE, code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["write_once"]

_TRIES: Final = 3
"""What differs, or could not be read, is read again before it counts as another's."""


def write_once(s3: S3Client, bucket: str, key: str, *, body: bytes) -> None:
    """Store ``body`` under a key that must be new.

    A PUT whose response was lost is tried again by botocore, and then finds its own object. Every
    body has fresh random bytes in it, so an equal one is ours.

    Raises:
        ClientError: as boto3 does; with PreconditionFailed, another's object is there.
    """
    taken: ClientError | None = None
    for _ in range(_TRIES):
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
            return
        except ClientError as error:
            if code_of(error) not in TAKEN:
                raise
            taken = error
        with suppress(*TROUBLE):
            if s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body:
                return
    if taken is not None:
        raise taken
