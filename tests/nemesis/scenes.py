"""Small runs with a plan of their own: what happens in them follows from no seed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst._protocol.sizing import Budgets
from starburst.controller.state.timings import Timings as ControllerTimings
from starburst.worker.child.process import Child
from starburst.worker.settings.timings import Timings
from tests.quick_moto import quick_aws
from tests.session_internals import in_one_pack

from .clock import children_of, running
from .forked_children import fork_server, popen
from .instrumentation import instrumented
from .order.notes import Note, What
from .order.rules import broken
from .order.story import Story
from .plan import Plan
from .workload import perform
from .world import World

__all__ = ["Scene", "scene"]

_NEVER: Final = 1e9
_HELD_SECONDS: Final = 45.0
"""A task that is held goes on for so long, of the run's time: longer than a lease."""


class Script(Plan):
    """A plan in which nothing strikes but what is written in it, each line once.

    A line names a fault, and words that its subject has.
    """

    script: list[tuple[str, ...]]
    boot_seconds: list[float]

    def strikes(self, fault: str, *subject: object, within: object = None) -> bool:
        """Whether a line of the script is about this."""
        with self._lock:
            for line in self.script:
                if fault == line[0] and all(word in repr(subject) for word in line[1:]):
                    self.script.remove(line)
                    return True
        return False

    def number(self, *about: object) -> float:
        """Return the same number in each run; of boots, the script's."""
        if about[0] == "boot":
            return (self.boot_seconds.pop(0) if self.boot_seconds else 1.0) / self.boots[1]
        return super().number(*about)


@dataclass
class Scene:
    """A world in which a script is played.

    Attributes:
        world: where.
        directory: where its tasks leave marks.
        on: called with each note, in the midst of what it is about.
    """

    world: World
    directory: Path
    on: dict[What, Callable[[Note], None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world.sky.notes.on = self._met
        self.on[What.GIVEN] = self._let_go_later

    def open(self, kinds: Sequence[str], *, workers: int = 1, attempts: int = 3) -> Session:
        """Open a session with tasks of these kinds, which travel together."""
        self.world.plan.kinds, self.world.plan.attempts = [*kinds], attempts
        options = SessionOptions(workers=workers, idle_timeout=300, attempts=attempts)
        session = open_session(self.world.connection(), options, progress=False)
        with in_one_pack(session):
            session.map(perform, [(i, kind, str(self.directory)) for i, kind in enumerate(kinds)])
        return session

    def story(self, session: Session | None) -> list[str]:
        """End the session, and return what broke a rule."""
        if session is not None:
            self.world.end(session)
        return broken(Story.of(self.world.sky.notes))

    def _met(self, note: Note) -> None:
        act = self.on.get(note.what)
        if act is not None:
            act(note)

    def _let_go_later(self, _: Note) -> None:
        self.world.sky.clock.call_in(_HELD_SECONDS, (self.directory / "go").touch)


def worker_timings(budget: float, long_task: float, **times: Any) -> Timings:
    """Return a worker's times: after so long it leaves what is left of a range to others.

    Args:
        budget: seconds, after which it does so between two tasks.
        long_task: seconds, after which it does so while a task still runs.
        times: others than usual.
    """
    same: dict[str, float] = dict.fromkeys(
        ("longest_seconds", "shortest_seconds", "probe_seconds"), budget
    )
    return Timings(budgets=Budgets(**same, long_task_seconds=long_task), **times)


@contextlib.contextmanager
def scene(
    directory: Path,
    *script: tuple[str, ...],
    budget: float = _NEVER,
    long_task: float = _NEVER,
    boot_seconds: Sequence[float] = (),
    **times: Any,
) -> Iterator[Scene]:
    """Yield a scene whose workers are ready.

    Args:
        directory: where its tasks leave marks.
        script: what strikes, once each.
        budget: see ``worker_timings``.
        long_task: likewise.
        boot_seconds: of the first workers; of others, one.
        **times: other times of workers than usual.
    """
    plan = Script(0, unkind=False)
    plan.script, plan.boot_seconds, plan.boots = [*script], [*boot_seconds], (0.0, 100.0)
    plan.skew = plan.worker_skew = plan.controller_skew = 0.0
    plan.chunks, plan.blames, plan.client_leaves = 1, True, False
    with (
        quick_aws(),
        running(children=lambda: children_of(fork_server())) as clock,
        instrumented(plan, clock) as notes,
    ):
        world = World(
            plan,
            directory,
            clock=clock,
            notes=notes,
            worker_timings=worker_timings(budget, long_task, **times),
            controller_timings=ControllerTimings(),
            start_child=lambda: Child(popen),
        )
        world.cloud.ready.set()
        try:
            yield Scene(world, directory)
        finally:
            world.plan.calm = True
            world.cloud.close()
