"""What is played in a scene: each a small run made for one kind of mistake; returns what broke."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from starburst._client import mapping
from tests.session_internals import core

from .order.notes import Note, What
from .scenes import scene

__all__ = ["PLAYS", "Play"]

Play: TypeAlias = Callable[[Path], list[str]]


def leaves_a_rest(place: Path) -> list[str]:
    """A worker whose time is up leaves two of three tasks to others."""
    with scene(place, budget=0.0) as here:
        held = here.open(["held", "square", "square"])
        assert held.collect() == [0, 1, 4]
        return here.story(held)


def hands_on_early(place: Path) -> list[str]:
    """What follows a long task is left to others while it still runs."""
    with scene(place, budget=0.0, long_task=0.0) as here:
        held = here.open(["held", "square", "held", "square"], workers=2)
        assert held.collect() == [0, 1, 4, 9]
        return here.story(held)


def outlasts_its_lease(place: Path) -> list[str]:
    """A task goes on for longer than its worker's lease."""
    with scene(place) as here:
        held = here.open(["held"])
        assert held.collect() == [0]
        return here.story(held)


def is_told_to_stop(place: Path) -> list[str]:
    """A worker is told to stop as it begins with three tasks, of which the first goes on."""
    with scene(place, ("told-to-stop",)) as here:
        held = here.open(["held", "square", "square"])
        assert held.collect() == [0, 1, 4]
        return here.story(held)


def crashes_late(place: Path) -> list[str]:
    """A task takes its process down when its worker's time for the range is up as well."""
    with scene(place) as here:

        def time_is_up(note: Note) -> None:
            here.world.sky.runs[note.who]._deadline = 0.0

        here.on[What.DIED] = time_is_up
        held = here.open(["held", "exit", "square"])
        held.collect(return_exceptions=True)
        return here.story(held)


def is_refused_a_commit(place: Path) -> list[str]:
    """S3 refuses a worker its result, so that it queues the range anew."""
    with scene(place, ("refused", "put", "results/")) as here:
        held = here.open(["square"])
        assert held.collect() == [0]
        return here.story(held)


def two_have_one_range(place: Path) -> list[str]:
    """A message of two tasks comes to two workers at once; who runs it learns that it is late."""
    with scene(place, ("delivered-twice",), overtaken_seconds=20.0) as here:
        held = here.open(["held", "held", "square", "square"], workers=2)
        assert held.collect() == [0, 1, 4, 9]
        return here.story(held)


def two_have_one_task(place: Path) -> list[str]:
    """A message of one task comes to two workers."""
    with scene(place, ("delivered-twice",)) as here:
        held = here.open(["held", "square"], workers=2)
        assert held.collect() == [0, 1]
        return here.story(held)


def dies_in_the_midst(place: Path) -> list[str]:
    """One of two workers is killed while its task goes on, and the other one has nothing to do."""
    with scene(place, ("killed", "while it runs")) as here:
        held = here.open(["held"], workers=2)
        assert held.collect() == [0]
        return here.story(held)


def loses_worker_after_worker(place: Path) -> list[str]:
    """Five workers end, each as it begins, at moments that a sweep comes between."""
    unfit = [("unfit",)] * 5
    with scene(place, *unfit, boot_seconds=(10.0, 10.0, 40.0, 10.0, 10.0)) as here:
        here.world.sky.clock.sleep(25.0)
        held = here.open(["square"])
        assert held.collect() == [0]
        return here.story(held)


def finds_no_room(place: Path) -> list[str]:
    """ECS has no room for a worker, for four times four requests."""
    with scene(place, *[("no-capacity",)] * 16) as here:
        held = here.open(["square"])
        assert held.collect() == [0]
        return here.story(held)


def loses_one_of_two(place: Path) -> list[str]:
    """One of two workers ends, and is replaced."""
    with scene(place, ("unfit",)) as here:
        held = here.open(["held", "held"], workers=2)
        assert held.collect() == [0, 1]
        return here.story(held)


def ends_within_a_look(place: Path) -> list[str]:
    """Its user stops a session while an invocation is about to write that it runs."""
    with scene(place) as here:
        held = here.open(["held"])

        def stop(note: Note) -> None:
            if note.record is not None and note.state == "running" and not note.record.launch:
                del here.on[What.PUT]
                core(held).control.stop()

        here.world.sky.clock.sleep(30.0)
        here.on[What.PUT] = stop
        held.status()
        assert What.PUT not in here.on
        return here.story(held)


def cancels(place: Path) -> list[str]:
    """A session's tasks are cancelled before any worker has them."""
    with scene(place, boot_seconds=[90.0]) as here:
        held = here.open(["square"])
        core(held).dispatcher.flush()
        assert held.cancel() == 1
        return here.story(held)


def maps_in_vain(place: Path) -> list[str]:
    """One call of a map fails, which tells how to have the results of the others."""

    def fail(number: int) -> int:
        return 1 // number

    with scene(place) as here:
        with pytest.raises(ZeroDivisionError) as met:
            mapping.map_over(
                fail, [1, 0], environment=here.world.connection(), workers=1, progress=False
            )
        assert "have a result" in str(met.value.__notes__)
        return here.story(None)


PLAYS: Final[tuple[Play, ...]] = (
    leaves_a_rest,
    hands_on_early,
    outlasts_its_lease,
    is_told_to_stop,
    crashes_late,
    is_refused_a_commit,
    two_have_one_range,
    two_have_one_task,
    dies_in_the_midst,
    loses_worker_after_worker,
    finds_no_room,
    loses_one_of_two,
    ends_within_a_look,
    cancels,
    maps_in_vain,
)
