"""The client's words to the controller: start, refresh, extend, stop."""

from __future__ import annotations

import json
import secrets
import string
import uuid
from typing import TYPE_CHECKING, Any, Final, Literal

from starburst import errors
from starburst.contract import PROTOCOL, SessionKeys
from starburst.errors import SessionError, StarburstError

from .refusals import aws_errors
from .write_once import write_once

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["Control", "new_session_id"]

_ALPHABET: Final = string.ascii_lowercase + string.digits
_ID_LENGTH: Final = 20


def new_session_id() -> str:
    """Return a fresh id of 103 random bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))


class Control:
    """One session's line to the controller.

    A request that changes something is first written below the session's own prefix, where nobody
    but its user can write: that is the proof of who asks.
    """

    def __init__(self, connection: Connection, keys: SessionKeys) -> None:
        self._connection = connection
        self._keys = keys

    def start(self) -> str:
        """Have the session started; return its queue's URL. Safe to repeat.

        Raises:
            LimitExceeded: the manifest asks for more than the workspace grants.
        """
        return str(self._invoke("start", self._keys.manifest)["queue_url"])

    def refresh(self) -> None:
        """Have the status written anew, and lost workers replaced."""
        self._invoke("refresh", self._keys.manifest)

    def extend(self, deadline: float) -> float:
        """Ask for a later end (seconds since the epoch), within the workspace's limit.

        Returns:
            when it ends at the latest, by the controller's word.
        """
        return float(self._request("extend", deadline=deadline).get("deadline", deadline))

    def stop(self) -> None:
        """Have the session's workers stopped and its queue deleted. Safe to repeat."""
        self._request("stop")

    def _request(self, action: Literal["extend", "stop"], **terms: float) -> dict[str, Any]:
        key = self._keys.request(uuid.uuid4().hex)
        body = json.dumps({"protocol": PROTOCOL, "action": action, **terms}).encode()
        with aws_errors(f"ask the controller to {action} session {self._keys.session}"):
            write_once(self._connection.s3, self._connection.document.bucket, key, body=body)
        return self._invoke(action, key)

    def _invoke(self, action: str, key: str) -> dict[str, Any]:
        payload = json.dumps({"protocol": PROTOCOL, "action": action, "key": key}).encode()
        with aws_errors(f"ask the controller to {action} session {self._keys.session}"):
            response = self._connection.functions.invoke(
                FunctionName=self._connection.document.controller, Payload=payload
            )
        text = response["Payload"].read()
        if response.get("FunctionError"):
            raise SessionError(
                f"the controller failed while asked to {action} session {self._keys.session}: "
                f"{text.decode(errors='replace')[:500]}. Its log group has the details"
            )
        answer: dict[str, Any] = json.loads(text)
        if not answer.get("ok"):
            raise _refusal(answer.get("error") or {})
        return answer


def _refusal(error: dict[str, str]) -> StarburstError:
    kind = getattr(errors, str(error.get("type")), SessionError)
    if not (isinstance(kind, type) and issubclass(kind, StarburstError)):
        kind = SessionError
    return kind(str(error.get("message", "the controller refused without a reason")))
