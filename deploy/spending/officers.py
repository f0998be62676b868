"""Asking the controller by the door that is for officers alone: freezes and totals (A1)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Final, Literal

import botocore.exceptions

from deploy.incident.command import Clients, IncidentError, Scope
from starburst.aws.calls import code_of
from starburst.contract import PROTOCOL, ControllerDoor
from starburst.untrusted.strict_json import Amount, Moment, Whole, fill, read_object
from starburst_constructs.naming import controller_name

__all__ = [
    "EVERYTHING",
    "Freeze",
    "Refused",
    "Used",
    "Waiting",
    "ask",
    "freezes",
    "queue",
    "scopes",
]

EVERYTHING: Final = "*"
"""In place of a workspace's name: all of the environment's."""

Action = Literal["freeze", "thaw", "totals"]
_MISSING: Final = "ResourceNotFoundException"
_SAID: Final = 500


class Refused(IncidentError):
    """The controller refused; nothing was changed.

    Attributes:
        kind: name of the error's class in ``starburst.errors``.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"the controller refused ({kind}): {message}")
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Why no new session starts.

    Attributes:
        workspace: which one; ``*`` for all.
        by: who froze it, as they said: an ARN, or a budget's name.
        since: when, in seconds since the epoch.
        why: what analysts are told.
        end: whether sessions that ran were ended as well.
        until: when it thaws by itself, in seconds since the epoch; 0 for never.
    """

    workspace: str
    by: str = ""
    since: Moment = 0
    why: str = ""
    end: bool = False
    until: Moment = 0

    def __str__(self) -> str:
        """Return it as a sentence."""
        what = "every workspace" if self.workspace == EVERYTHING else self.workspace
        ended = "running sessions were ended" if self.end else "running sessions go on"
        thaws = f"until {_when(self.until)}" if self.until else "until it is thawed"
        return (
            f"{what} is frozen since {_when(self.since)}, {thaws}, by {self.by or 'nobody known'}: "
            f"{self.why or 'no reason was given'} ({ended})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What is used of the totals of one environment, workspace or person.

    Attributes:
        scope: ``environment``, ``workspace`` or ``person``.
        name: of it.
        allowed: each total, by its name in :class:`starburst.contract.Totals`.
        used: as much of each as counts now.
    """

    scope: str
    name: str
    allowed: Mapping[str, Amount] = field(default_factory=dict)
    used: Mapping[str, Amount] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A session that waits for room.

    Attributes:
        session: its id.
        workspace, user: whose it is.
        workers: how many it asks for.
        usd_per_hour: what they cost at list price.
        until: when it gives up, in seconds since the epoch.
        place: in its queue, from 1.
    """

    session: str
    workspace: str
    user: str
    workers: Whole = 0
    usd_per_hour: Amount = 0
    until: Moment = 0
    place: Whole = 0

    def __str__(self) -> str:
        """Return it in words."""
        return (
            f"place {self.place}: {self.user} in {self.workspace} waits until "
            f"{_when(self.until)} for {self.workers:,} workers at {self.usd_per_hour:,.2f} USD an "
            f"hour (session {self.session})"
        )


def ask(about: Scope, clients: Clients, action: Action, **terms: object) -> dict[str, Any]:
    """Invoke the controller's alias for officers; return its answer.

    Args:
        about: the environment.
        clients: of a role that may.
        action: what is asked.
        **terms: what belongs to it.

    Raises:
        Refused: the controller said no.
        IncidentError: it could not answer.
    """
    name = f"function:{controller_name(about.environment.name)}:{ControllerDoor.OFFICERS}"
    payload = json.dumps({"protocol": PROTOCOL, "action": action, **terms})
    try:
        answer = clients("lambda").invoke(
            FunctionName=about.placement.arn("lambda", name), Payload=payload.encode()
        )
    except botocore.exceptions.ClientError as error:
        if code_of(error) != _MISSING:
            raise
        raise IncidentError(
            f"the controller of {about.environment.name} has no alias {ControllerDoor.OFFICERS}: "
            "an earlier release is deployed, or none. Deploy the control stack; nothing was done"
        ) from error
    text = answer["Payload"].read()
    if answer.get("FunctionError"):
        said = text.decode(errors="replace")[:_SAID]
        raise IncidentError(
            f"the controller failed while asked to {action}: {said}. Its log group "
            "has the details; see python -m deploy.totals for what holds now"
        )
    try:
        found = read_object(text)
    except ValueError as error:
        raise _odd(action, error) from error
    if found.get("ok") is not True:
        error = found.get("error")
        said = error if isinstance(error, dict) else {}
        raise Refused(
            str(said.get("type", "StarburstError")), str(said.get("message", "without a reason"))
        )
    return found


def freezes(answer: Mapping[str, Any]) -> list[Freeze]:
    """Return what is frozen, by what the controller answered.

    Raises:
        IncidentError: the answer cannot be read.
    """
    return list(_read(Freeze, answer, "frozen"))


def scopes(answer: Mapping[str, Any]) -> list[Used]:
    """Return what is used of each total, by what the controller answered.

    Raises:
        IncidentError: the answer cannot be read.
    """
    return list(_read(Used, answer, "scopes"))


def queue(answer: Mapping[str, Any]) -> list[Waiting]:
    """Return who waits, by what the controller answered.

    Raises:
        IncidentError: the answer cannot be read.
    """
    return list(_read(Waiting, answer, "waiting"))


def _read(kind: Any, answer: Mapping[str, Any], part: str) -> Iterator[Any]:  # noqa: ANN401 - a dataclass
    known = {each.name for each in fields(kind)}
    found = answer.get(part)
    for entry in found if isinstance(found, list) else [found]:
        # A later release may say more.
        said = entry if isinstance(entry, dict) else {}
        try:
            yield fill(kind, {name: value for name, value in said.items() if name in known})
        except ValueError as error:
            raise _odd(part, error) from error


def _odd(what: str, error: Exception) -> IncidentError:
    return IncidentError(
        f"the controller's answer on {what} cannot be read ({error}). Use the release of these "
        "commands that is deployed; python -m deploy.totals --json prints what it says"
    )


def _when(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"
