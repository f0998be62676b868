"""The cancel list: which tasks of a session were cancelled; clients sign it, workers obey it.

It is one sealed and signed object beside the inputs, where no worker can write. It only grows, and
its word is final: a task that it names ends as cancelled for every client, whatever a worker that
had not read it yet commits afterwards.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst.aws.calls import code_of
from starburst.contract import SessionKeys
from starburst.errors import IntegrityError

from .envelope import Buffer, Header, seal, unseal
from .signing import SigningKey, verify
from .tables import dump_table, load_table

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = [
    "CANCEL_LIST",
    "NOTHING_CANCELLED",
    "CancelledTasks",
    "cancel_key",
    "open_cancel_list",
    "read_cancel_list",
    "seal_cancel_list",
]

CANCEL_LIST: Final = "cancelled"
"""The object's name; packs have names of another shape."""

_READS: Final = 3
"""What arrives damaged is read again: only what stays damaged is damaged in S3."""
_UNCHANGED: Final = frozenset({"304", "NotModified"})


@dataclass(frozen=True, slots=True)
class CancelledTasks:
    """Session-wide numbers of tasks, as ranges: sorted, apart from each other, ends exclusive.

    Example:
        >>> tasks = CancelledTasks.of([7, 3, 4])
        >>> tasks.ranges, 4 in tasks, 5 in tasks, list(tasks.within(4, 100))
        (((3, 5), (7, 8)), True, False, [4, 7])
    """

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, numbers: Iterable[int]) -> CancelledTasks:
        """Return the set of these tasks."""
        return cls._merged((number, number + 1) for number in sorted(numbers))

    @classmethod
    def _merged(cls, ranges: Iterable[tuple[int, int]]) -> CancelledTasks:
        merged: list[tuple[int, int]] = []
        for lo, hi in ranges:
            if merged and lo <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(hi, merged[-1][1]))
            else:
                merged.append((lo, hi))
        return cls(tuple(merged))

    def union(self, other: CancelledTasks) -> CancelledTasks:
        """Return the tasks of both."""
        return self._merged(sorted((*self.ranges, *other.ranges)))

    def within(self, lo: int, hi: int) -> Iterator[int]:
        """Yield the tasks from ``lo`` up to ``hi``, in order."""
        for a, b in self.ranges[self._after(lo) :]:
            if a >= hi:
                return
            yield from range(max(a, lo), min(b, hi))

    def __contains__(self, number: int) -> bool:
        """Whether a task is among them."""
        at = self._after(number)
        return at < len(self.ranges) and self.ranges[at][0] <= number

    def _after(self, number: int) -> int:
        """Return the position of the first range that ends after ``number``."""
        return bisect.bisect_right(self.ranges, number, key=lambda r: r[1])


NOTHING_CANCELLED: Final = CancelledTasks()


def cancel_key(keys: SessionKeys) -> str:
    """Return the S3 key of a session's cancel list."""
    return f"{keys.inputs}{CANCEL_LIST}"


def _header(session: str) -> Header:
    return Header(session=session, kind="input", name=CANCEL_LIST, attempt=0, format="ranges")


def seal_cancel_list(
    tasks: CancelledTasks, *, session: str, key: bytes, signer: SigningKey
) -> bytes:
    """Return the object to write."""
    return signer.sign(seal([dump_table(tasks.ranges)], key=key, header=_header(session)))


def open_cancel_list(signed: Buffer, *, session: str, key: bytes, public: bytes) -> CancelledTasks:
    """Verify, decrypt and read a cancel list.

    Raises:
        IntegrityError: the bytes are not what a client of the session signed.
    """
    plain = unseal(verify(signed, public=public), key=key, expect=_header(session))
    try:
        ranges = tuple((lo, hi) for lo, hi in load_table(plain))
    except (TypeError, ValueError) as error:
        raise IntegrityError(f"the cancel list is malformed: {error}") from error
    position = -1
    for lo, hi in ranges:
        if type(lo) is not int or type(hi) is not int or not position < lo < hi:
            raise IntegrityError("the cancel list is malformed: its ranges are out of order")
        position = hi
    return CancelledTasks(ranges)


def read_cancel_list(
    s3: S3Client,
    bucket: str,
    keys: SessionKeys,
    *,
    key: bytes,
    public: bytes,
    known: str | None = None,
    absent: Callable[[ClientError], bool],
) -> tuple[CancelledTasks, str] | None:
    """Read a session's cancel list; None where there is none, or none newer than ``known``.

    Args:
        s3: with credentials that may read the session.
        bucket: the data bucket.
        keys: the session.
        key: its data key.
        public: its clients' public key.
        known: the ETag of what the caller has.
        absent: tells a list that does not exist from one that S3 refuses.

    Returns:
        the tasks, and the ETag to give next time.

    Raises:
        IntegrityError: what stands there was not signed by a client of the session.
    """

    def read() -> tuple[CancelledTasks, str] | None:
        try:
            if known is None:
                answer = s3.get_object(Bucket=bucket, Key=cancel_key(keys))
            else:
                answer = s3.get_object(Bucket=bucket, Key=cancel_key(keys), IfNoneMatch=known)
        except ClientError as error:
            if code_of(error) in _UNCHANGED or absent(error):
                return None
            raise
        signed = answer["Body"].read()
        tasks = open_cancel_list(signed, session=keys.session, key=key, public=public)
        return tasks, answer["ETag"]

    for _ in range(_READS - 1):
        with suppress(IntegrityError):
            return read()
    return read()
