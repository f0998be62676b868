"""Reading how a session stands, as the controller last wrote it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from starburst import errors
from starburst._protocol.status import StatusDocument
from starburst.aws.absence import is_listed
from starburst.errors import FleetFailed, SessionEnded, StarburstError

from .aws_errors import aws_errors

if TYPE_CHECKING:
    from starburst.contract import SessionKeys

    from .connection import Connection

__all__ = ["StatusReader", "why_over"]


def why_over(status: StatusDocument) -> StarburstError:
    """Return what ends the tasks of a session that is over, as its client raises it."""
    kind = getattr(errors, status.error, None) if status.error else None
    if isinstance(kind, type) and issubclass(kind, StarburstError):
        return kind(f"session {status.session} was not started: {status.reason}")
    kind = FleetFailed if status.state == "failed" else SessionEnded
    return kind(
        f"session {status.session} {status.state} before its tasks were done: {status.reason}. "
        f"What was done is kept: starburst.attach('{status.session}')"
    )


class StatusReader:
    """One session's status, read anew when asked for, and remembered.

    Attributes:
        latest: what the last reading found; None until there was something.
        erased: whether the session was seen to be erased, so that nothing is left to look at.
    """

    def __init__(self, connection: Connection, keys: SessionKeys) -> None:
        self._connection = connection
        self._keys = keys
        self.latest: StatusDocument | None = None
        self.erased = False

    def read(self) -> StatusDocument | None:
        """Return the latest status that the controller wrote; None where there is none now."""
        text = self._connection.read(self._keys.status, purpose="read the session's status")
        if text is None:
            return None
        with suppress(ValueError):  # not the controller's: the last one stands
            self.latest = StatusDocument.from_json(text)
        return self.latest

    def check_erased(self) -> bool:
        """Look whether the session was erased: its manifest is the first object and the last."""
        with aws_errors("look for the session's manifest"):
            self.erased = not is_listed(
                self._connection.s3, self._connection.document.bucket, self._keys.manifest
            )
        return self.erased
