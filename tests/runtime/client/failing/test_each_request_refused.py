"""Each request of an operation, refused in its turn: told, typed, and mended by a repeat."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_session, list_sessions
from starburst._client.session import Session
from starburst.errors import (
    StarburstError,
)
from tests.runtime.client.failing.alone import ALONE, TROUBLE, left
from tests.runtime.fleet import Fleet
from tests.runtime.sessions import opened, square
from tests.session_internals import core, flush


@dataclasses.dataclass
class Turns:
    """S3, SQS and KMS, which refuse one request of those that an operation makes."""

    number: int = 0
    count: int = 0
    met: str = ""

    def judge(self, model: Any, **_: Any) -> None:
        if threading.current_thread().name.startswith("starburst-"):
            return  # what collects and sends is patient
        self.count += 1
        if self.count == self.number:
            self.met = model.name
            raise TROUBLE


@pytest.fixture
def turns(fleet: Fleet) -> Iterator[Turns]:
    made = Turns()
    clients = (fleet.s3, fleet.sqs, fleet.kms)
    for client in clients:
        client.meta.events.register("before-call", made.judge)
    yield made
    for client in clients:
        client.meta.events.unregister("before-call", made.judge)


def in_turn(turns: Turns, operate: Callable[[], object]) -> list[tuple[str, bool]]:
    """Do something again and again; return each request that was refused, and whether it told."""
    found = []
    for number in itertools.count(1):
        turns.number, turns.count, turns.met = number, 0, ""
        said = ""
        try:
            operate()
        except StarburstError as error:
            said = str(error)
        turns.number = 0
        if not turns.met:
            return found
        found.append((turns.met, "InternalError" in said))
    raise AssertionError


def told(*names: str) -> list[tuple[str, bool]]:
    return [(name, True) for name in names]


def test_who_attaches_is_told_whatever_cannot_be_read_and_misses_nothing_at_the_next_try(
    connection: Connection, fleet: Fleet, turns: Turns
) -> None:
    session = opened(dataclasses.replace(connection, timings=ALONE), fleet, tasks=4)
    session.submit(square, 9)
    flush(session)
    session.cancel(session.futures[:2])
    session.detach()
    seen: list[Session] = []

    def attach() -> None:
        seen.append(attach_session(connection, session.id, progress=False))

    found = in_turn(turns, attach)
    assert found == told(
        *("GetObject", "Decrypt", "Decrypt", "ListObjectsV2"),  # the manifest, its keys, its packs
        *("GetObject", "GetObject", "GetObject"),  # two ledgers, and the cancel list
    )
    (again,) = seen
    assert [future.cancelled() for future in again.futures] == [True, True, False, False, False]
    assert core(again).tasks.outstanding == 3
    again.cleanup(force=True)


def test_a_list_of_sessions_is_whole_or_refused(
    connection: Connection, fleet: Fleet, turns: Turns
) -> None:
    first = opened(connection, fleet, tasks=0)
    second = opened(connection, fleet, tasks=0)
    seen: list[list[str]] = []

    def look() -> None:
        seen.append([summary.id for summary in list_sessions(connection)])

    assert in_turn(turns, look) == told("ListObjectsV2", *["GetObject"] * 4)
    assert seen == [[second.id, first.id]]
    for session in (first, second):
        session.cleanup()


def test_what_is_not_known_of_a_session_is_said(
    connection: Connection, fleet: Fleet, turns: Turns
) -> None:
    session = opened(dataclasses.replace(connection, timings=ALONE), fleet)
    fleet.refresh = lambda keys: {}  # type: ignore[method-assign]
    fleet.extend = lambda keys: {"deadline": 5.0}  # type: ignore[attr-defined]
    assert in_turn(turns, session.status) == told("PutObject", "GetObject")
    assert in_turn(turns, lambda: session.extend(60)) == told("GetObject", "PutObject")
    session.cleanup()


def test_a_clean_up_that_meets_trouble_is_repeated_and_erases_all(
    connection: Connection, fleet: Fleet, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it cost is only told, and of a deletion S3 is asked again; all else is said."""
    monkeypatch.setattr("starburst.aws.erasing._FIRST_PAUSE", 0.0)
    quiet = dataclasses.replace(connection, timings=ALONE)

    def live() -> None:
        number, turns.number = turns.number, 0
        session = opened(quiet, fleet)
        turns.number, turns.count = number, 0
        try:
            session.cleanup(force=True)
        except StarburstError:
            turns.number = 0
            session.cleanup(force=True)
            raise
        finally:
            turns.number = 0
            assert left(fleet) == []
            assert not fleet.sqs.list_queues().get("QueueUrls")

    found = in_turn(turns, live)
    assert found == [
        *told("PutObject", "GetQueueUrl", "DeleteQueue"),  # the last two are the controller's
        ("GetObject", False),  # what it cost
        *told("GetObject", "ListObjectVersions"),  # whether workers left
        ("DeleteObjects", False),
        *told("ListObjectVersions"),
    ]
