"""Inputs on their way out: joined while they wait, and cut into chunks of consecutive tasks."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from starburst._functions.capturing import NOTHING, named_of, needs_of, uses_of
from starburst._protocol.sealed.chunks import Chunk
from starburst._protocol.sealed.envelope import Buffer
from starburst._protocol.sizing import CHUNK_BYTES

__all__ = ["Inputs", "WaitingTasks", "cut_chunks", "plan"]

_TOGETHER_BYTES: Final = 256 << 10
_TOGETHER: Final = 4096
_SMALL_BYTES: Final = 16 << 10
"""Up to here a copy costs less than an object for each."""


class Inputs:
    """Pickled inputs of consecutive tasks: small ones joined, a large one as it is.

    Attributes:
        needs: names of the own modules that they need.
        uses: names of the modules of others that they name.

    Example:
        >>> some = Inputs([b"abc", b"de"])
        >>> len(some), some.nbytes, [bytes(one) for one in some.cut(1)]
        (2, 5, [b'abc'])
        >>> [bytes(one) for one in some]
        [b'de']
    """

    __slots__ = ("_data", "_ends", "needs", "uses")

    def __init__(self, inputs: Iterable[bytes] = ()) -> None:
        self._data: bytes | bytearray = b""
        self._ends = array("Q")
        self.needs = self.uses = NOTHING
        for data in inputs:
            self.append(data)

    @classmethod
    def joined(cls, inputs: Iterable[bytes]) -> Iterator[Inputs]:
        """Yield all of some inputs, as many together as should be."""
        held = cls()
        for data in inputs:
            if not held.takes(len(data)):
                yield held
                held = cls()
            held.append(data)
        if held:
            yield held

    def takes(self, nbytes: int) -> bool:
        """Whether another input, of so many bytes, should come to these."""
        if not self._ends:
            return True
        return len(self) < _TOGETHER and self.nbytes + nbytes <= _TOGETHER_BYTES

    def append(self, data: bytes) -> None:
        """Add the input of the next task."""
        self.needs |= needs_of(data)
        if not self._ends:  # the first speaks for all that are plain
            self.uses |= uses_of(data)
        self.uses |= named_of(data)
        end = self.nbytes
        if not self._ends:
            self._data = data if len(data) > _SMALL_BYTES else bytearray(data)
        else:
            if not isinstance(self._data, bytearray):
                self._data = bytearray(self._data)
            self._data[end:] = data  # what an interrupt left behind its end is written over
        self._ends.append(end + len(data))  # and only this makes it count

    @property
    def nbytes(self) -> int:
        """Bytes of all of them."""
        return self._ends[-1] if self._ends else 0

    def fitting(self, *, tasks: int, nbytes: int) -> int:
        """Return how many from the first on are no more than so many tasks and bytes."""
        if len(self) <= tasks and self.nbytes <= nbytes:
            return len(self)
        return sum(end <= nbytes for end in self._ends[:tasks])

    def cut(self, count: int) -> Inputs:
        """Take the first ones out, and return them."""
        first, end = Inputs(), self._ends[count - 1]
        first.needs, first.uses = self.needs, self.uses
        first._data, first._ends = bytes(self._data[:end]), self._ends[:count]
        self._data, self._ends = self._data[end:], array("Q", (e - end for e in self._ends[count:]))
        return first

    def __len__(self) -> int:
        """How many they are."""
        return len(self._ends)

    def __iter__(self) -> Iterator[Buffer]:
        """Yield each: a copy of a small one, and a large one as it is."""
        if len(self) == 1:
            yield self._data
            return
        data, begin = memoryview(self._data), 0
        for end in self._ends:
            yield bytes(data[begin:end])
            begin = end


@dataclass(slots=True)
class WaitingTasks:
    """Consecutive tasks that have been submitted and not sent.

    Attributes:
        first: number of the first of them in the session, from 0.
        function: the name under which workers find their function.
        inputs: their pickled ``(args, kwargs)``.
    """

    first: int
    function: str
    inputs: Inputs

    def __len__(self) -> int:
        """How many they are."""
        return len(self.inputs)

    @property
    def stop(self) -> int:
        """Number of the task after the last of them."""
        return self.first + len(self.inputs)

    def takes(self, one: WaitingTasks) -> bool:
        """Whether a task that follows these should wait beside them."""
        follows = one.function == self.function and one.first == self.stop
        return follows and self.inputs.takes(one.inputs.nbytes)

    def cut(self, count: int) -> WaitingTasks:
        """Take the first ones out, and return them."""
        first = WaitingTasks(self.first, self.function, self.inputs.cut(count))
        self.first += count
        return first

    def without(self, numbers: Sequence[int]) -> Iterator[WaitingTasks]:
        """Yield these tasks but for some, whose numbers rise."""
        rest: WaitingTasks = self
        for number in numbers:
            if number > rest.first:
                yield rest.cut(number - rest.first)
            rest.cut(1)
        if len(rest):
            yield rest


def plan(sizes: Sequence[int], *, most: int) -> Iterator[tuple[int, int]]:
    """Cut tasks of one function into chunks.

    Args:
        sizes: bytes of each task's input.
        most: tasks in a chunk, see :func:`starburst._protocol.sizing.chunk_tasks`.

    Yields:
        start and end (exclusive) of each chunk.

    Example:
        >>> list(plan([10] * 5, most=2))
        [(0, 2), (2, 4), (4, 5)]
    """
    start, held = 0, 0
    for index, size in enumerate(sizes):
        if index > start and (index - start >= most or held + size > CHUNK_BYTES):
            yield start, index
            start, held = index, 0
        held += size
    if start < len(sizes):
        yield start, len(sizes)


def cut_chunks(pack: str, tasks: Sequence[WaitingTasks], *, most: int) -> Iterator[Chunk]:
    """Cut the tasks of a pack into chunks of consecutive tasks of one function.

    Args:
        pack: its name.
        tasks: by rising number; numbers may be missing.
        most: tasks in a chunk.
    """
    number = 0
    for run in _runs(tasks):
        inputs = [data for part in run for data in part.inputs]
        for start, end in plan([len(data) for data in inputs], most=most):
            yield Chunk(
                name=f"{pack}-{number:05d}",
                function=run[0].function,
                first=run[0].first + start,
                inputs=inputs[start:end],
            )
            number += 1


def _runs(tasks: Sequence[WaitingTasks]) -> Iterator[Sequence[WaitingTasks]]:
    start = 0
    for index in range(1, len(tasks) + 1):
        ends = index == len(tasks) or (
            tasks[index].function != tasks[start].function
            or tasks[index].first != tasks[index - 1].stop
        )
        if ends:
            yield tasks[start:index]
            start = index
