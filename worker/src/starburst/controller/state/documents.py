"""The controller's own objects in S3, each changed by compare-and-set only.

ECS events, sweeps and requests may run at once. Every change is a conditional write on the ETag of
what was read, so exactly one of them wins and the others look again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from botocore.exceptions import ClientError

from starburst.aws.calls import MISSING, OUTRUN, code_of
from starburst.errors import StarburstError

from .environment import Environment

__all__ = ["Conflict", "Document", "Documents"]

_ATTEMPTS: Final = 8

_T = TypeVar("_T")


class Conflict(StarburstError):
    """Another invocation changed the object first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """An object as it was read, with the ETag that a change must match."""

    body: bytes
    etag: str


class Documents:
    """The controller's objects.

    Args:
        environment: whose they are.
    """

    def __init__(self, environment: Environment) -> None:
        self._s3 = environment.clients.s3
        self._bucket = environment.settings.bucket
        self._pause = environment.pause

    def read(self, key: str) -> Document | None:
        """Return what is there now, or None."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if code_of(error) in MISSING or not self._listed(key):
                return None
            raise
        return Document(body=answer["Body"].read(), etag=answer["ETag"])

    def write(self, key: str, body: bytes, *, replaces: str | None = None) -> str:
        """Write a key that must be new, or replace exactly what was read; return the new ETag.

        Args:
            key: where.
            body: JSON.
            replaces: ETag of what was read; None where nothing may be there.

        Raises:
            Conflict: another was quicker.
        """
        condition = {"IfNoneMatch": "*"} if replaces is None else {"IfMatch": replaces}
        try:
            return self._put(key, body, condition)
        except ClientError as error:
            # What was read may be gone: then too another was quicker.
            if code_of(error) in OUTRUN or (replaces is not None and code_of(error) in MISSING):
                raise Conflict(f"{key} was changed by another invocation") from error
            raise

    def overwrite(self, key: str, body: bytes) -> None:
        """Write what every invocation would write alike, whichever does it first."""
        self._put(key, body, {})

    def delete(self, key: str) -> None:
        """Delete; what is not there does no harm."""
        self._s3.delete_object(Bucket=self._bucket, Key=key)

    def insist(self, change: Callable[[], _T], *, on: str) -> _T:
        """Read and change anew until it is written.

        Args:
            change: reads, and writes what follows from that.
            on: what changes, for the error.

        Raises:
            Conflict: others were quicker every time.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return change()
            except Conflict:
                self._pause(0.02 * 2**attempt)
        raise Conflict(f"{on} changed {_ATTEMPTS} times meanwhile")

    def _listed(self, key: str) -> bool:
        # A role that may list only this prefix gets 403, not 404, for a key that is not there.
        page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        return page["KeyCount"] > 0

    def _put(self, key: str, body: bytes, condition: dict[str, str]) -> str:
        answer = self._s3.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=body,
            ContentType="application/json",
            **condition,  # type: ignore[arg-type]
        )
        return answer["ETag"]
