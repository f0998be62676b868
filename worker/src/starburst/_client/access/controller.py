"""What the client asks of the controller: start, refresh, extend, stop, totals."""

from __future__ import annotations

import json
import secrets
import string
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from starburst import errors
from starburst._functions.caller import warn
from starburst.aws.write_once import write_once
from starburst.contract import PROTOCOL, SessionKeys
from starburst.errors import SessionError, StarburstError
from starburst.untrusted.strict_json import Moment, fill, read_object
from starburst.untrusted.terminal_text import one_line

from .aws_errors import aws_errors

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["Control", "new_session_id"]

_ALPHABET: Final = string.ascii_lowercase + string.digits
_ID_LENGTH: Final = 20
Action = Literal["start", "refresh", "extend", "stop", "totals"]


def new_session_id() -> str:
    """Return a fresh id of 103 random bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))


class Control:
    """One session's line to the controller.

    Each request is first written below the session's own prefix, where its user alone can write:
    that is the proof of who asks.
    """

    def __init__(self, connection: Connection, keys: SessionKeys) -> None:
        self._connection = connection
        self._keys = keys
        self._refresh: tuple[str, float] | None = None

    def start(self) -> str:
        """Have the session started; return its queue's URL. Safe to repeat.

        Raises:
            LimitExceeded: the manifest asks for more than the workspace grants.
            ImageRefused: the worker image has a finding, or too little is known of it.
        """
        answer = self._request("start")
        if answer.get("warning"):
            warn(one_line(answer["warning"], most=2_000), UserWarning)
        url = answer.get("queue_url")
        if type(url) is not str:
            raise SessionError(_odd("start", self._keys))
        return url

    def refresh(self) -> None:
        """Have the status written anew, and lost workers replaced."""
        now = time.time()
        serves = self._connection.timings.refresh_request_seconds
        if self._refresh is None or not 0 <= now - self._refresh[1] < serves:
            self._refresh = (self._write("refresh"), now)
        self._invoke("refresh", self._refresh[0])

    def extend(self, deadline: float) -> float:
        """Ask for a later end (seconds since the epoch), within the workspace's limit.

        Returns:
            when it ends at the latest, as the controller answered.
        """
        answer = self._request("extend", deadline=deadline)
        try:
            return fill(_Extended, {"deadline": answer.get("deadline", deadline)}).deadline
        except ValueError:
            raise SessionError(_odd("extend", self._keys)) from None

    def stop(self) -> None:
        """Have the session's workers stopped and its queue deleted. Safe to repeat."""
        self._request("stop")

    def totals(self) -> dict[str, Any]:
        """Ask who holds what of the totals; what asks is erased by who made these keys."""
        return self._request("totals")

    def _request(self, action: Action, **terms: float) -> dict[str, Any]:
        return self._invoke(action, self._write(action, **terms))

    def _write(self, action: Action, **terms: float) -> str:
        key = self._keys.request(uuid.uuid4().hex)
        body = json.dumps({"protocol": PROTOCOL, "action": action, **terms}).encode()
        with aws_errors(self._purpose(action)):
            write_once(self._connection.s3, self._connection.document.bucket, key, body=body)
        return key

    def _invoke(self, action: Action, key: str) -> dict[str, Any]:
        payload = json.dumps({"protocol": PROTOCOL, "action": action, "key": key}).encode()
        with aws_errors(self._purpose(action)):
            response = self._connection.functions.invoke(
                FunctionName=self._connection.document.controller, Payload=payload
            )
            text = response["Payload"].read()  # an answer may break off in its middle
        if response.get("FunctionError"):
            said = one_line(text.decode(errors="replace"), most=500)
            raise SessionError(
                f"the controller failed; cannot {self._purpose(action)}: {said}. Its log group has "
                "the details"
            )
        try:
            answer = read_object(text)
        except ValueError as error:
            raise SessionError(_odd(action, self._keys)) from error
        if answer.get("ok") is not True:
            raise _as_error(answer.get("error"))
        return answer

    def _purpose(self, action: Action) -> str:
        if action == "totals":
            return "ask the controller who holds what"
        return f"ask the controller to {action} session {self._keys.session}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Extended:
    deadline: Moment


def _odd(action: Action, keys: SessionKeys) -> str:
    return (
        f"the controller's answer to {action} of session {keys.session} cannot be read. Is the "
        "client of this environment's release installed?"
    )


def _as_error(error: object) -> StarburstError:
    if not isinstance(error, dict):
        error = {}
    kind = getattr(errors, str(error.get("type")), SessionError)
    if not (isinstance(kind, type) and issubclass(kind, StarburstError)):
        kind = SessionError
    return kind(one_line(error.get("message", "the controller refused without a reason")))
