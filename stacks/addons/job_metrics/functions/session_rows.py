"""Ended sessions, as the controller tells of them by the door that tells and does nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from ledger import Ledger
from worker_rows import hour_of

__all__ = ["DoorClosed", "door", "take_sessions"]

TABLE: Final = "job_sessions"
_OVERLAP_SECONDS: Final = 3600
"""Asked for again each time: clocks differ, and a record may be written while it is listed."""

_FRESH_SECONDS: Final = 7200
"""Sessions that ended longer ago make no metric: their day is over."""

_NAMES: Final = {
    "analyst": "user",
    "vcpu": "cpu",
    **{
        name: name
        for name in (
            *("session", "workspace", "state", "reason", "capacity", "memory_gb", "workers"),
            *("launched", "lost", "worker_seconds", "usd"),
        )
    },
}
"""Of each column, what the controller calls it; moments are apart."""

Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class DoorClosed(RuntimeError):
    """The controller refused, or answered what is none; the next hour asks again."""


def take_sessions(ledger: Ledger, ask: Ask, *, going: Callable[[], bool]) -> list[str]:
    """Enter the sessions that ended since the last time; go on there the next time.

    Args:
        ledger: where to enter them.
        ask: asks the controller.
        going: whether there is time for another page.

    Returns:
        Ids of sessions whose records the controller cannot read.

    Raises:
        DoorClosed: there is no answer to go by.
    """
    state = dict(ledger.recall(TABLE)) or {"since": 0.0, "after": "", "begun": time.time()}
    if not state["after"]:
        state["begun"] = time.time()
    unread: list[str] = []
    while going():
        answer = ask({"folder": "ended", "since": state["since"], "after": state["after"]})
        if answer.get("ok") is not True:
            raise DoorClosed(f"the controller told no sessions: {answer.get('error')!r:.300}")
        try:
            _enter(ledger, answer["sessions"], now=time.time())
            unread += [str(one["session"]) for one in answer["unread"]]
            following = str(answer.get("next") or "")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DoorClosed(f"the controller's answer is none: {error!r:.300}") from error
        if following and following <= state["after"]:
            raise DoorClosed(f"the controller goes on after {following!r:.40}, as before")
        state["after"] = following
        if not following:
            state["since"] = state["begun"] - _OVERLAP_SECONDS
        ledger.remember(TABLE, state)
        if not following:
            break
    return unread


def _enter(ledger: Ledger, sessions: list[Mapping[str, Any]], *, now: float) -> None:
    hours: dict[str, None] = {}
    for told in sessions:
        row = _row(told)
        hour = hour_of(row["started"])
        outcome = ledger.enter(TABLE, hour, row["session"], version=row["ended"], row=row)
        hours[hour] = None
        if outcome == "new" and now - row["ended"] / 1000 < _FRESH_SECONDS:
            _measure(row)
    for hour in hours:
        ledger.mark(TABLE, hour)


def _row(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{column: told[name] for column, name in _NAMES.items()},
        "started": round(float(told["started"]) * 1000),
        "ended": round(float(told["ended"]) * 1000),
    }


def _measure(row: Mapping[str, Any]) -> None:
    """Print a line of one run, of which filters of the log make metrics."""
    line = {
        "event": "jobs-session",
        "workspace": row["workspace"],
        "session_usd": round(row["usd"], 6),
        "session_hours": round((row["ended"] - row["started"]) / 3_600_000, 6),
        "failed_sessions": int(row["state"] == "failed"),
    }
    print(json.dumps(line))


def door(invoke: Callable[..., Any], function: str, protocol: int) -> Ask:
    """Return what asks the controller by its door for records.

    Args:
        invoke: Lambda's.
        function: the alias's ARN.
        protocol: that the controller speaks.
    """

    def ask(terms: Mapping[str, Any]) -> Mapping[str, Any]:
        payload = {"protocol": protocol, "action": "sessions", **terms}
        answer = invoke(FunctionName=function, Payload=json.dumps(payload).encode())
        text = answer["Payload"].read()
        if answer.get("FunctionError"):
            raise DoorClosed(f"the controller failed: {text[:300]!r}")
        found = json.loads(text)
        if not isinstance(found, dict):
            raise DoorClosed("the controller's answer is no object")
        return found

    return ask
