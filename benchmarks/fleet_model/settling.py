"""What a worker settles of a range and hands on: its decisions, without what it waits for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from starburst._protocol.sealed.result_nodes import split
from starburst._protocol.sizing import budget, goes_on, part_tasks
from starburst.worker.child import runner

__all__ = ["part", "settle"]


def settle(
    ends: Sequence[float], lo: int, *, chunk: int, workers: int, mean: float, budgets: float
) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Return how many tasks of a range a worker settles, and the ranges that it hands on.

    Args:
        ends: when each task would be done, counted from the start.
        lo: number of the first.
        chunk: tasks of the whole chunk.
        workers: of the session.
        mean: seconds a task, as far as the worker knows; 0 where it does not.
        budgets: how many of them may be settled at once.
    """

    def allowed(done: int) -> float:
        known = ends[done - 1] / done if done else mean
        return budgets * budget(known, chunk=chunk, workers=workers)

    spent = budget(mean, chunk=chunk, workers=workers)
    # Within its first quarter of a second a child has reported nothing.
    heard = bisect_left(ends, spent) if spent > runner._REPORT_SECONDS else 0
    left = len(ends) - heard
    if heard and goes_on(done=heard, left=left, seconds=ends[heard - 1], allowed=allowed(heard)):
        spent = max(spent, allowed(heard))
    # The task that it is in when its time is over is the last one.
    done = min(len(ends), bisect_left(ends, spent) + 1)
    size = part_tasks(
        done=done,
        left=len(ends) - done,
        seconds=ends[done - 1],
        allowed=allowed(done),
        workers=workers,
    )
    return done, split(lo + done, lo + len(ends), size=size)


def part(
    ends: Sequence[float],
    lo: int,
    *,
    done: int,
    running: float,
    chunk: int,
    workers: int,
    mean: float,
    budgets: float,
) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Return how many tasks are settled, and the ranges, when a rest is handed on early.

    Args:
        ends: when each task would be done, counted from the start.
        lo: number of the first.
        done: tasks that the worker settles, the running one included.
        running: for how long that has run.
        chunk: tasks of the whole chunk.
        workers: of the session.
        mean: seconds a task, as far as the worker knew; 0 where it did not.
        budgets: how many of them may be settled at once.
    """
    reported, sent = 0, 0.0
    for index in range(done - 1):
        if ends[index] - sent > runner._REPORT_SECONDS:
            reported, sent = index + 1, ends[index]
    known = ends[reported - 1] / reported if reported else mean
    if reported:
        measured, seconds = reported, ends[reported - 1]
    else:
        measured, seconds = (1, mean) if mean else (0, running)
    size = part_tasks(
        done=measured,
        left=len(ends) - done,
        seconds=seconds,
        allowed=budgets * budget(known, chunk=chunk, workers=workers),
        workers=workers,
    )
    own = (lo + reported, lo + done)
    return reported, (own, *split(lo + done, lo + len(ends), size=size))
