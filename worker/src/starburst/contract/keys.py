"""The S3 keys of a session, and of the controller's records of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .areas import CONTROL, SESSIONS
from .names import PRINCIPAL_NAME, SESSION_ID

__all__ = ["CONTROL_PREFIX", "SessionKeys"]

CONTROL_PREFIX: Final = CONTROL.prefix()
"""Keys of the controller's own records."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionKeys:
    """S3 keys of one session: ``sessions/<workspace>/<user>/<session>/…``.

    Example:
        >>> keys = SessionKeys(workspace="genomics", user="alice", session="a" * 20)
        >>> keys.manifest
        'sessions/genomics/alice/aaaaaaaaaaaaaaaaaaaa/manifest.json'
        >>> SessionKeys.parse(keys.request("0f")) == keys
        True
    """

    workspace: str
    user: str
    session: str

    @property
    def prefix(self) -> str:
        """The folder of the session, with its closing slash."""
        return SESSIONS.prefix(self.workspace, self.user, self.session)

    @property
    def manifest(self) -> str:
        """Written once by the client, read by the controller and by workers."""
        return f"{self.prefix}manifest.json"

    @property
    def status(self) -> str:
        """Written by the controller, read by the client and by workers."""
        return f"{self.prefix}status.json"

    @property
    def functions(self) -> str:
        """Prefix of sealed functions."""
        return f"{self.prefix}functions/"

    @property
    def inputs(self) -> str:
        """Prefix of sealed inputs too large for a message."""
        return f"{self.prefix}inputs/"

    @property
    def results(self) -> str:
        """Prefix of sealed results, each written once by a worker."""
        return f"{self.prefix}results/"

    @property
    def logs(self) -> str:
        """Prefix of sealed lines that tasks printed, each object written once by a worker."""
        return f"{self.prefix}logs/"

    @property
    def report(self) -> str:
        """Sealed record of how the session went, which a client writes where results are erased.

        Beside the requests, where clients may write; the controller reads none that it is not told.
        """
        return f"{self.prefix}requests/report"

    def request(self, nonce: str) -> str:
        """Return the key of a request to the controller; that the user could write it is proof."""
        return f"{self.prefix}requests/{nonce}.json"

    @property
    def control_record(self) -> str:
        """The controller's own record of a session that has not ended."""
        return f"{CONTROL_PREFIX}active/{self.session}.json"

    @property
    def ended_record(self) -> str:
        """The controller's own record of a session that has ended."""
        return f"{CONTROL_PREFIX}ended/{self.session}.json"

    @classmethod
    def parse(cls, key: str) -> SessionKeys | None:
        """Read the session out of any key below it; None if the key has another shape."""
        parts = key.split("/")
        if len(parts) < 5 or parts[0] != SESSIONS.name:  # noqa: PLR2004 - the layout above
            return None
        workspace, user, session = parts[1:4]
        well_formed = (
            PRINCIPAL_NAME.fullmatch(workspace)
            and PRINCIPAL_NAME.fullmatch(user)
            and SESSION_ID.fullmatch(session)
        )
        return cls(workspace=workspace, user=user, session=session) if well_formed else None
