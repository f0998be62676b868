"""Reading what tasks printed: objects are listed, fetched, verified, and opened, each once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst._client.access.aws_errors import aws_errors
from starburst._protocol.sealed.log_lines import Lines, open_lines, parse_log_key
from starburst.aws.calls import is_permanent, quoted
from starburst.errors import IntegrityError
from starburst.untrusted.terminal_text import one_line

from .line import LogLine, shown

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst.contract import SessionKeys

__all__ = ["LogReader"]

_FETCHES: Final = 8
_AHEAD: Final = 16
_READS: Final = 3


class LogReader:
    """Reads a session's lines, each once.

    Args:
        connection: where from.
        keys: the session.
        key: its data key, 32 bytes.
    """

    def __init__(self, connection: Connection, keys: SessionKeys, *, key: bytes) -> None:
        self._connection = connection
        self._keys = keys
        self._key = key
        self._read: set[str] = set()
        self._stored: set[tuple[str, int]] = set()

    def new(self, *, task: int | None = None, worker: str | None = None) -> Iterator[LogLine]:
        """Yield what is there now and was not yielded before: each worker's in its order.

        Args:
            task: only what this one printed.
            worker: only what was printed on a worker whose name begins so.
        """
        names = [name for name in self._listed() if name not in self._read]
        if not names:
            return
        with ThreadPoolExecutor(_FETCHES, thread_name_prefix="starburst-logs") as pool:
            ahead: deque[tuple[str, Future[Lines | IntegrityError]]] = deque()
            for name in names:
                ahead.append((name, pool.submit(self._fetch, name)))
                if len(ahead) > _AHEAD:
                    first, found = ahead.popleft()
                    yield from self._lines(first, found.result(), task=task, worker=worker)
            for name, found in ahead:
                yield from self._lines(name, found.result(), task=task, worker=worker)

    def skip(self, *, all_but: int) -> None:
        """Count all that is there now as yielded, but for so many objects, the latest."""
        names = self._listed()
        self._read.update(names[: max(0, len(names) - all_but)])

    def _listed(self) -> list[str]:
        """Return the names of all objects, the oldest first."""
        pages = self._connection.s3.get_paginator("list_objects_v2")
        found = []
        with aws_errors("list what tasks printed"):
            for page in pages.paginate(
                Bucket=self._connection.document.bucket, Prefix=self._keys.logs
            ):
                for entry in page.get("Contents", []):
                    name = parse_log_key(self._keys, entry.get("Key", ""))
                    if name is not None:
                        found.append((str(entry.get("LastModified", "")), name))
        return [name for _, name in sorted(found)]

    def _lines(
        self,
        name: str,
        found: Lines | IntegrityError,
        *,
        task: int | None,
        worker: str | None,
    ) -> Iterator[LogLine]:
        self._read.add(name)
        if isinstance(found, IntegrityError):
            text = f"lines are missing here, their object is none of ours: {one_line(found)}"
            folder = name.partition("/")[0]
            if folder.startswith(worker or ""):
                yield LogLine(text=text, task=None, worker=folder, stream="starburst", time=0.0)
            return
        if (found.worker, found.serial) in self._stored:
            return
        self._stored.add((found.worker, found.serial))
        if not found.worker.startswith(worker or ""):
            return
        where = one_line(found.worker)
        for each in found.lines:
            if task in (None, each.task):
                yield LogLine(
                    text=shown(each.text),
                    task=each.task,
                    worker=where,
                    stream=each.stream,
                    time=each.time,
                )

    def _fetch(self, name: str) -> Lines | IntegrityError:
        """Read and verify one object; what arrives damaged is read again."""
        damage = IntegrityError(f"log {name} was not read")
        for _ in range(_READS):
            try:
                with aws_errors(f"read log {name}"):
                    sealed = self._get(name)
                return open_lines(sealed, session=self._keys.session, name=name, key=self._key)
            except IntegrityError as error:
                damage = error
        return damage

    def _get(self, name: str) -> bytes:
        try:
            answer = self._connection.s3.get_object(
                Bucket=self._connection.document.bucket, Key=self._keys.logs + name
            )
        except ClientError as error:
            if is_permanent(error):
                raise IntegrityError(f"log {name} cannot be read: {quoted(error)}") from error
            raise
        return answer["Body"].read()
