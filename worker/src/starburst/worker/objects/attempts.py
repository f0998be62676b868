"""Attempts: what workers write down of a range that they run again, or have run for long.

SQS counts how often a message was delivered, but a thief who may receive it can drive that count
up. So workers keep a log beside the results: objects ``results/<chunk>/<lo>-<hi>.<number>``, each
written once, a worker's name and a word sealed in it. It takes the session's key to write one. The
log says who began a range, who let go of it alive, and who is at it when another asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from botocore.exceptions import ClientError

from starburst._protocol.sealed.envelope import Header, seal, unseal
from starburst._protocol.sealed.result_nodes import attempt_name
from starburst._protocol.sealed.tables import dump_table, load_table, text
from starburst.aws.calls import TAKEN, code_of, is_permanent, outlast, words_of
from starburst.aws.write_once import put_new
from starburst.contract import SessionKeys
from starburst.errors import IntegrityError
from starburst.worker.logs.integrity import report_unverified

from .damage import read_again

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Attempts", "TaskRange"]

_MOST: Final = 99
_MOST_BYTES: Final = 4096

TaskRange: TypeAlias = tuple[str, int, int]
"""A range: the chunk's name, its first task, and the end of it."""

_Word = Literal["began", "ended", "asks", "here"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    number: int
    worker: str
    word: str


class Attempts:
    """The logs of a session's ranges, as one worker reads and writes them.

    Args:
        s3: with the worker role's credentials.
        bucket: the data bucket.
        keys: the session.
        key: its data key, 32 bytes.
        absent: tells an entry that does not exist from one that S3 refuses.
    """

    def __init__(
        self,
        s3: S3Client,
        bucket: str,
        *,
        keys: SessionKeys,
        key: bytes,
        absent: Callable[[ClientError], bool],
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._keys = keys
        self._key = key
        self._absent = absent
        self._begun: dict[TaskRange, int] = {}

    def begin(self, task_range: TaskRange, *, worker: str) -> None:
        """Write down that a worker runs a range; once for each process and range."""
        if task_range not in self._begun:
            self._begun[task_range] = self._write(task_range, worker, "began") or _MOST

    def end(self, task_range: TaskRange, *, worker: str) -> None:
        """Write down that a worker lets go, alive, of a range that it had written that it began."""
        if self._begun.pop(task_range, None) is not None:
            self._write(task_range, worker, "ended")

    def answer(self, task_range: TaskRange, *, worker: str) -> None:
        """Say that this worker is still at a range, if another has asked since it last looked."""
        known = self._begun.get(task_range)
        if known is None:
            return
        asked = False
        for entry in self._entries(task_range, after=known):
            self._begun[task_range] = entry.number
            asked = asked or entry.word == "asks"
        if asked:
            self._begun[task_range] = self._write(task_range, worker, "here") or _MOST

    def ask(self, task_range: TaskRange, *, worker: str) -> int | None:
        """Ask whether a worker is at a range; return the question's number, None for no room."""
        return self._write(task_range, worker, "asks")

    def is_answered(self, task_range: TaskRange, *, after: int) -> bool:
        """Whether a worker has said since a question that it is at a range."""
        return any(entry.word == "here" for entry in self._entries(task_range, after=after))

    def workers(self, task_range: TaskRange) -> set[str]:
        """Return who began a range and has not written that they let go of it."""
        at_it: set[str] = set()
        for entry in self._entries(task_range):
            if entry.word == "began":
                at_it.add(entry.worker)
            elif entry.word == "ended":
                at_it.discard(entry.worker)
        return at_it

    def _entries(self, task_range: TaskRange, *, after: int = 0) -> Iterator[_Entry]:
        """Yield a log's entries; what stands in the place of one and is none counts for nothing."""
        for number in range(after + 1, _MOST + 1):
            name = attempt_name(*task_range, number=number)
            try:
                plain = read_again(partial(self._open, name))
                if plain is None:
                    return
                worker, word = load_table(plain)
                yield _Entry(number=number, worker=text(worker), word=text(word))
            except (IntegrityError, TypeError, ValueError) as error:
                report_unverified(IntegrityError(f"attempt {name} is none: {error}"), attempt=name)

    def _open(self, name: str) -> memoryview | None:
        """Return what an entry says, verified; None where there is no such entry."""
        sealed = outlast(partial(self._read, name))
        if sealed is None:
            return None
        return unseal(sealed, key=self._key, expect=self._header(name), max_bytes=_MOST_BYTES)

    def _write(self, task_range: TaskRange, worker: str, word: _Word) -> int | None:
        """Add an entry to a log; return its number, None where there is no room."""
        for number in range(self._begun.get(task_range, 0) + 1, _MOST + 1):
            name = attempt_name(*task_range, number=number)
            data = dump_table([worker, word])
            body = bytes(seal([data], key=self._key, header=self._header(name)))
            try:
                put_new(self._s3, self._bucket, self._keys.results + name, body=body)
            except ClientError as error:
                if code_of(error) not in TAKEN:
                    raise
                continue
            return number
        return None

    def _read(self, name: str) -> bytes | None:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=self._keys.results + name)
        except ClientError as error:
            if self._absent(error):
                return None
            if is_permanent(error):
                raise IntegrityError(f"it cannot be read: {words_of(error)}") from error
            raise
        return answer["Body"].read(_MOST_BYTES + 1)

    def _header(self, name: str) -> Header:
        return Header(
            session=self._keys.session, kind="result", name=name, attempt=0, format="attempt"
        )
