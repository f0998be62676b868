"""Reading a session's objects, where S3 says 403 of what does not exist and of what it refuses.

A worker may list nothing. So it looks at what exists as long as the session does, its manifest:
where S3 refuses that as well, it refuses the worker. A policy on its way reaches the parts of AWS
one by one, so what a client has signed that it is there is looked for once more a while later.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, permissions;
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html, eventual consistency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from starburst.aws.calls import DENIED, MISSING, code_of
from starburst.aws.clock import SYSTEM_CLOCK, Clock
from starburst.contract import SessionKeys
from starburst.errors import IntegrityError
from starburst.worker.logs.integrity import Missing
from starburst.worker.settings.timings import Timings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Reader", "Span"]

Span = tuple[int, int]
"""Where in an object: an offset, and how many bytes from there."""


class Reader:
    """Reads one session's objects.

    Args:
        s3: with the worker role's credentials.
        bucket: the data bucket.
        keys: the session.
        timings: of the worker.
        clock: by which what is refused is missing.
    """

    def __init__(
        self,
        s3: S3Client,
        bucket: str,
        *,
        keys: SessionKeys,
        timings: Timings,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._keys = keys
        self._timings = timings
        self._clock = clock
        self._allowed = float("-inf")
        self._refused: dict[str, float] = {}

    def get(self, key: str, span: Span | None = None) -> bytes | None:
        """Return an object or a part of it; None where it does not exist."""
        try:
            return self.fetch(key, span)
        except ClientError as error:
            if self.is_absent(error):
                return None
            raise

    def promised(self, key: str, what: str, span: Span | None = None) -> bytes:
        """Return what a client has signed that it is there.

        Raises:
            IntegrityError: it is missing, also a while after S3 first refused it.
            ClientError: S3 refuses it for now.
        """
        try:
            data = self.fetch(key, span)
        except ClientError as error:
            if self._is_broken(key, error):
                raise self.missing(what) from error
            raise
        self._refused.pop(key, None)
        return data

    def fetch(self, key: str, span: Span | None = None) -> bytes:
        """Return an object or a part of it; raise what boto3 does where S3 has none."""
        if span is None:
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        offset, length = span
        answer = self._s3.get_object(
            Bucket=self._bucket, Key=key, Range=f"bytes={offset}-{offset + length - 1}"
        )
        # S3 answers a range that it cannot read with the whole object.
        return answer["Body"].read(length)

    def is_absent(self, error: ClientError) -> bool:
        """Whether an object does not exist, rather than being refused."""
        code = code_of(error)
        if code in MISSING:
            return True
        return code in DENIED and self._may_read(within=self._timings.cancel_list_seconds)

    def missing(self, what: str) -> IntegrityError:
        """Return the error for what is not there: the session may be gone, or was tampered with."""
        kind = IntegrityError if self._may_read() else Missing
        return kind(f"{what} is missing from the session")

    def _is_broken(self, key: str, error: ClientError) -> bool:
        """Whether what was promised is not there, by two looks some time apart."""
        if code_of(error) not in DENIED:
            return code_of(error) in MISSING
        now = self._clock.monotonic()
        first = self._refused.setdefault(key, now)
        return now - first >= self._timings.promised_seconds and self._may_read()

    def _may_read(self, *, within: float = 0.0) -> bool:
        """Whether S3 lets this worker read the manifest: so many seconds ago at most, or now."""
        now = self._clock.monotonic()
        if now - self._allowed < within:
            return True
        try:
            self.fetch(self._keys.manifest, (0, 1))
        except ClientError as error:
            if code_of(error) in DENIED | MISSING:
                self._allowed = float("-inf")
                return False
            raise
        self._allowed = now
        return True
