"""``wait=``: a session that waits for room is asked for, shows its place, and is told why."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.display.progress import describe
from starburst._client.tasks.task_list import Tally
from starburst.contract import SessionKeys
from starburst.errors import ConfigurationError, LimitExceeded, SessionsFrozen, StarburstError
from tests.runtime.fleet import BUCKET, Fleet
from tests.statuses import a_status

PLACE = "place 2 of those who wait for room, since 08:00 UTC and until 08:10 UTC: 3 of study's 5"


@dataclass
class Queue:
    """The controller of a full environment, which counts how often it is asked."""

    fleet: Fleet
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def says(self, keys: SessionKeys, **fields: Any) -> None:
        status = a_status(session=keys.session, **{"state": "starting", "reason": "", **fields})
        self.fleet.s3.put_object(Bucket=BUCKET, Key=keys.status, Body=status.to_json())

    def start(self, keys: SessionKeys) -> dict[str, str]:
        assert self.fleet.manifest(keys).wait_seconds == 600
        self.says(keys, place=2, reason=PLACE)
        return Fleet.start(self.fleet, keys)

    def refresh(self, _keys: SessionKeys) -> dict[str, str]:
        self.asked.release()
        return {}

    def until_asked(self, times: int) -> None:
        for _ in range(times):
            assert self.asked.acquire(timeout=60), "nobody asks"


@pytest.fixture
def queue(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Queue:
    made = Queue(fleet)
    fleet.launch = False
    for name in ("start", "refresh"):
        monkeypatch.setattr(fleet, name, getattr(made, name))
    return made


@pytest.fixture
def waiting(connection: Connection, queue: Queue) -> starburst.Session:
    quick = replace(connection, timings=replace(connection.timings, room_seconds=0.01))
    return starburst.session(quick, workers=1, wait=600, idle_timeout=5, progress=False)


def is_asked_for(session: starburst.Session) -> bool:
    """Whether this client asks for it."""
    thread = session._core._room._thread
    return thread is not None and thread.is_alive()


@pytest.mark.usefixtures("forked")
def test_it_is_asked_for_until_it_has_its_room(
    waiting: starburst.Session, queue: Queue, fleet: Fleet
) -> None:
    queue.until_asked(3)
    status = waiting.status()
    assert (status.place, status.state) == (2, "starting")
    assert str(status).startswith(f"{PLACE}; 0 of 0 tasks done")
    assert describe(Tally(), status.workers).startswith("place 2 of those who wait for room")
    futures = waiting.map(abs, [-1, -2])
    keys = waiting.manifest.keys
    queue.says(keys, reason="1 of 1 workers running", workers_running=1)
    fleet.add_worker(keys, fleet.queue(keys))
    assert [future.result(60) for future in futures] == [1, 2]
    while is_asked_for(waiting):  # it ends at its next look
        threading.Event().wait(0.01)
    assert waiting.status().place == 0
    waiting.cleanup(force=True)


@pytest.mark.parametrize("kind", [LimitExceeded, SessionsFrozen])
@pytest.mark.parametrize("tasks", [0, 1])
def test_who_waited_in_vain_is_told_the_same_sentence(
    waiting: starburst.Session, queue: Queue, kind: type[StarburstError], tasks: int
) -> None:
    futures = waiting.map(abs, [-1] * tasks)
    why = "it has waited 600 s for room: 3 of study's 5 workers are held by session x of bobby"
    queue.says(waiting.manifest.keys, state="failed", reason=why, error=kind.__name__)
    sentence = f"session {waiting.id} was not started: {why}"
    errors = [futures[number].exception(60) for number in range(tasks)]
    assert list(map(repr, errors)) == [repr(kind(sentence))] * tasks
    while waiting._core.tasks.ended is None:
        threading.Event().wait(0.01)
    with pytest.raises(kind, match="was not started"):
        waiting.submit(abs, -1)
    waiting.detach()


def test_who_lets_go_asks_no_more(waiting: starburst.Session, queue: Queue) -> None:
    queue.until_asked(1)
    assert is_asked_for(waiting)
    again = starburst.attach(waiting.id, waiting._core.connection, progress=False)
    waiting.detach()
    queue.until_asked(2)
    assert (is_asked_for(waiting), is_asked_for(again)) == (False, True)
    again.detach()
    assert not is_asked_for(again)


def test_nobody_asks_for_a_session_that_does_not_wait(connection: Connection, fleet: Fleet) -> None:
    fleet.launch = False
    session = starburst.session(connection, workers=1, wait=0, progress=False)
    assert session.manifest.wait_seconds is None
    assert not is_asked_for(session)
    session.detach()


@pytest.mark.parametrize("wait", [-1, 86_401, True, "600", 0.5, float("inf")])
def test_a_wait_is_whole_seconds_of_a_day(wait: Any) -> None:
    with pytest.raises(ConfigurationError, match="wait="):
        starburst.SessionOptions(wait=wait)
