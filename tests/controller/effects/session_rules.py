"""The order of what the controller does for one session: its record first, its end last."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starburst.aws.calls import QUEUE_GONE
from starburst.contract import CONTROL_PREFIX

from .history import Effect

__all__ = ["ACTIVE", "ENDED", "FINAL", "Session", "of_session", "session_of"]

ACTIVE: Final = f"{CONTROL_PREFIX}active/"
ENDED: Final = f"{CONTROL_PREFIX}ended/"
FINAL: Final = frozenset({"ended", "failed"})

_STATUS: Final = "/status.json"
_HEARD_SECONDS: Final = 6
"""Who launches tells every five seconds how far it is, and so hears of the end."""

_RISING: Final = ("waves", "launched", "lost", "faults", "killed", "unstarted", "seconds", "usd")


@dataclass(kw_only=True)
class Session:
    """What was written of one session.

    Attributes:
        record: its newest one.
        ended, ended_at: after how many effects a final one was first written, and when.
        filed: after how many effects its record was gone.
        queues: URLs of its queues that are there.
        queueless: whether a queue of it was deleted.
        launches: ``<wave>-<number>`` of the calls that were written down to be made.
        looked: by invocation, after how many effects it last had to do with the record.
    """

    record: Mapping[str, Any] = field(default_factory=dict)
    ended: int | None = None
    ended_at: float = 0
    filed: int | None = None
    queues: set[str] = field(default_factory=set)
    queueless: bool = False
    launches: set[str] = field(default_factory=set)
    looked: dict[int, int] = field(default_factory=dict)

    @property
    def final(self) -> bool:
        """Whether its end is written down."""
        return bool(self.record) and self.record["state"] in FINAL


def session_of(effect: Effect, *, wakes: str) -> str:
    """Return the session that an effect is about; empty where it is about none."""
    words = effect.words
    if effect.key.startswith((ACTIVE, ENDED)):
        return effect.key.rpartition("/")[2].removesuffix(".json")
    if effect.key.endswith(_STATUS):
        return effect.key.split("/")[-2]
    if effect.call == "ecs.run_task":
        return str(words["startedBy"])
    if words.get("QueueUrl") == wakes:
        return str(json.loads(words["MessageBody"])["session"])
    queue = str(words.get("QueueUrl") or words.get("QueueName") or "")
    return queue.rpartition("-")[2]


def of_session(number: int, effect: Effect, known: Session, *, wakes: str) -> Iterator[str]:
    """Yield what is wrong with an effect, and take it in."""
    service, _, call = effect.call.partition(".")
    if call == "put_object":
        yield from _write(number, effect, known)
    elif call == "delete_object" and effect.key.startswith(ACTIVE):
        if not known.final:
            yield "the record of a session that goes on is deleted"
        known.filed = number if effect.happened else known.filed
    elif call == "run_task":
        yield from _launch(effect, known)
    elif call == "send_message":
        yield from _message(effect, known, wakes=wakes)
    elif service == "sqs":
        yield from _queue(effect, known)
    if effect.key.startswith((ACTIVE, ENDED)):
        known.looked[effect.invocation] = number


def _write(number: int, effect: Effect, known: Session) -> Iterator[str]:
    body = json.loads(effect.words["Body"])
    if effect.key.endswith(_STATUS):
        yield from _status(body["state"], effect, known)
    elif effect.key.startswith(ENDED):
        if body["state"] not in FINAL:
            yield "a session that goes on is filed away"
        if known.ended is None:
            yield "a session is filed away before its end is written"
        if body["known"]:
            yield "a session is filed away whose workers have not all left"
        if known.queues:
            yield "a session is filed away while it has a queue"
    elif effect.happened:
        yield from _record(body, effect, known)
        if body["state"] in FINAL and known.ended is None:
            known.ended, known.ended_at = number, effect.at
        launch = body["launch"] or {"wave": 0, "batches": {}}
        known.launches |= {_call(launch["wave"], batch) for batch in launch["batches"]}
        known.record = body


def _record(now: Mapping[str, Any], effect: Effect, known: Session) -> Iterator[str]:
    before = known.record
    if known.filed is not None and effect.began > known.filed:
        yield "a record is written anew after it was filed away"
    if now["launch"] is not None and now["state"] in FINAL:
        yield "a session that has ended still means to launch"
    if not before:
        return
    if known.final and (now["state"], now["reason"]) != (before["state"], before["reason"]):
        yield "the end of a session is taken back or told anew"
    for name in _RISING:
        if now[name] < before[name]:
            yield f"{name} falls from {before[name]} to {now[name]}"
    if now["waves"] > before["waves"] and effect.at < before["not_before"]:
        yield f"a launch is begun {before['not_before'] - effect.at:.0f} s before the pause is over"
    freed = "quota" in now["shortage"] and now["seconds"] > before["seconds"]
    if now["not_before"] < before["not_before"] and not freed:
        yield f"a pause is cut by {before['not_before'] - now['not_before']:.0f} s"


def _status(state: str, effect: Effect, known: Session) -> Iterator[str]:
    if state in FINAL and known.ended is None:
        yield f"people are told that it {state} before that is written down"
    if known.filed is None or effect.began <= known.filed:
        return
    if state not in FINAL and known.looked.get(effect.invocation, 0) >= known.filed:
        yield "people are told that a session goes on that was filed away"
    if "IfMatch" not in effect.words and known.looked.get(effect.invocation, 0) >= known.filed:
        yield "a status is written that may have been erased"


def _queue(effect: Effect, known: Session) -> Iterator[str]:
    if effect.call == "sqs.create_queue":
        if not known.record:
            yield "a queue is made for a session that has no record"
        if effect.answer:
            known.queues.add(effect.answer["QueueUrl"])
    if effect.call == "sqs.delete_queue":
        if known.record and not known.final:
            yield "the queue of a session that goes on is deleted"
        if effect.happened or effect.refused in QUEUE_GONE:
            known.queues.discard(str(effect.words["QueueUrl"]))
            known.queueless = True


def _message(effect: Effect, known: Session, *, wakes: str) -> Iterator[str]:
    if effect.words["QueueUrl"] == wakes:
        if not known.record:
            yield "somebody is woken before the record is written"
    elif not known.record.get("requeues"):
        yield "workers are asked to send again before that is counted"


def _launch(effect: Effect, known: Session) -> Iterator[str]:
    words = effect.words
    tags = {tag["key"]: tag["value"] for tag in words["tags"]}
    wave, _, batch = tags["starburst:launch"].partition("-")
    if words["clientToken"] != f"{words['startedBy']}-{wave}-{batch}":
        yield "its token does not say which launch it is of"
    if _call(wave, batch) not in known.launches:
        yield f"launch {wave}-{batch} is not written down"
    variables = words["overrides"]["containerOverrides"][0]["environment"]
    urls = {one["value"] for one in variables if one["name"] == "STARBURST_QUEUE_URL"}
    if not urls <= known.queues and not known.queueless:
        yield "its workers have no queue"
    if known.ended is not None and effect.began > known.ended:
        heard = known.looked.get(effect.invocation, known.ended) > known.ended
        if heard or effect.at - known.ended_at > _HEARD_SECONDS:
            yield "it is begun after the end of its session"
    before, after = effect.fleet
    if known.record and after > max(before, known.record["workers"]):
        yield f"{after} workers, of {known.record['workers']} that were asked for"


def _call(wave: object, batch: str) -> str:
    """Return which call of which launch a batch is of, however often it was repeated."""
    return f"{wave}-{batch.rstrip('d').partition('r')[0]}"
