"""Sessions side by side: whatever one of them does, the others' tasks, workers and objects stay."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst._client.session_core import SessionCore
from starburst.errors import SessionEnded, StarburstError
from starburst.worker.child.process import Child
from tests.nemesis.clock import children_of, running
from tests.nemesis.forked_children import fork_server, popen
from tests.nemesis.instrumentation import instrumented
from tests.nemesis.plan import Plan
from tests.nemesis.world import World
from tests.quick_moto import quick_aws
from tests.runtime.fleet import BUCKET
from tests.session_internals import core, flush, queue_url

OPTIONS = SessionOptions(workers=1, idle_timeout=3600)
HOURS = 4 * 3600
"""Of the run's time, which goes on while tasks sleep: on a slow machine much of it may pass."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The real controller, workers in threads, and nothing that goes wrong."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    plan = Plan(0)
    plan.calm, plan.controller_skew = True, 0.0
    plan.boots = (0.0, 0.0)
    with (
        quick_aws(),
        running(children=lambda: children_of(fork_server())) as clock,
        instrumented(plan, clock),
    ):
        made = World(plan, tmp_path, clock=clock, start_child=lambda: Child(popen))
        made.cloud.ready.set()
        yield made
        made.cloud.close()
        made.cloud.pass_time(8 * 86_400)
        for thread in made.cloud.threads:
            thread.join(240)


def hold(task: tuple[str, int, str]) -> int:
    """Say that the task runs, and wait to be let go."""
    name, number, directory = task
    Path(directory, f"{name}-{number}").touch()
    while not Path(directory, "go").exists():
        threading.Event().wait(0.02)
    return number * number


def begun(connection: Connection, name: str, directory: Path) -> Session:
    """Open a session and wait until its worker has a task in its hands."""
    session = open_session(connection, OPTIONS, progress=False)
    session.map(hold, [(name, number, str(directory)) for number in range(6)])
    flush(session)
    wait_until(lambda: any(directory.glob(f"{name}-*")))
    return session


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(12_000):  # four minutes at least, for what is only ever slow
        if true():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it never came to that")


def tasks_of(world: World, session: Session) -> list[str]:
    """Return the session's ECS tasks that run and that nobody told to stop."""
    return [t["taskArn"] for t in world.cloud.staying if t["startedBy"] == session.id]


def objects_of(world: World, session: Session) -> dict[str, Any]:
    """Return every version of every object of a session, but for the status that is rewritten."""
    keys = session.manifest.keys
    with world.sky.lock:
        found = world.sky.s3.list_object_versions(Bucket=BUCKET, Prefix=keys.prefix)
    assert not found.get("DeleteMarkers")
    return {
        version["VersionId"]: version["Key"]
        for version in found.get("Versions", [])
        if version["Key"] != keys.status
    }


def stop(world: World, session: Session) -> None:
    core(session).control.stop()
    session.detach()


def cleanup(world: World, session: Session) -> None:
    session.cleanup()


def erase(world: World, session: Session) -> None:
    session.cleanup(force=True)
    assert objects_of(world, session) == {}


def lose_its_queue(world: World, session: Session) -> None:
    with world.sky.lock:
        world.sky.sqs.delete_queue(QueueUrl=queue_url(session))
    session.detach()


def left_by_sweeps(world: World, session: Session) -> list[str]:
    """Let sweeps come, of which any may be late; return the tasks that all of them have left."""
    for _ in range(60):
        world.cloud.pass_time(60)
        if not tasks_of(world, session):
            break
        threading.Event().wait(0.1)
    return tasks_of(world, session)


@pytest.mark.parametrize("end", [stop, cleanup, erase, lose_its_queue])
def test_the_end_of_one_session_leaves_the_others_tasks_and_workers_alone(
    world: World, tmp_path: Path, end: Callable[[World, Session], None]
) -> None:
    """The others are one of the same user, and one of another user's."""
    mine = begun(world.connection(), "mine", tmp_path)
    others = [
        begun(dataclasses.replace(world.connection(), user=user), user, tmp_path)
        for user in ("alice", "robert")
    ]
    before = [(tasks_of(world, other), objects_of(world, other)) for other in others]
    assert [len(tasks) for tasks, _ in before] == [1, 1]

    end(world, mine)
    assert left_by_sweeps(world, mine) == []
    (tmp_path / "go").touch()
    for other, (tasks, objects) in zip(others, before, strict=True):
        assert tasks_of(world, other) == tasks
        assert objects_of(world, other).items() >= objects.items()
        assert other.collect(timeout=HOURS) == [number * number for number in range(6)]
        assert tasks_of(world, other) == tasks
        other.cleanup()
    with pytest.raises(SessionEnded):
        mine.submit(hold, ("mine", 9, str(tmp_path)))


def test_a_deadline_ends_its_own_session_only(world: World, tmp_path: Path) -> None:
    soon = dataclasses.replace(OPTIONS, session_timeout=7200)
    mine = open_session(world.connection(), soon, progress=False)
    theirs = begun(world.connection(), "theirs", tmp_path)
    workers = tasks_of(world, theirs)
    world.cloud.pass_time(7200)
    assert left_by_sweeps(world, mine) == []
    assert tasks_of(world, theirs) == workers
    (tmp_path / "go").touch()
    assert theirs.collect(timeout=HOURS) == [number * number for number in range(6)]
    mine.detach()
    theirs.cleanup()


def test_one_user_cannot_stop_or_erase_what_is_anothers_by_guessing_its_id(
    world: World, tmp_path: Path
) -> None:
    theirs = begun(world.connection(), "theirs", tmp_path)
    robert = dataclasses.replace(world.connection(), user="robert")
    guess = Session(
        SessionCore(
            robert,
            dataclasses.replace(theirs.manifest, user="robert"),
            key=core(theirs).key,
            queue_url=None,
            progress=False,
        )
    )
    with pytest.raises(StarburstError):
        guess.cleanup(force=True)
    world.cloud.pass_time(60)
    assert len(tasks_of(world, theirs)) == 1
    (tmp_path / "go").touch()
    assert theirs.collect(timeout=HOURS) == [number * number for number in range(6)]
    theirs.cleanup()
