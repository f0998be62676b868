"""Asking the controller by the door that is for officers alone: freezes and totals (A1)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final, Literal

import botocore.exceptions

from deploy.incident.command import Clients, IncidentError, Scope
from starburst.admin import EVERYTHING, Freeze, Used, Waiting
from starburst.aws.calls import code_of
from starburst.contract import PROTOCOL, ControllerDoor, controller_name
from starburst.untrusted.strict_json import fill, read_object

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

Action = Literal["freeze", "sessions", "thaw", "totals"]
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
