"""How much work travels together: chunks at the client, budgets and splits at the worker. Pure.

Nobody knows at first how long a task takes. So the client cuts for balance alone, a worker probes
its first chunk for a moment, which also makes first results early, and what it measured decides
whether it goes on or hands the rest to others in parts of the right length: a second of work, or an
eighth of a chunk where that is less. While the queue holds work for everybody, a part may take
longer, since each costs a way to the queue, and in large fleets since one client reads what all of
them commit. When the queue runs low, parts are short, so that all workers end together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = [
    "BUDGET_SECONDS",
    "CHUNKS_PER_WORKER",
    "CHUNK_BYTES",
    "CHUNK_TASKS",
    "Budgets",
    "budget",
    "chunk_tasks",
    "count_seconds",
    "goes_on",
    "hands_on",
    "next_look",
    "part_tasks",
    "stretch",
]

BUDGET_SECONDS: Final = 1.0
"""How long a worker works on a range, at most, before it decides."""

_VERY_LONG_SECONDS: Final = 5.0
"""Behind one of these they do not wait even while the queue is long, or seems so."""

_PARTS: Final = 8
"""Of a chunk, at most: a worker that is alone at the end has a thirty-second of its share left."""

CHUNK_TASKS: Final = 4096
CHUNK_BYTES: Final = 4 << 20
CHUNKS_PER_WORKER: Final = 4
"""They balance the start, before anything is measured."""

_FAR: Final = 3.0
"""Budgets of work that a worker settles at once while twice as many messages as workers wait."""
_SHORT: Final = 0.5
"""Instead, when fewer wait than there are workers."""

_FRESHEST_COUNT: Final = 0.4
_OLDEST_COUNT: Final = 5.0

_COMMITS_A_SECOND: Final = 50.0
"""Of a whole fleet, while there is much to do."""
_READS_A_SECOND: Final = 250.0
"""So many results a client can read, and so many a fleet may commit when the queue runs low."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Budgets:
    """How long a worker works on a range before it decides what becomes of the rest; seconds.

    Attributes:
        longest_seconds: at most.
        shortest_seconds: at least, where it knows the function.
        probe_seconds: instead, where it does not know the function yet.
        long_task_seconds: tasks that follow one that takes longer need not wait for its end; a
            commit more is what it costs.
    """

    longest_seconds: float = BUDGET_SECONDS
    shortest_seconds: float = 0.25
    probe_seconds: float = 0.2
    long_task_seconds: float = 0.5


_USUAL: Final = Budgets()


def chunk_tasks(tasks: int, *, workers: int) -> int:
    """Return the most tasks that a chunk may have.

    Args:
        tasks: as many as there will be, as far as is known.
        workers: of the session.

    Example:
        >>> chunk_tasks(1_000_000, workers=500), chunk_tasks(100, workers=500)
        (500, 1)
    """
    return min(CHUNK_TASKS, max(1, -(-tasks // (workers * CHUNKS_PER_WORKER))))


def budget(mean: float, *, chunk: int, workers: int, budgets: Budgets = _USUAL) -> float:
    """Return how many seconds a worker works on a range before it decides.

    Args:
        mean: seconds that a task took so far; 0 when none has run.
        chunk: tasks in the whole chunk.
        workers: of the session: what a large fleet commits, one client must read.
        budgets: its bounds.

    Example:
        >>> budget(0.25, chunk=25, workers=2), budget(0.25, chunk=25, workers=500)
        (0.78125, 1.0)
    """
    if not mean:
        return budgets.probe_seconds
    shortest = max(budgets.shortest_seconds, workers / _COMMITS_A_SECOND)
    return min(budgets.longest_seconds, max(shortest, mean * chunk / _PARTS))


def stretch(workers: int, *, backlog: int) -> float:
    """Return how many budgets of work a worker may settle at once.

    Args:
        workers: of the session.
        backlog: messages that wait in its queue.

    Example:
        >>> stretch(500, backlog=2000), stretch(500, backlog=3)
        (10.0, 2.0)
        >>> [stretch(8, backlog=waiting) for waiting in (16, 8, 7)]
        [3.0, 1.0, 0.5]
    """
    if backlog < workers:
        return max(_SHORT, workers / (_READS_A_SECOND * BUDGET_SECONDS))
    usual = workers / (_COMMITS_A_SECOND * BUDGET_SECONDS)
    return max(_FAR if backlog >= 2 * workers else 1.0, usual)


def count_seconds(workers: int) -> float:
    """Return for how long a worker may go by an older count of the queue.

    Example:
        >>> count_seconds(2), count_seconds(500)
        (0.4, 5.0)
    """
    return min(_OLDEST_COUNT, max(_FRESHEST_COUNT, workers / 20))


def goes_on(*, done: int, left: int, seconds: float, allowed: float) -> bool:
    """Whether a worker finishes a range by itself, once the budget is spent.

    Args:
        done: tasks of it that are done.
        left: those that are not.
        seconds: spent on what is done.
        allowed: seconds of work that may be settled at once.

    Example:
        >>> goes_on(done=10, left=50, seconds=1.0, allowed=10.0)
        True
    """
    return done > 0 and seconds * (done + left) / done <= allowed


def part_tasks(*, done: int, left: int, seconds: float, allowed: float, workers: int) -> int:
    """Return how many tasks a part of the rest should have.

    One long task must not make all that follow look long: more than two parts a worker share
    nothing out better, and each costs a way to the queue and back.

    Args:
        done: tasks of the range that are done.
        left: those that are not.
        seconds: spent on what is done.
        allowed: seconds of work that a part should hold.
        workers: of the session.

    Example:
        >>> part_tasks(done=20, left=1000, seconds=1.0, allowed=10.0, workers=500)
        200
        >>> part_tasks(done=1, left=100, seconds=1.5, allowed=0.25, workers=2)
        25
    """
    if seconds <= 0:
        return CHUNK_TASKS
    return max(int(allowed * done / seconds), -(-left // (2 * workers)), 1)


def hands_on(seconds: float, *, workers: int, backlog: int) -> bool:
    """Whether what follows a task in its range should go to others while that task runs.

    Where workers may soon have nothing to do, or where a commit more is cheap beside the task.

    Args:
        seconds: for how long it has run.
        workers: of the session.
        backlog: messages that wait in its queue.

    Example:
        >>> hands_on(0.6, workers=2, backlog=1), hands_on(0.6, workers=2, backlog=2)
        (True, False)
        >>> hands_on(6, workers=2, backlog=2), hands_on(6, workers=1, backlog=0)
        (True, False)
    """
    return workers > 1 and (seconds >= _VERY_LONG_SECONDS or backlog < workers)


def next_look(elapsed: float, *, budgets: Budgets = _USUAL) -> float:
    """Return how long a task has run when it is asked anew whether others wait for what follows it.

    Args:
        elapsed: seconds that it has run so far.
        budgets: what counts as long.

    Example:
        >>> next_look(0.5)
        0.75
    """
    return max(budgets.long_task_seconds, 1.5 * elapsed)
