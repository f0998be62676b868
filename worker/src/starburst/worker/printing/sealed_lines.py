"""Storing what tasks print: every two seconds while there is some, and before a result is."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst._protocol.sealed.log_lines import (
    MOST_OBJECTS,
    Lines,
    Printed,
    log_key,
    log_name,
    seal_lines,
)
from starburst.aws.calls import TAKEN, TROUBLE, code_of
from starburst.aws.write_once import put_new
from starburst.contract import SessionKeys
from starburst.worker.logs.log import log

from .task_lines import TaskLines

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["SealedLines"]

_OBJECT_BYTES: Final = 4_000_000
_TRIES: Final = 20
_COMPLAINT_SECONDS: Final = 60.0


class SealedLines:
    """One worker's lines in S3; where none are printed, no request is made.

    Args:
        s3: with the worker role's credentials.
        bucket: the data bucket.
        keys: the session.
        key: its data key, 32 bytes.
        worker: this worker's name.
        seconds: for how long a line may wait.
        copied: write each line to the worker's own log as well.
    """

    def __init__(
        self,
        s3: S3Client,
        bucket: str,
        *,
        keys: SessionKeys,
        key: bytes,
        worker: str,
        seconds: float,
        copied: bool = False,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._keys = keys
        self._key = key
        self._worker = worker
        self._seconds = seconds
        self._printed = threading.Event()
        self._closing = threading.Event()
        self._storing = threading.Lock()
        self._number = 0
        self._serial = 0
        self._complained = float("-inf")
        self.lines = TaskLines(due=self._printed.set, copied=copied)
        self._thread = threading.Thread(target=self._run, name="task-lines", daemon=True)
        self._thread.start()

    def store(self) -> None:
        """Store what waits; what cannot be waits on, and the worker's log says so."""
        with self._storing:
            left = self.lines.taken()
            while left:
                count, size = 0, 0
                while count < len(left) and (not count or size < _OBJECT_BYTES):
                    size += len(left[count].text)
                    count += 1
                try:
                    self._store(left[:count])
                except TROUBLE as error:
                    self.lines.put_back(left)
                    self._printed.set()  # the next try needs no new line
                    self._complain(error)
                    return
                left = left[count:]

    def close(self) -> None:
        """Store the last lines."""
        self._closing.set()
        self._printed.set()
        self._thread.join()
        self.store()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._printed.wait()
            self._closing.wait(self._seconds)
            self._printed.clear()
            self.store()

    def _store(self, lines: list[Printed]) -> None:
        """Store an object; raise what AWS raises."""
        found = Lines(worker=self._worker, serial=self._serial, lines=tuple(lines))
        for _ in range(_TRIES):
            if self._number >= MOST_OBJECTS:
                return
            name = log_name(self._worker, self._number)
            body = seal_lines(found, session=self._keys.session, name=name, key=self._key)
            try:
                put_new(self._s3, self._bucket, log_key(self._keys, name), body=body)
            except ClientError as error:
                # Perhaps by an own try whose answer was lost: then it has this serial as well.
                if code_of(error) not in TAKEN:
                    raise
                self._number += 1
                continue
            self._number += 1
            self._serial += 1
            return

    def _complain(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._complained > _COMPLAINT_SECONDS:
            self._complained = now
            log("lines wait", error=type(error).__name__, why=str(error))
