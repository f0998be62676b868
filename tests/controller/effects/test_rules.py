"""The checker of effects is silent about what is in order, and finds each planted violation.

A true history, of a session that starts, loses a worker and is stopped, is spoilt at one place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final

import pytest

from .history import Effect, History
from .memory_world import NOON, MemoryWorld
from .rules import broken
from .scenes import KEYS, SCENES

Effects = list[Effect]
Spoil = Callable[[Effects], Effects]

WAKES: Final = "https://sqs.eu-west-1.amazonaws.com/123456789012/starburst-prod-wakes"


def played(name: str) -> MemoryWorld:
    scene = next(one for one in SCENES if one.name == name)
    world = scene.prepared()
    scene.act(world)
    return world


@cache
def life() -> tuple[Effects, list[float]]:
    """All that happens to a session from its start to its end."""
    world = played("loss swept")
    world.later(60)
    world.request(KEYS, "stop")
    return world.history.effects, world.history.until


@cache
def of_endpoints() -> tuple[Effects, list[float]]:
    world = played("closing")
    return world.history.effects, world.history.until


def judged(effects: Sequence[Effect], until: list[float]) -> list[str]:
    history = History(clock=lambda: NOON, fleet=lambda _: 0, until=until)
    history.effects = [replace(effect, began=n) for n, effect in enumerate(effects)]
    return broken(history, wakes=WAKES)


def test_what_is_in_order_is_not_complained_of() -> None:
    assert judged(*life()) == []
    assert judged(*of_endpoints()) == []


def body(effect: Effect) -> dict[str, Any]:
    return json.loads(effect.words["Body"]) if "Body" in effect.words else {}


def find(effects: Effects, call: str, key: str = "", nth: int = 0, **said: Any) -> int:
    """Return the place of a call whose body says so."""
    places = [
        n
        for n, effect in enumerate(effects)
        if effect.call == call
        and key in (effect.key or effect.words.get("QueueUrl", ""))
        and said.items() <= body(effect).items()
    ]
    return places[nth]


def moved(
    call: str, key: str = "", *, to: Callable[[Effects], int], nth: int = 0, **said: Any
) -> Spoil:
    """A call is made earlier or later than it was."""

    def spoil(effects: Effects) -> Effects:
        place, goal = find(effects, call, key, nth, **said), to(effects)
        effects.insert(goal, effects[place])
        del effects[place + (goal <= place)]
        return effects

    return spoil


def rewritten(call: str, key: str = "", *, nth: int = 0, words: Any, **said: Any) -> Spoil:
    """A call is made with other words; a function changes what its body says."""

    def spoil(effects: Effects) -> Effects:
        place = find(effects, call, key, nth, **said)
        effect = effects[place]
        if callable(words):
            fields = body(effect)
            words(fields)
            new = {**effect.words, "Body": json.dumps(fields).encode()}
        else:
            new = {**effect.words, **words}
        new = {name: value for name, value in new.items() if value is not None}
        effects[place] = replace(effect, words=new)
        return effects

    return spoil


def made_again(call: str, key: str = "", *, to: Callable[[Effects], int], nth: int = 0) -> Spoil:
    """A call is made once more, at another place, by who makes the last one before it."""

    def spoil(effects: Effects) -> Effects:
        goal, effect = to(effects), effects[find(effects, call, key, nth)]
        before = effects[goal - 1]
        effects.insert(goal, replace(effect, invocation=before.invocation, at=before.at))
        return effects

    return spoil


def left_out(call: str) -> Spoil:
    """None of these calls is made."""
    return lambda effects: [effect for effect in effects if effect.call != call]


def saying(**others: Any) -> Callable[[dict[str, Any]], None]:
    return lambda fields: fields.update(others)


def first(call: str, key: str = "", nth: int = 0, **said: Any) -> Callable[[Effects], int]:
    return lambda effects: find(effects, call, key, nth, **said)


def end(effects: Effects) -> int:
    return len(effects)


ACTIVE, ENDED = "active/", "ended/"

PLANTED: Final[dict[str, tuple[Spoil, str]]] = {
    "the launch before its record": (
        moved("ecs.run_task", to=first("s3.put_object", ACTIVE, waves=1)),
        "launch 1-0 is not written down",
    ),
    "workers before their queue": (
        moved("sqs.create_queue", to=lambda found: find(found, "ecs.run_task") + 1),
        "its workers have no queue",
    ),
    "the queue before the record": (
        moved("sqs.create_queue", to=lambda _: 0),
        "a queue is made for a session that has no record",
    ),
    "the wake before the record": (
        moved("sqs.send_message", "wakes", to=lambda _: 0),
        "somebody is woken before the record is written",
    ),
    "another's token": (
        rewritten("ecs.run_task", words={"clientToken": KEYS.session}),
        "its token does not say which launch it is of",
    ),
    "one token for two things": (
        rewritten("ecs.run_task", nth=1, words={"clientToken": f"{KEYS.session}-1-0"}),
        f"token {KEYS.session}-1-0 asks for two things",
    ),
    "a token again": (
        made_again("ecs.run_task", to=lambda found: find(found, "ecs.run_task") + 1),
        "asks again for what was answered",
    ),
    "a launch after the end": (
        made_again("ecs.run_task", to=end),
        "it is begun after the end of its session",
    ),
    "the queue before the end": (
        moved("sqs.delete_queue", to=first("s3.put_object", ACTIVE, state="ended")),
        "the queue of a session that goes on is deleted",
    ),
    "filed before the queue is gone": (
        left_out("sqs.delete_queue"),
        "a session is filed away while it has a queue",
    ),
    "people told before the end is written": (
        moved("s3.put_object", "status.json", state="ended", to=lambda _: 30),
        "people are told that it ended before that is written down",
    ),
    "filed before the end is written": (
        moved("s3.put_object", ENDED, to=lambda _: 30),
        "a session is filed away before its end is written",
    ),
    "one that goes on is filed": (
        rewritten("s3.put_object", ENDED, words=saying(state="running")),
        "a session that goes on is filed away",
    ),
    "its record deleted": (
        moved("s3.delete_object", ACTIVE, to=lambda _: 30),
        "the record of a session that goes on is deleted",
    ),
    "a record after it was filed": (
        made_again("s3.put_object", ACTIVE, to=end, nth=-1),
        "a record is written anew after it was filed away",
    ),
    "a late status": (
        made_again("s3.put_object", "status.json", to=end),
        "is hidden by a late status",
    ),
    "a status of what may be erased": (
        made_again("s3.put_object", "status.json", to=end),
        "a status is written that may have been erased",
    ),
    "a session that goes on, told after it was filed": (
        made_again("s3.put_object", "status.json", to=end),
        "people are told that a session goes on that was filed away",
    ),
    "an end taken back": (
        rewritten("s3.put_object", ACTIVE, nth=-1, words=saying(state="running")),
        "the end of a session is taken back or told anew",
    ),
    "an end with a launch": (
        rewritten(
            "s3.put_object",
            ACTIVE,
            nth=-1,
            words=saying(launch={"wave": 2, "batches": {"0": 1}, "until": 0}),
        ),
        "a session that has ended still means to launch",
    ),
    "a count that falls": (
        rewritten("s3.put_object", ACTIVE, nth=-1, words=saying(lost=1)),
        "lost falls from 2 to 1",
    ),
    "a launch within the pause": (
        rewritten("s3.put_object", ACTIVE, waves=1, nth=-1, words=saying(not_before=NOON + 999)),
        "before the pause is over",
    ),
    "a pause cut": (
        rewritten("s3.put_object", ACTIVE, nth=1, words=saying(not_before=NOON + 999)),
        "a pause is cut by",
    ),
    "a write over another's": (
        rewritten("s3.put_object", ACTIVE, nth=2, words={"IfMatch": None}),
        "is overwritten, whoever else has changed it",
    ),
    "a write over what was not read": (
        rewritten("s3.put_object", ACTIVE, nth=2, words={"IfMatch": '"0"'}),
        "replaces what this invocation has not read",
    ),
    "too many workers": (
        lambda effects: [
            replace(e, fleet=(5, 99)) if e.call == "ecs.run_task" else e for e in effects
        ],
        "99 workers, of 12 that were asked for",
    ),
    "a launch when time is up": (
        lambda effects: [
            replace(e, at=e.at + 99) if e.call == "ecs.run_task" else e for e in effects
        ],
        "it is begun when time is up",
    ),
    "a request to send again that nobody counted": (
        rewritten(
            "sqs.send_message", "wakes", nth=-1, words={"QueueUrl": WAKES[:-5] + KEYS.session}
        ),
        "workers are asked to send again before that is counted",
    ),
    "workers stopped before their queue": (
        moved("sqs.delete_queue", nth=-1, to=first("ecs.describe_tasks", nth=-1)),
        "workers of a session that ends are stopped while it has a queue",
    ),
    "filed with workers": (
        rewritten("s3.put_object", ENDED, words=saying(known={"x": 1})),
        "a session is filed away whose workers have not all left",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_each_violation_is_found(name: str) -> None:
    spoil, says = PLANTED[name]
    effects, until = life()
    assert says in " / ".join(judged(spoil(list(effects)), until))


NOTE: Final = "_control/endpoints.json"

PLANTED_AT_ENDPOINTS: Final[dict[str, tuple[Spoil, str]]] = {
    "closed before that is written": (
        moved("cloudformation.update_stack", nth=-1, to=first("s3.put_object", NOTE, nth=-1)),
        "the endpoints are closed before that is written down",
    ),
    "closed under workers": (
        lambda effects: [replace(effect, fleet=(2, 2)) for effect in effects],
        "the endpoints are closed under workers",
    ),
    "opened against the note": (
        rewritten("s3.put_object", NOTE, nth=1, words=saying(wanted="off")),
        "the endpoints are opened against what is written down",
    ),
    "workers where they are closed": (
        lambda effects: [
            replace(e, answer={"Stacks": [{"StackStatus": "UPDATE_IN_PROGRESS"}]})
            if e.call == "cloudformation.describe_stacks"
            else e
            for e in effects
        ],
        "workers are started where no endpoint is open",
    ),
    "the note overwritten": (
        rewritten("s3.put_object", NOTE, nth=-1, words={"IfMatch": None}),
        "is overwritten, whoever else has changed it",
    ),
}


@pytest.mark.parametrize("name", PLANTED_AT_ENDPOINTS)
def test_each_violation_at_the_endpoints_is_found(name: str) -> None:
    spoil, says = PLANTED_AT_ENDPOINTS[name]
    effects, until = of_endpoints()
    assert says in " / ".join(judged(spoil(list(effects)), until))
