"""The areas of the data bucket: every key begins with one of five names, then says whose it is.

The area comes first, so that each has its own lifetime and no user or workspace can be named like
one: a user called ``data`` owns ``sessions/<workspace>/data/`` and nothing below ``data/``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["AREAS", "CONTROL", "DATA", "HOME", "PACKAGES", "SESSIONS", "Area"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """One area of the data bucket.

    ``docs/key-layout.md`` shows all of it. The proofs have a table of their own.

    Attributes:
        name: the first part of its keys.
        owner: the parts that follow and say whose an object is.
        writers, readers: purposes of the roles that may; none while nothing uses the area.
        kept: how long objects live.
        sealed: what encrypts them, besides the bucket's own key.
        erased_by: who takes objects away before.
    """

    name: str
    owner: tuple[str, ...]
    writers: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    kept: str
    sealed: str
    erased_by: str

    def prefix(self, *owner: str) -> str:
        """Return what the keys of an owner begin with, with its closing slash.

        Example:
            >>> SESSIONS.prefix("genomics", "alice"), CONTROL.prefix()
            ('sessions/genomics/alice/', '_control/')
        """
        return "/".join((self.name, *owner, ""))


SESSIONS: Final = Area(
    name="sessions",
    owner=("workspace", "user", "session"),
    writers=("analyst", "controller", "worker"),
    readers=("analyst", "controller", "worker"),
    kept="`storage.session_days`",
    sealed="envelope, but for manifest, requests and status",
    erased_by="its user, `deploy.erase`; nobody while it is held",
)
"""What analysts send, workers answer, and the controller says of each session."""

PACKAGES: Final = Area(
    name="packages",
    owner=("workspace",),
    kept="until it is erased",
    sealed="no: public wheels, checked by hash",
    erased_by="nobody yet",
)
"""Wheels by their hash."""

DATA: Final = Area(
    name="data",
    owner=("workspace",),
    kept="until it is erased",
    sealed="no",
    erased_by="nobody yet",
)
"""Data that several sessions of a workspace read."""

HOME: Final = Area(
    name="home",
    owner=("workspace", "user"),
    kept="until it is erased",
    sealed="no",
    erased_by="nobody yet",
)
"""What a user keeps between sessions."""

CONTROL: Final = Area(
    name="_control",
    owner=(),
    writers=("controller",),
    readers=("controller",),
    kept="400 days after a session's end",
    sealed="no: there is no data in it",
    erased_by="controller",
)
"""The controller's own records."""

AREAS: Final = (SESSIONS, PACKAGES, DATA, HOME, CONTROL)
