"""Cutting waiting tasks into chunks: consecutive tasks of one function, few or small enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starburst._protocol.sealed.chunks import Chunk
from starburst._protocol.sizing import CHUNK_BYTES

from .futures import TaskFuture

__all__ = ["WaitingTask", "cut_chunks", "plan"]


@dataclass(slots=True)
class WaitingTask:
    """A task that has been submitted and not sent.

    Attributes:
        index: its number in the session, from 0.
        function: the name under which workers find its function.
        data: its pickled ``(args, kwargs)``.
        future: who waits for it.
    """

    index: int
    function: str
    data: bytes
    future: TaskFuture


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


def cut_chunks(pack: str, tasks: Sequence[WaitingTask], *, most: int) -> Iterator[Chunk]:
    """Cut the tasks of a pack into chunks of consecutive tasks of one function.

    Args:
        pack: its name.
        tasks: by rising number; numbers may be missing.
        most: tasks in a chunk.
    """
    number = 0
    for run in _runs(tasks):
        for start, end in plan([len(task.data) for task in run], most=most):
            yield Chunk(
                name=f"{pack}-{number:05d}",
                function=run[0].function,
                first=run[start].index,
                inputs=[task.data for task in run[start:end]],
            )
            number += 1


def _runs(tasks: Sequence[WaitingTask]) -> Iterator[Sequence[WaitingTask]]:
    start = 0
    for index in range(1, len(tasks) + 1):
        ends = index == len(tasks) or (
            tasks[index].function != tasks[start].function
            or tasks[index].index != tasks[index - 1].index + 1
        )
        if ends:
            yield tasks[start:index]
            start = index
