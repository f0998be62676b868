"""The controller's note on the private endpoints: what is wanted of them, and what was tried.

Like the sessions' records it is changed by compare-and-set, so that no sweep closes what a session
has just asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

from botocore.exceptions import ClientError

from starburst.aws import code_of
from starburst.contract import CONTROL_PREFIX, PROTOCOL
from starburst.errors import StarburstError

from .site import Site

__all__ = ["NOTE", "Note", "Notes", "Outrun", "Stored", "Wish"]

NOTE: Final = f"{CONTROL_PREFIX}endpoints.json"
"""Key of the note."""

_FIRST_PAUSE: Final = 60.0
_LONGEST_PAUSE: Final = 600.0
_ATTEMPTS: Final = 8

Wish = Literal["on", "off"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What is wanted of the endpoints, and what was tried.

    Attributes:
        wanted: of the parameter.
        claim: the session that asked last; each claim must change the note.
        asked: when the stack was last told, or was about to be.
        tries: orders in a row that did not lead there.
        told: the try that ``trouble`` is about.
        trouble: CloudFormation's reason.
        since: since when a session waits for them; None once they are open.
        idle_since: since when no session is there, or None.
        doubtful_until: an order to close may still arrive until then.
    """

    wanted: Wish
    claim: str = ""
    asked: float = 0
    tries: int = 0
    told: int = 0
    trouble: str = ""
    since: float | None = None
    idle_since: float | None = None
    doubtful_until: float = 0

    @property
    def not_before(self) -> float:
        """When the stack may be told again: each failure doubles the pause."""
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (self.tries - 1)) if self.tries else 0.0
        return self.asked + pause


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A note as it was read, with the ETag that a change must match; both empty where none is."""

    note: Note | None
    etag: str


class Outrun(StarburstError):
    """Another invocation changed the note first."""


class Notes:
    """Where the note is.

    Args:
        site: where.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def read(self) -> Stored:
        """Return the note as it is now."""
        settings = self._site.settings
        try:
            answer = self._site.clients.s3.get_object(Bucket=settings.bucket, Key=NOTE)
        except ClientError as error:
            if code_of(error) in ("NoSuchKey", "404") or not self._listed():
                return Stored(note=None, etag="")
            raise
        fields: dict[str, Any] = json.loads(answer["Body"].read())
        fields.pop("protocol", None)
        return Stored(note=Note(**fields), etag=answer["ETag"])

    def amend(self, **fields: Any) -> Note:
        """Change some fields of the newest note."""
        return self.change(lambda note: replace(note or Note(wanted="on"), **fields))

    def change(self, change: Callable[[Note | None], Note]) -> Note:
        """Apply ``change`` to the newest note until it is written; None stands for none.

        Raises:
            Outrun: others were quicker every time.
        """
        for attempt in range(_ATTEMPTS):
            stored = self.read()
            try:
                return self.save(stored, change(stored.note))
            except Outrun:
                self._site.pause(0.02 * 2**attempt)
        raise Outrun(f"{NOTE} changed {_ATTEMPTS} times meanwhile")

    def save(self, stored: Stored, note: Note) -> Note:
        """Replace exactly what was read; raise Outrun where another was quicker."""
        if note == stored.note:
            return note
        condition = {"IfMatch": stored.etag} if stored.etag else {"IfNoneMatch": "*"}
        try:
            self._site.clients.s3.put_object(
                Bucket=self._site.settings.bucket,
                Key=NOTE,
                Body=json.dumps({"protocol": PROTOCOL, **asdict(note)}, sort_keys=True).encode(),
                ContentType="application/json",
                **condition,  # type: ignore[arg-type]
            )
        except ClientError as error:
            if code_of(error) in ("PreconditionFailed", "ConditionalRequestConflict", "412", "409"):
                raise Outrun(f"{NOTE} was changed by another invocation") from error
            raise
        return note

    def _listed(self) -> bool:
        page = self._site.clients.s3.list_objects_v2(
            Bucket=self._site.settings.bucket, Prefix=NOTE, MaxKeys=1
        )
        return page["KeyCount"] > 0
