"""How much work travels together: chunks at the client, budgets and splits at the worker. Pure.

Nobody knows at first how long a task takes. So the client cuts for balance alone, a worker probes a
chunk for a second, and what it measured decides whether it goes on or hands the rest to others in
parts of the right length. Small fleets settle a second at a time. In large ones a part may take
longer while the queue holds work for everybody, since one client reads what all of them commit;
when the queue runs low, parts are short again, so that all workers end together.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "BUDGET_SECONDS",
    "CHUNKS_PER_WORKER",
    "CHUNK_BYTES",
    "CHUNK_TASKS",
    "chunk_tasks",
    "goes_on",
    "part_tasks",
    "stretch",
]

BUDGET_SECONDS: Final = 1.0
"""How long a worker works on a range before it decides."""

CHUNK_TASKS: Final = 4096
CHUNK_BYTES: Final = 4 << 20
CHUNKS_PER_WORKER: Final = 4
"""They balance the start, before anything is measured."""

_COMMITS_A_SECOND: Final = 50.0
"""Of a whole fleet, while there is much to do."""
_READS_A_SECOND: Final = 250.0
"""So many results a client can read, and so many a fleet may commit when the queue runs low."""


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


def stretch(workers: int, *, backlog: int) -> float:
    """Return how many budgets of work a worker may settle at once.

    Args:
        workers: of the session.
        backlog: messages that wait in its queue.

    Example:
        >>> stretch(500, backlog=2000), stretch(500, backlog=3), stretch(8, backlog=2000)
        (10.0, 2.0, 1.0)
    """
    commits = _COMMITS_A_SECOND if backlog >= workers else _READS_A_SECOND
    return max(1.0, workers / (commits * BUDGET_SECONDS))


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


def part_tasks(*, done: int, seconds: float, allowed: float) -> int:
    """Return how many tasks a part of the rest should have.

    Example:
        >>> part_tasks(done=20, seconds=1.0, allowed=10.0)
        200
    """
    return max(1, int(allowed * done / seconds)) if seconds > 0 else CHUNK_TASKS
