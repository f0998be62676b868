"""What a worker knows of the session's cancelled tasks, asked again when that has aged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starburst._protocol.sealed.cancel_list import (
    NOTHING_CANCELLED,
    CancelledTasks,
    read_cancel_list,
)
from starburst.aws.calls import TROUBLE
from starburst.aws.clock import SYSTEM_CLOCK, Clock
from starburst.contract import SessionKeys
from starburst.errors import IntegrityError
from starburst.worker.logs.integrity import report_unverified
from starburst.worker.logs.log import log

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client

__all__ = ["Cancelled"]


class Cancelled:
    """The session's cancel list, as one worker sees it.

    Args:
        s3: with the worker role's credentials.
        bucket: the data bucket.
        keys: the session.
        key: its data key, 32 bytes.
        public: its clients' public key, Ed25519, 32 bytes.
        fresh_seconds: how old what it knows may be.
        absent: tells a list that does not exist from one that S3 refuses.
        clock: by which what it knows ages.
    """

    def __init__(
        self,
        s3: S3Client,
        bucket: str,
        *,
        keys: SessionKeys,
        key: bytes,
        public: bytes,
        fresh_seconds: float,
        absent: Callable[[ClientError], bool],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._keys = keys
        self._key = key
        self._public = public
        self._fresh_seconds = fresh_seconds
        self._absent = absent
        self._clock = clock
        self._tasks = NOTHING_CANCELLED
        self._etag: str | None = None
        self._asked = float("-inf")
        self._looked = False

    def tasks(self) -> CancelledTasks:
        """Return the cancelled tasks; the same object for as long as nothing changed.

        A list that no client of the session signed cancels nothing. Trouble with a later look is
        outlasted, so that it ends no running range; without a first look nothing may run at all.
        """
        now = self._clock.monotonic()
        if now - self._asked < self._fresh_seconds:
            return self._tasks
        self._asked = now
        try:
            found = read_cancel_list(
                self._s3,
                self._bucket,
                self._keys,
                key=self._key,
                public=self._public,
                known=self._etag,
                absent=self._absent,
            )
        except IntegrityError as error:
            report_unverified(error, object="cancel list")
            return self._tasks
        except TROUBLE as error:
            if not self._looked:
                self._asked = float("-inf")
                raise
            log("trouble", error=type(error).__name__, why=str(error))
            return self._tasks
        self._looked = True
        if found is not None:
            tasks, self._etag = found
            self._tasks = self._tasks.union(tasks)  # an older list put back takes nothing back
        return self._tasks
