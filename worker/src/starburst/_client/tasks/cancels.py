"""Recording cancels in S3: what makes a cancel more than this process' opinion."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.patience import is_passing
from starburst._protocol.sealed.cancel_list import (
    NOTHING_CANCELLED,
    CancelledTasks,
    cancel_key,
    read_cancel_list,
    seal_cancel_list,
)
from starburst._protocol.sealed.session_key import SessionKey
from starburst._protocol.sealed.signing import SigningKey
from starburst.aws.absence import is_absent
from starburst.aws.calls import MISSING, OUTRUN, code_of
from starburst.errors import SessionError, StarburstError

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst.contract import SessionKeys

__all__ = ["Cancels"]

_TRIES: Final = 8
_FIRST_PAUSE: Final = 0.01


class Cancels:
    """One client's writing to its session's cancel list; other clients may write to it too.

    Args:
        connection: where.
        keys: the session.
        key: its keys.
        signer: the signing key.
    """

    def __init__(
        self, connection: Connection, keys: SessionKeys, *, key: SessionKey, signer: SigningKey
    ) -> None:
        self._connection = connection
        self._timings = connection.timings
        self._keys = keys
        self._key = key
        self._signer = signer
        self._written = NOTHING_CANCELLED
        self._etag: str | None = None
        self._changed = threading.Condition()
        self._wanted: set[int] = set()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._writing = threading.Lock()

    def load(self) -> CancelledTasks:
        """Read what is on the list now.

        Raises:
            IntegrityError: what stands there was not signed by a client of the session.
        """
        with self._writing:
            return self._load()

    def add(self, numbers: Iterable[range]) -> None:
        """Have tasks put on the list, soon, together with others."""
        with self._changed:
            self._wanted.update(*numbers)
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="starburst-cancel", daemon=True)
                with suppress(RuntimeError):  # the interpreter is about to end: close() writes them
                    thread.start()
                    self._thread = thread
                    atexit.register(self._at_exit)
            self._changed.notify_all()

    def flush(self) -> None:
        """Return when all that was added is on the list.

        Raises:
            StarburstError: AWS refused; the tasks are cancelled here, but workers may run them.
        """
        with self._writing:
            with self._changed:
                batch = frozenset(self._wanted)
            if batch:
                self._write(CancelledTasks.of(batch))
                with self._changed:
                    self._wanted -= batch

    def close(self) -> None:
        """Write what is left, and end the thread.

        Raises:
            StarburstError: see :meth:`flush`.
        """
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            atexit.unregister(self._at_exit)
            if thread is not threading.current_thread():
                thread.join()
        self.flush()

    def _at_exit(self) -> None:
        try:
            self.close()
        except StarburstError as error:
            raise SessionError(f"cancelled tasks may still run: {error}") from error

    def _run(self) -> None:
        pause = self._timings.cancel_retry_seconds
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._closing.is_set())
            if self._closing.is_set():
                return  # close() writes the rest, and raises what goes wrong
            self._closing.wait(self._timings.cancel_gather_seconds)
            try:
                self.flush()
                pause = self._timings.cancel_retry_seconds
            except StarburstError as error:
                if not is_passing(error, self._connection):
                    self._wait_for_more()  # flush() and close() raise it again
                    continue
                self._closing.wait(pause)
                pause = min(self._timings.cancel_retry_most_seconds, pause * 2)

    def _wait_for_more(self) -> None:
        """Wait for a cancel that was not tried yet: by then the key may be enabled again."""
        with self._changed:
            tried = frozenset(self._wanted)
            self._changed.wait_for(lambda: self._wanted - tried or self._closing.is_set())

    def _load(self) -> CancelledTasks:
        s3, bucket = self._connection.s3, self._connection.document.bucket
        with aws_errors("read the session's cancel list"):
            found = read_cancel_list(
                s3,
                bucket,
                self._keys,
                key=self._key.data,
                public=self._key.public,
                known=self._etag,
                absent=lambda error: is_absent(error, s3, bucket, key=cancel_key(self._keys)),
            )
        if found is not None:
            self._written, self._etag = found
        return self._written

    def _write(self, more: CancelledTasks) -> None:
        """Put tasks on the list, though other clients may write to it too."""
        for attempt in range(_TRIES):
            tasks = self._written.union(more)
            if tasks == self._written:
                return
            body = seal_cancel_list(
                tasks, session=self._keys.session, key=self._key.data, signer=self._signer
            )
            etag = self._put(body)
            if etag is not None:
                self._written, self._etag = tasks, etag
                return
            more, self._written, self._etag = tasks, NOTHING_CANCELLED, None
            time.sleep(_FIRST_PAUSE * 2**attempt)
            self._load()
        raise SessionError(
            f"the cancel list of session {self._keys.session} changed {_TRIES} times while this "
            "client wrote to it; cancel again"
        )

    def _put(self, body: bytes) -> str | None:
        """Write the list; return its new ETag, or None where another client was quicker."""
        s3, bucket = self._connection.s3, self._connection.document.bucket
        key = cancel_key(self._keys)
        with aws_errors("record cancelled tasks"):
            try:
                if self._etag is None:
                    answer = s3.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
                else:
                    answer = s3.put_object(Bucket=bucket, Key=key, Body=body, IfMatch=self._etag)
            except ClientError as error:
                if code_of(error) in OUTRUN | MISSING:
                    return None
                raise
        return answer["ETag"]
