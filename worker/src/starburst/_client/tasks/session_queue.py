"""A session's queue, as its client reaches it: not seen yet is not deleted.

SQS may not show a queue that was just made, and may show it to one connection and not to the next.
So its deletion is believed after two looks a minute apart, or by the controller's own word.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.status_reader import StatusReader
from starburst.aws.calls import QUEUE_GONE, code_of
from starburst.contract import queue_name
from starburst.errors import SessionEnded, StarburstError

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst.contract import SessionKeys

__all__ = ["SessionQueue"]

_T = TypeVar("_T")


class SessionQueue:
    """One session's queue.

    Args:
        connection: where.
        keys: the session.
        statuses: reads how it stands.
        url: of its queue, if that is known.
    """

    def __init__(
        self,
        connection: Connection,
        keys: SessionKeys,
        *,
        statuses: StatusReader,
        url: str | None = None,
    ) -> None:
        self._connection = connection
        self._timings = connection.timings
        self._keys = keys
        self._statuses = statuses
        self._url = url
        self._deleted = False
        self._closing = threading.Event()

    def close(self) -> None:
        """Wait no longer for a queue that is not seen: what is stored is sent again from S3."""
        self._closing.set()

    def url(self) -> str:
        """Return where messages go, by one look.

        Raises:
            SessionEnded: there is no such queue now.
        """
        with aws_errors("find the session's queue"):
            try:
                return self._found()
            except ClientError as error:
                if code_of(error) in QUEUE_GONE:
                    raise self._ended() from None
                raise

    def call(self, purpose: str, ask: Callable[[str], _T]) -> _T:
        """Ask something of the queue; wait for one that is not seen, a minute at most.

        Args:
            purpose: what for, as an error says it.
            ask: given the queue's URL, calls SQS.

        Raises:
            SessionEnded: it is deleted.
            StarburstError: AWS refused, or this was closed while the queue was not seen.
        """
        first: float | None = None
        while True:
            with aws_errors(purpose):
                try:
                    return ask(self._found())
                except ClientError as error:
                    if code_of(error) not in QUEUE_GONE:
                        raise
                    now = time.monotonic()
                    first = now if first is None else first
                    late = now - first >= self._timings.deletion_seconds
                    self._deleted = self._deleted or late or self._is_over()
                    if self._deleted:
                        raise self._ended() from None
                    if self._closing.is_set():
                        raise
            self._closing.wait(self._timings.unseen_seconds)

    def _found(self) -> str:
        if self._url is None:
            document = self._connection.document
            name = queue_name(document.environment, self._connection.workspace, self._keys.session)
            self._url = self._connection.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        return self._url

    def _is_over(self) -> bool:
        """Whether the controller says that the session is over, so that its queue is no more."""
        status = None
        with suppress(StarburstError):
            status = self._statuses.read()
        return status is not None and status.state in ("ended", "failed")

    def _ended(self) -> SessionEnded:
        return SessionEnded(
            f"session {self._keys.session} has ended: it takes no more tasks. Its results can be "
            "collected; for new tasks start a new session"
        )
