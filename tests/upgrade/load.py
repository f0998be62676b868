"""Sessions that run while one release is deployed over another, and what became of their tasks."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.upgrade.recording import Release
from tests.upgrade.scene import Scene, eventually

__all__ = ["Load", "Outcome", "lost", "under_load"]

_LATER: Final = range(100_000, 100_003)
"""Numbers of the tasks of new sessions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What one session has to do when a release comes.

    Attributes:
        workers: of the session; each has a task that runs.
        queued: tasks that nobody has begun.
        kills: a worker is killed afterwards, with the task that it runs; else ECS stops one, which
            ends its task first.
    """

    workers: int = 2
    queued: int = 5
    kills: bool = False

    @property
    def done(self) -> range:
        """Tasks that have their result."""
        return range(self.workers)

    @property
    def running(self) -> range:
        """Tasks that are being run."""
        return range(self.workers, 2 * self.workers)

    @property
    def waiting(self) -> range:
        """Tasks that are queued."""
        return range(2 * self.workers, 2 * self.workers + self.queued)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What the analysts got.

    Attributes:
        load: what was to be done.
        results: of the session, by the client that opened it: each with the image of its worker.
        attached: of the same session, by a client of the release that came.
        runs: how often each of its tasks was begun.
        breaths: results of short tasks, one after the other, before and during the deployment.
        meanwhile: how many of them ended during it.
        later: results of new sessions, by clients of the old and of the new release.
        images: of the old release and the new one.
    """

    load: Load
    results: Sequence[Sequence[Any]]
    attached: Sequence[Sequence[Any]]
    runs: Mapping[int, int]
    breaths: Sequence[Sequence[Any]]
    meanwhile: int
    later: Sequence[Sequence[Sequence[Any]]]
    images: tuple[str, str]


def under_load(here: Scene, old: Release, new: Release, load: Load | None = None) -> Outcome:
    """Deploy a release while sessions of the one before run; return what became of them.

    Some tasks of a session are done then, some run and some are queued; in a second session one
    short task is given after the other. Afterwards a worker of the old release goes, so that one of
    the new release takes its place in the old session.
    """
    load = load or Load()
    with here.analyst(old) as before, here.analyst(new) as after:
        session = before.asks("open", workers=load.workers)
        before.opens("done")
        before.asks("submit", numbers=[*load.done], gate="done")
        eventually(lambda: before.ran().keys() >= {*load.done})
        before.asks("submit", numbers=[*load.running], gate="running")
        eventually(lambda: before.ran().keys() >= {*load.running})
        before.asks("submit", numbers=[*load.waiting], gate="waiting")
        before.asks("breathe")
        eventually(lambda: before.asks("breaths"))
        already = before.asks("breaths")

        here.deploys(new)

        meanwhile = before.asks("breaths") - already
        breaths = before.asks("breathed")
        (process,) = before.ran()[load.running[-1]]
        if load.kills:
            os.kill(process, signal.SIGKILL)
        else:
            here.stops_worker(process)
        before.opens("running")
        # All others have begun a task each; the one more is the new worker's.
        begun = load.workers * 3
        eventually(lambda: sum(map(len, before.ran().values())) >= begun)
        before.opens("waiting")
        results = before.asks("collect")
        attached = after.asks("attach", session=session)
        later = []
        for analyst in (before, after):
            analyst.opens("later")
            later.append(analyst.asks("map", numbers=[*_LATER], gate="later"))
        runs = {task: len(times) for task, times in before.ran().items() if task not in _LATER}
        before.asks("close")
    return Outcome(
        load=load,
        results=results,
        attached=attached,
        runs=runs,
        breaths=breaths,
        meanwhile=meanwhile,
        later=later,
        images=(str(here.image(old)), str(here.image(new))),
    )


def lost(outcome: Outcome) -> list[str]:
    """Return what is wrong with an outcome, in sentences; nothing where no task was lost."""
    return [*_lost(outcome)]


def _lost(outcome: Outcome) -> Iterator[str]:
    load, (old, new) = outcome.load, outcome.images
    found = [result for result, _ in outcome.results]
    if found != [number * number for number in range(load.waiting.stop)]:
        yield f"the session's results are {found}"
    if outcome.attached != outcome.results:
        yield f"a client of the new release finds {outcome.attached} in the old session"
    again = {task: times for task, times in outcome.runs.items() if times != 1}
    if again != ({load.running[-1]: 2} if load.kills else {}):
        yield f"tasks were begun more than once: {again}"
    images = [image for _, image in outcome.results]
    if {*images} != {old, new}:
        yield "not both releases' workers had a part in the session"
    if {*images[: load.running.stop - load.kills]} != {old}:
        yield "what ran before did not end where it ran"
    short = [result for result, _ in outcome.breaths]
    if short != [number * number for number in range(len(short))]:
        yield f"short tasks have the results {short}"
    if not outcome.meanwhile:
        yield "no task ended while the release was deployed"
    later = [[number * number, new] for number in _LATER]
    for client, results in zip(("old", "new"), outcome.later, strict=True):
        if results != later:
            yield f"a new session of a client of the {client} release has {results}"
