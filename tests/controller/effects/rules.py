"""The order in which the controller may have its effects; a history that breaks it is told so.

Tests of final results see little of it: work is done again, and the first to write wins.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from starburst.contract import CONTROL_PREFIX

from .history import Effect, History
from .session_rules import ACTIVE, ENDED, FINAL, Session, of_session, session_of

__all__ = ["broken"]

_OTHER_REASONS: Final = (
    "starburst: this task belongs to no active session",
    "starburst: more workers than",
    "starburst: Spot has no room",
)
_NOTE: Final = f"{CONTROL_PREFIX}endpoints.json"


def broken(history: History, *, wakes: str) -> list[str]:
    """Return what broke a rule, in words; nothing where all was in order.

    Args:
        history: of one test.
        wakes: URL of the queue that wakes the controller.
    """
    wrong: list[str] = []
    sessions: dict[str, Session] = {}
    invocations: dict[int, _Invocation] = {}
    for number, effect in enumerate(history.effects):
        here = invocations.setdefault(effect.invocation, _Invocation())
        said = [
            *_in_time(effect, history.until),
            *_by_compare_and_set(effect, here),
            *_of_endpoints(effect, here),
            *_farewell(effect, here),
        ]
        session = session_of(effect, wakes=wakes)
        if session:
            known = sessions.setdefault(session, Session())
            said += of_session(number, effect, known, wakes=wakes)
        wrong += [f"effect {number}, {effect.call}: {words}" for words in said]
        here.take(effect)
    return [*wrong, *_hidden_ends(history.effects), *_tokens(history.effects)]


@dataclass(kw_only=True)
class _Invocation:
    """What one invocation has read and written.

    Attributes:
        etags: by S3 key, those that it knows.
        closed: whether it has told a queue to go.
        note: the note on the endpoints, as it last wrote it.
        looked, open: whether CloudFormation has told it of them, and last that they are open.
    """

    etags: dict[str, set[str]] = field(default_factory=dict)
    closed: bool = False
    note: Mapping[str, Any] | None = None
    looked: bool = False
    open: bool = False

    def take(self, effect: Effect) -> None:
        self.closed |= effect.call in ("sqs.delete_queue", "sqs.get_queue_url")
        if not effect.answer:
            return
        if effect.call in ("s3.get_object", "s3.put_object", "s3.head_object"):
            self.etags.setdefault(effect.key, set()).add(effect.answer["ETag"])
        if effect.call == "s3.put_object" and effect.key == _NOTE:
            self.note = json.loads(effect.words["Body"])
        if effect.call == "cloudformation.describe_stacks":
            stack = effect.answer["Stacks"][0]
            values = {one.get("ParameterValue") for one in stack.get("Parameters", ())}
            self.looked = True
            self.open = stack["StackStatus"].endswith("COMPLETE") and "on" in values


def _in_time(effect: Effect, until: Sequence[float]) -> Iterator[str]:
    lengthy = ("ecs.run_task", "ecs.stop_task")
    if effect.call in lengthy and effect.at >= until[effect.invocation]:
        yield "it is begun when time is up"


def _by_compare_and_set(effect: Effect, here: _Invocation) -> Iterator[str]:
    """Whatever two invocations may change is changed by who has read it, and by no one else."""
    if effect.call != "s3.put_object" or not effect.key.startswith(CONTROL_PREFIX):
        return
    if effect.key.startswith(ENDED):
        return  # every invocation writes it alike
    match, new = effect.words.get("IfMatch"), effect.words.get("IfNoneMatch")
    if match is None and new != "*":
        yield f"{effect.key} is overwritten, whoever else has changed it"
    # A container remembers the turn that it took last.
    if match not in {None, *here.etags.get(effect.key, ())} and "/turns/" not in effect.key:
        yield f"{effect.key} replaces what this invocation has not read"


def _of_endpoints(effect: Effect, here: _Invocation) -> Iterator[str]:
    if effect.call == "ecs.run_task" and here.looked and not here.open:
        yield "workers are started where no endpoint is open"
    if effect.call != "cloudformation.update_stack":
        return
    wish = effect.words["Parameters"][0]["ParameterValue"]
    if wish == "off" and (here.note is None or here.note["wanted"] != "off"):
        yield "the endpoints are closed before that is written down"
    if wish == "off" and effect.happened and effect.fleet[0]:
        yield "the endpoints are closed under workers"
    if wish == "on" and here.note is not None and here.note["wanted"] != "on":
        yield "the endpoints are opened against what is written down"


def _farewell(effect: Effect, here: _Invocation) -> Iterator[str]:
    """Workers find no more work once they are told to go, or others take what they leave."""
    if effect.call != "ecs.stop_task" or effect.words["reason"].startswith(_OTHER_REASONS):
        return
    if not here.closed:
        yield "workers of a session that ends are stopped while it has a queue"


def _hidden_ends(effects: Sequence[Effect]) -> Iterator[str]:
    """The last word on a session that was filed away is that of its end."""
    hidden: dict[str, bool] = {}
    filed: set[str] = set()
    for effect in effects:
        if effect.key.endswith("/status.json"):
            # Who looks for one that was erased would have told of the end.
            body = json.loads(effect.words.get("Body", b'{"state": "ended"}'))
            if effect.happened or body["state"] in FINAL:
                hidden[effect.key.split("/")[-2]] = body["state"] not in FINAL
        if effect.call == "s3.delete_object" and effect.key.startswith(ACTIVE):
            filed.add(effect.key.rpartition("/")[2].removesuffix(".json"))
    for session in sorted(filed):
        if hidden.get(session, False):
            yield f"the end of session {session} is hidden by a late status"


def _tokens(effects: Sequence[Effect]) -> Iterator[str]:
    """One token asks for one thing: ECS refuses what else it asks for, or ignores it."""
    calls: dict[str, list[Effect]] = {}
    for effect in effects:
        if effect.call == "ecs.run_task":
            calls.setdefault(str(effect.words["clientToken"]), []).append(effect)
    for token, same in calls.items():
        for one, other in pairwise(same):
            if one.words != other.words:
                yield f"token {token} asks for two things"
            if one.done and one.invocation == other.invocation:
                yield f"token {token} asks again for what was answered"
