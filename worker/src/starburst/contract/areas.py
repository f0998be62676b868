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
        writers, readers: purposes of the roles that may.
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
    writers=("analyst", "steward"),
    readers=("analyst", "steward", "worker"),
    kept="`storage.session_days` and twice `storage.packages_days`",
    sealed="no: public wheels, checked by hash",
    erased_by="a steward; `deploy.erase` of a workspace",
)
"""Wheels by their hash, written once. Who puts them there is the workspace's ``packages``."""

DATA: Final = Area(
    name="data",
    owner=("workspace",),
    writers=("analyst", "steward"),
    readers=("analyst", "steward", "worker"),
    kept="the workspace's `data_days`; without, until it is erased",
    sealed="no: the bucket's own key",
    erased_by="a steward; analysts where they write; `deploy.erase` of a workspace",
)
"""Data that several sessions of a workspace read, written by whom its ``data_writers`` names."""

HOME: Final = Area(
    name="home",
    owner=("workspace", "user"),
    writers=("analyst",),
    readers=("analyst",),
    kept="the workspace's `home_days`; without, until it is erased",
    sealed="no: the bucket's own key",
    erased_by="its user, `deploy.erase`",
)
"""What a user keeps between sessions, and nobody else reads."""

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
