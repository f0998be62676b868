"""Writing an object once, and telling one's own lost first try from another's object."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from botocore.exceptions import ClientError

from starburst.aws.calls import CONFLICT, TAKEN, TROUBLE, code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["past_conflicts", "put_new", "write_once"]

_TRIES: Final = 3
"""What differs, or could not be read, is read again before it counts as another's."""

_PUTS: Final = 6
_FIRST_PAUSE: Final = 0.1

_T = TypeVar("_T")


def past_conflicts(put: Callable[[], _T]) -> _T:
    """Send a conditional PUT again while S3 answers that it met another request at its key.

    Raises:
        ClientError: as boto3 does; a conflict only where one was met each time.
    """
    for attempt in range(_PUTS - 1):
        try:
            return put()
        except ClientError as error:
            if code_of(error) not in CONFLICT:
                raise
        time.sleep(_FIRST_PAUSE * 2**attempt)
    return put()


def put_new(s3: S3Client, bucket: str, key: str, *, body: bytes | bytearray | memoryview) -> None:
    """Store ``body`` if its key is free.

    Raises:
        ClientError: as boto3 does; with PreconditionFailed, the key is taken, perhaps by one's own
            first try whose answer was lost.
    """
    past_conflicts(
        lambda: s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=body if isinstance(body, bytes) else io.BytesIO(body),
            IfNoneMatch="*",
        )
    )


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
            put_new(s3, bucket, key, body=body)
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
