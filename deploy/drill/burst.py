"""A burst as an analyst makes it: what an attacker comes for, and what must be there afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import starburst
from deploy.drill.stage import WORKSPACE, Stage
from starburst import Connection, Session
from starburst.contract.areas import HOME, SESSIONS

__all__ = ["Burst", "begin", "contents", "opened", "prefixes"]

NOTES: Final = b"what an analyst keeps between sessions\n"
_TASKS: Final = 4
_SECONDS: Final = 600
_CONTROLLERS_WORD: Final = "/status.json"
"""The controller writes it anew whenever a session changes, an incident's end included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """A session whose tasks are done, and whose worker waits for more.

    Attributes:
        connection: the analyst's.
        session: theirs.
        values: the results.
        result: the key of the object that holds them.
        notes: the key of a file in the analyst's home.
    """

    connection: Connection
    session: Session
    values: list[int]
    result: str
    notes: str

    def again(self) -> list[int]:
        """Read the results anew, as from another machine.

        Raises:
            IntegrityError: they are not what the workers wrote.
        """
        found = starburst.attach(self.session.id, self.connection, progress=False)
        try:
            return found.collect(timeout=_SECONDS)
        finally:
            found.detach()


def begin(stage: Stage, user: str) -> Burst:
    """Run a small burst as a user."""
    connection = starburst.connect("local", WORKSPACE, user=user)
    notes = f"{HOME.prefix(WORKSPACE, user)}notes.txt"
    connection.s3.put_object(Bucket=stage.bucket, Key=notes, Body=NOTES)
    session = opened(connection)
    session.map(abs, range(-_TASKS, 0))  # a function of this file would bring the whole kit along
    values = session.collect(timeout=_SECONDS)
    where = connection.keys(session.id).results
    page = stage.root("s3").list_objects_v2(Bucket=stage.bucket, Prefix=where)
    return Burst(
        connection=connection,
        session=session,
        values=values,
        result=page["Contents"][0]["Key"],
        notes=notes,
    )


def opened(connection: Connection) -> Session:
    """Start a session of one small worker, which stays while the drill lasts."""
    return starburst.session(
        connection, workers=1, cpu=0.25, memory=0.5, idle_timeout=600, progress=False
    )


def prefixes(user: str) -> list[str]:
    """Return where a user's objects are."""
    return [area.prefix(WORKSPACE, user) for area in (SESSIONS, HOME)]


def contents(stage: Stage, user: str) -> Mapping[str, str]:
    """Return the SHA-256 of what a reader finds in each of a user's objects, by key.

    The controller's word of a session is left out: the end of an incident changes it as well.
    """
    s3 = stage.root("s3")
    found: dict[str, str] = {}
    for prefix in prefixes(user):
        for page in s3.get_paginator("list_objects_v2").paginate(
            Bucket=stage.bucket, Prefix=prefix
        ):
            for one in page.get("Contents", ()):
                key = one["Key"]
                if not key.endswith(_CONTROLLERS_WORD):
                    body = s3.get_object(Bucket=stage.bucket, Key=key)["Body"].read()
                    found[key] = hashlib.sha256(body).hexdigest()
    return found
