"""Result nodes: what a worker commits, once, for the range of tasks that it held a lease on.

A node is the S3 object ``results/<chunk>/<lo>-<hi>``. It covers ``[lo, covered)`` and hands the
rest on as child ranges, each of which becomes a node of its own. Nodes are written with
If-None-Match, so a worker that comes second for a range finds the first commit and continues from
its children. What committed nodes cover therefore never overlaps: no task has two committed
results.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starburst.contract import SessionKeys
from starburst.errors import IntegrityError

from .envelope import ANY_ATTEMPT, Buffer, Header, seal, unseal, unseal_start
from .failure import Failure
from .spans import Span, read_spans
from .tables import dump_table, load_table, text, whole

__all__ = [
    "Batch",
    "ResultNode",
    "attempt_name",
    "node_key",
    "node_name",
    "open_children",
    "open_node",
    "parse_node_key",
    "split",
]


_TABLE_LENGTH: Final = struct.Struct(">I")
_MAX_CHILDREN: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Results of consecutive tasks, as one encoded list.

    Attributes:
        first: number of the first task within its chunk.
        count: how many tasks.
        format: of the encoded list, as :mod:`starburst._codec` names it.
        parts: its bytes, in order.
    """

    first: int
    count: int
    format: str
    parts: Sequence[Buffer]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultNode:
    """One commit.

    Attributes:
        lo, hi: the range that was leased.
        covered: end of the tasks that this node settles.
        children: the ranges that it handed on; with ``[lo, covered)`` they make up ``[lo, hi)``.
        batches: results, in order.
        failures: by task; a failed task's place in its batch holds None.
        retries: how many times a task that raised was run again.
        seconds: time spent in the function.
        worker: the ECS task that ran it.
        spans: when its tasks ran there; none of a worker of an earlier release.
    """

    lo: int
    hi: int
    covered: int
    children: tuple[tuple[int, int], ...]
    batches: Sequence[Batch]
    failures: dict[int, Failure]
    retries: int = 0
    seconds: float = 0.0
    worker: str = ""
    spans: Sequence[Span] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all encoded results."""
        return sum(memoryview(part).nbytes for batch in self.batches for part in batch.parts)

    def seal(self, *, session: str, chunk: str, key: bytes, attempt: int) -> bytearray:
        """Return the sealed object to write."""
        table = dump_table(
            [
                self.covered,
                self.children,
                [
                    [b.first, b.count, b.format, sum(memoryview(p).nbytes for p in b.parts)]
                    for b in self.batches
                ],
                [[index, failure.to_data()] for index, failure in self.failures.items()],
                self.retries,
                self.seconds,
                self.worker,
                *([[span.to_data() for span in self.spans]] if self.spans else []),
            ]
        )
        parts: list[Buffer] = [_TABLE_LENGTH.pack(len(table)), table]
        for batch in self.batches:
            parts.extend(batch.parts)
        name = node_name(chunk, self.lo, self.hi)
        return seal(parts, key=key, header=_header(session, name, attempt))


def _header(session: str, name: str, attempt: int) -> Header:
    return Header(session=session, kind="result", name=name, attempt=attempt, format="results")


def node_name(chunk: str, lo: int, hi: int) -> str:
    """Return the name of the node of a range.

    Example:
        >>> node_name("p000001-00003", 0, 100)
        'p000001-00003/000000-000100'
    """
    return f"{chunk}/{lo:06d}-{hi:06d}"


def attempt_name(chunk: str, lo: int, hi: int, *, number: int) -> str:
    """Return the name of what a worker writes down of its attempt at a range.

    Example:
        >>> attempt_name("p000001-00003", 0, 1, number=2)
        'p000001-00003/000000-000001.02'
    """
    return f"{node_name(chunk, lo, hi)}.{number:02d}"


def node_key(keys: SessionKeys, chunk: str, *, lo: int, hi: int) -> str:
    """Return the S3 key of the node of a range."""
    return keys.results + node_name(chunk, lo, hi)


def parse_node_key(keys: SessionKeys, key: str) -> tuple[str, int, int] | None:
    """Return chunk, lo and hi of a node's key; None for a key of another shape."""
    chunk, _, span = key.removeprefix(keys.results).partition("/")
    lo, _, hi = span.partition("-")
    if not (lo.isdecimal() and hi.isdecimal() and chunk):
        return None
    if key != node_key(keys, chunk, lo=int(lo), hi=int(hi)):
        return None
    return chunk, int(lo), int(hi)


def open_node(
    sealed: Buffer, *, session: str, chunk: str, lo: int, hi: int, key: bytes
) -> ResultNode:
    """Verify, decrypt and read a node; its results stay encoded.

    Raises:
        IntegrityError: the object is not one that a holder of the session's key wrote there.
    """
    name = node_name(chunk, lo, hi)
    plain = unseal(sealed, key=key, expect=_header(session, name, ANY_ATTEMPT))
    try:
        (length,) = _TABLE_LENGTH.unpack_from(plain)
        start = _TABLE_LENGTH.size + length
        table = load_table(plain[_TABLE_LENGTH.size : start])
        covered, children, spans, failures, retries, seconds, worker, *more = table
        batches = []
        for first, count, format_, size in spans:
            part = plain[start : start + whole(size)]
            batches.append(
                Batch(first=whole(first), count=whole(count), format=text(format_), parts=[part])
            )
            start += size
        node = ResultNode(
            lo=lo,
            hi=hi,
            covered=whole(covered),
            children=tuple((whole(a), whole(b)) for a, b in children),
            batches=batches,
            failures={whole(index): Failure.from_data(data) for index, data in failures},
            retries=whole(retries),
            seconds=_duration(seconds),
            worker=text(worker),
            spans=read_spans(more[0]) if more else (),
        )
    except (struct.error, TypeError, ValueError) as error:
        raise IntegrityError(f"result {name} is malformed: {error}") from error
    if start != len(plain):
        raise IntegrityError(f"result {name} is malformed: its table and its length differ")
    _check(node, name)
    return node


def open_children(
    start: Buffer, *, nbytes: int, session: str, chunk: str, lo: int, hi: int, key: bytes
) -> tuple[tuple[int, int], ...] | None:
    """Verify the beginning of a node, and return the ranges that it handed on.

    Args:
        start: the object's first bytes.
        nbytes: length of the whole object.
        session: the session's id.
        chunk: whose tasks the node is about.
        lo: first of its range.
        hi: end of its range.
        key: the session's data key.

    Returns:
        the ranges, or None where the node's table reaches beyond what ``start`` holds.

    Raises:
        IntegrityError: the object is not one that a holder of the session's key wrote there.
    """
    name = node_name(chunk, lo, hi)
    plain = unseal_start(start, nbytes=nbytes, key=key, expect=_header(session, name, ANY_ATTEMPT))
    try:
        (length,) = _TABLE_LENGTH.unpack_from(plain)
        end = _TABLE_LENGTH.size + length
        if len(plain) < end:
            return None
        covered, children, *_ = load_table(plain[_TABLE_LENGTH.size : end])
        ranges = tuple((whole(a), whole(b)) for a, b in children)
        whole(covered)
    except (struct.error, TypeError, ValueError) as error:
        raise IntegrityError(f"result {name} is malformed: {error}") from error
    _check_children(ranges, lo=lo, hi=hi, position=covered, name=name)
    return ranges


def _duration(value: object) -> float:
    if type(value) not in (int, float) or not 0 <= value < math.inf:  # type: ignore[operator]
        raise ValueError(f"{value!r:.40} stands where a duration belongs")
    return value  # type: ignore[return-value]


def _check(node: ResultNode, name: str) -> None:
    """Refuse a node whose parts do not add up to its range."""
    position = node.lo
    for batch in node.batches:
        if batch.first != position:
            raise IntegrityError(f"result {name} is malformed: batches do not follow on")
        position += batch.count
    if position != node.covered:
        raise IntegrityError(f"result {name} is malformed: it does not cover its range")
    _check_children(node.children, lo=node.lo, hi=node.hi, position=position, name=name)


def _check_children(
    children: Sequence[tuple[int, int]], *, lo: int, hi: int, position: int, name: str
) -> None:
    """Refuse children that do not make up what the node leaves of its range."""
    edges_fit = position >= lo
    for begin, end in children:
        edges_fit = edges_fit and begin == position and end > begin
        position = end
    smaller = all(child != (lo, hi) for child in children)
    if not (edges_fit and smaller and position == hi):
        raise IntegrityError(f"result {name} is malformed: it does not cover its range")


def split(lo: int, hi: int, *, size: int) -> tuple[tuple[int, int], ...]:
    """Cut ``[lo, hi)`` into ranges of about ``size``, at most 64.

    Example:
        >>> split(40, 100, size=25)
        ((40, 60), (60, 80), (80, 100))
    """
    total = hi - lo
    if total <= 0:
        return ()
    count = min(_MAX_CHILDREN, max(1, -(-total // max(1, size))))
    edges = [lo + total * i // count for i in range(count + 1)]
    return tuple(itertools.pairwise(edges))
