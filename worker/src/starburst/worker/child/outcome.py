"""What has come of a range so far: results in order, failures, and how long they took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from starburst._codec import encode_batch
from starburst._protocol.sealed.failure import Failure
from starburst._protocol.sealed.result_nodes import Batch, ResultNode
from starburst._protocol.sealed.spans import Span, read_spans

from .frames import Frame

__all__ = ["Outcome", "failed_node"]


@dataclass(slots=True)
class Outcome:
    """The settled tasks of a range, from ``lo`` up to ``covered``.

    Attributes:
        lo: the first task of the range.
        covered: end of what is settled.
        nbytes: of all encoded results.
        retries: runs of tasks beyond their first.
        seconds: spent in the function.
    """

    lo: int
    covered: int = field(init=False)
    nbytes: int = 0
    retries: int = 0
    seconds: float = 0.0
    _batches: list[Batch] = field(default_factory=list)
    _failures: dict[int, Failure] = field(default_factory=dict)
    _spans: list[Span] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.covered = self.lo

    @property
    def done(self) -> int:
        """How many tasks are settled."""
        return self.covered - self.lo

    def take(self, frame: Frame) -> None:
        """Add what a child reported."""
        header = frame.header
        self._batches.append(
            Batch(
                first=header["first"],
                count=header["count"],
                format=header["format"],
                parts=frame.buffers,
            )
        )
        failures = {index: Failure.from_data(data) for index, data in header["failures"]}
        self._failures.update(failures)
        self._spans += read_spans(header.get("spans", []))
        self.covered = header["first"] + header["count"]
        self.nbytes += sum(buffer.nbytes for buffer in frame.buffers)
        self.nbytes += sum(len(failure.raised) for failure in failures.values())
        self.retries += header["retries"]
        self.seconds += header["seconds"]

    def settle(self, failure: Failure) -> None:
        """Add a failure of the next task."""
        encoded, _ = encode_batch([None], mode="data")
        self._batches.append(
            Batch(first=self.covered, count=1, format=encoded.format, parts=encoded.parts)
        )
        self._failures[self.covered] = failure
        self.covered += 1

    def node(self, hi: int, children: Sequence[tuple[int, int]], *, worker: str) -> ResultNode:
        """Return what to commit for the range up to ``hi``, of which ``children`` are handed on."""
        return ResultNode(
            lo=self.lo,
            hi=hi,
            covered=self.covered,
            children=tuple(children),
            batches=self._batches,
            failures=self._failures,
            retries=self.retries,
            seconds=self.seconds,
            worker=worker,
            spans=self._spans,
        )


def failed_node(lo: int, hi: int, failure: Failure, *, worker: str) -> ResultNode:
    """Return what to commit for tasks from ``lo`` up to ``hi`` of which none is run.

    Args:
        lo: the first of them, numbered within its chunk.
        hi: the end of them.
        failure: of each of them.
        worker: who gives them up.
    """
    outcome = Outcome(lo)
    while outcome.covered < hi:
        outcome.settle(failure)
    return outcome.node(hi, (), worker=worker)
