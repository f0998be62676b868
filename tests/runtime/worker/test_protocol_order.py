"""The checker of the order of effects: silent over what is allowed, loud over each violation."""

from __future__ import annotations

from typing import Any

import pytest

from starburst._protocol.sealed.cancel_list import CancelledTasks
from starburst._protocol.sealed.chunks import ChunkMessage
from starburst.contract import TAMPERING
from starburst.worker.supervisor import Supervisor
from tests.runtime.effects import Effects, listening
from tests.runtime.fleet import Fleet, leased
from tests.runtime.protocol_order import violations
from tests.runtime.sessions import opened
from tests.session_internals import queue_url

CHUNK = "p000001-00000"
KEY = f"sessions/study/alice/x/results/{CHUNK}"

Step = tuple[str, dict[str, Any]]


def body(lo: int, hi: int) -> str:
    return ChunkMessage(
        chunk=CHUNK, lo=lo, hi=hi, pack="p000001", offset=0, length=9, inline=None
    ).to_body()


def receive(lo: int, hi: int, *, deliveries: int = 1, receipt: str = "r") -> Step:
    return "receive", {"messages": [(receipt, body(lo, hi), deliveries)]}


def put(lo: int, hi: int, *children: tuple[int, int], free: bool = True, error: str = "") -> Step:
    parts = tuple((CHUNK, *child) for child in children)
    key = f"{KEY}/{lo:06d}-{hi:06d}"
    facts = {"key": key, "free": free, "range": (CHUNK, lo, hi), "children": parts}
    return "put", {**facts, "error": error}


def begin_attempt(lo: int, hi: int) -> Step:
    return "put", {"key": f"{KEY}/{lo:06d}-{hi:06d}.01", "free": True}


def send(*ranges: tuple[int, int], error: str = "") -> Step:
    return "send", {"bodies": [body(*each) for each in ranges], "error": error}


def log(event: str, lo: int = 0, hi: int = 4) -> Step:
    return "log", {"event": event, "chunk": CHUNK, "range": [lo, hi]}


def run(lo: int, hi: int) -> Step:
    return "run", {"chunk": CHUNK, "lo": lo, "hi": hi, "first": 0, "receipt": "r"}


def wait(seconds: float) -> Step:
    return "wait", {"seconds": seconds}


def extend(seconds: int = 30) -> Step:
    return "extend", {"receipt": "r", "seconds": seconds}


DELETE: Step = ("delete", {"receipt": "r"})
END: Step = ("end", {})
CANCEL: Step = ("get", {"key": "…/cancelled", "cancelled": CancelledTasks.of([1])})


def record(*steps: Step) -> Effects:
    """Return the record of one worker that took these steps one after the other."""
    now = [0.0]
    effects = Effects(now=lambda: now[0])
    for what, facts in steps:
        if what == "wait":
            now[0] += facts["seconds"]
            continue
        effect = effects.begin("w", "session", what, facts)
        effect.error = facts.pop("error", "")
        effects.end(effect)
    return effects


@pytest.mark.parametrize(
    "steps",
    [
        (receive(0, 4), run(0, 4), put(0, 4), log("committed"), DELETE),
        (receive(0, 4), put(0, 4, (2, 4)), log("committed"), send((2, 4)), DELETE, END),
        # What follows a long task goes first; its own part gets a node of its own.
        (receive(0, 4), put(0, 4, (0, 1), (1, 4)), send((1, 4)), put(0, 1), DELETE),
        # Another was first: what stands is what it left.
        (receive(0, 4), ("get", put(0, 4)[1]), DELETE),
        (receive(0, 4), put(0, 4), receive(0, 4), put(0, 4, error="PreconditionFailed"), DELETE),
        (receive(0, 4), put(0, 4, (0, 2), (2, 4)), send((2, 4)), put(0, 2), DELETE),
        (receive(0, 4), send((0, 4)), DELETE),
        (receive(0, 4), extend(0), receive(0, 4, deliveries=2), put(0, 4), DELETE),
        (receive(0, 4), log(TAMPERING), DELETE),
        (receive(0, 1), log("in hand", 0, 1), DELETE),
        (receive(0, 1, deliveries=2), begin_attempt(0, 1), run(0, 1), put(0, 1), DELETE),
        (receive(0, 4), CANCEL, run(0, 1), run(2, 4), put(0, 4), DELETE),
        (receive(0, 4), wait(10), extend(), wait(10), extend(), wait(10), put(0, 4), DELETE, END),
        (log("stopped"), END),
    ],
)
def test_it_is_silent_over_what_the_protocol_allows(steps: tuple[Step, ...]) -> None:
    assert violations(record(*steps), heartbeat=10) == []


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((receive(0, 4), DELETE), "0-4, of which all is left"),
        ((receive(0, 4), DELETE, put(0, 4)), "0-4, of which all is left"),
        ((receive(0, 4), put(0, 4, error="InternalError"), DELETE), "of which all is left"),
        ((receive(0, 4), put(0, 2), DELETE), "of which all is left"),
        ((receive(0, 4), put(0, 4, (2, 4)), DELETE, send((2, 4))), "of which 2-4 is left"),
        ((receive(0, 4), put(0, 4, (2, 3), (3, 4)), send((2, 3)), DELETE), "of which 3-4 is left"),
        ((receive(0, 4), put(0, 4, (2, 4)), send((2, 4), error="X"), DELETE), "2-4 is left"),
        ((receive(0, 4), put(0, 4, (0, 1), (1, 4)), send((1, 4)), DELETE), "of which 0-1 is left"),
        ((send((0, 4)), receive(0, 4), DELETE), "of which all is left"),
        ((receive(0, 4), log(TAMPERING, 0, 9), DELETE), "of which all is left"),
        ((receive(0, 4), log("trouble"), DELETE), "of which all is left"),
        ((receive(0, 4), put(0, 4), extend(0), DELETE), "gave back"),
        ((receive(0, 4), put(0, 4, free=False), DELETE), "writes over"),
        ((receive(0, 4), log("committed"), put(0, 4), DELETE), "says that it committed"),
        ((receive(0, 4), CANCEL, run(0, 4)), "runs [1], and has read"),
        ((receive(0, 4, deliveries=2), run(0, 4)), "and all of it"),
        ((receive(0, 1, deliveries=2), run(0, 1), begin_attempt(0, 1)), "not written that down"),
        ((receive(0, 4), wait(10.6), extend()), "not extended a lease for 10.6 s"),
        ((receive(0, 4), wait(9), extend(), wait(11), put(0, 4)), "not extended a lease"),
        ((END, send((0, 4))), "has ended, and sends"),
        ((log("session ended"), receive(0, 4)), "asks for work after it said 'session ended'"),
    ],
)
def test_it_finds_each_planted_violation(steps: tuple[Step, ...], words: str) -> None:
    found = violations(record(*steps), heartbeat=10)
    assert len(found) == 1, found
    assert words in found[0]


def test_what_is_under_way_has_not_come_first() -> None:
    effects = record(receive(0, 4))
    slow = effects.begin("w", "session", "put", put(0, 4)[1])
    effects.end(effects.begin("w", "session", *DELETE))
    effects.end(slow)
    assert "all is left" in "".join(violations(effects))


@pytest.mark.usefixtures("forked")
def test_a_workers_record_holds_all_that_it_did_in_order(connection: Any, fleet: Fleet) -> None:
    session = opened(connection, fleet, tasks=1)
    worker: Supervisor = fleet.supervisor(session.manifest.keys, queue_url(session))
    with listening():
        worker.turn(1)
        worker.close()
    done = [
        (e.what, e.facts.get("range") or e.facts.get("event"))
        for e in fleet.effects.of("receive", "run", "put", "log", "delete", "end")
    ]
    place = (CHUNK, 0, 1)
    assert done == [
        ("receive", None),
        ("run", None),
        ("put", place),
        ("log", [0, 1]),
        ("delete", None),
        ("end", None),
    ]
    assert fleet.effects.of("log")[0].facts["event"] == "committed"
    assert leased(worker, wait=0) is None
    fleet.effects.all.clear()  # to look after the end is the test's
    session.cleanup()
