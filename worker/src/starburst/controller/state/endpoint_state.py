"""The controller's note on the private endpoints: what is wanted of them, and what was tried.

It is changed by compare-and-set, so that no sweep closes what a session has just asked for.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

from starburst.contract import CONTROL_PREFIX, PROTOCOL
from starburst.untrusted.strict_json import Moment, Whole, fill, read_object

from .documents import Documents
from .environment import Environment

__all__ = ["NOTE", "Note", "Notes", "Stored", "Wish"]

NOTE: Final = f"{CONTROL_PREFIX}endpoints.json"
"""Key of the note."""

_LOG: Final = logging.getLogger(__name__)
_FIRST_PAUSE: Final = 60.0
_LONGEST_PAUSE: Final = 600.0

Wish = Literal["on", "off"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What is wanted of the endpoints, and what was tried.

    Moments are seconds since the epoch, by the controller's clock.

    Attributes:
        wanted: value of the stack's parameter.
        claim: the session that asked last; each claim must change the note.
        asked: when the stack was last told, or was about to be.
        tries: orders in a row that did not lead there.
        told: the try that ``trouble`` is about.
        trouble: CloudFormation's reason.
        since: since when a session waits for them; None once they are open.
        idle_since: since when there has been no session, or None.
        doubtful_until: an order to close may still arrive until then.
    """

    wanted: Wish
    claim: str = ""
    asked: Moment = 0
    tries: Whole = 0
    told: Whole = 0
    trouble: str = ""
    since: Moment | None = None
    idle_since: Moment | None = None
    doubtful_until: Moment = 0

    @property
    def not_before(self) -> float:
        """The moment from which the stack may be told again: each failure doubles the pause."""
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self.tries - 1, 10))
        pause = pause if self.tries else 0.0
        return self.asked + pause


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A note as it was read, with the ETag that a change must match; None where there is none.

    One that is damaged counts as none, and the next change replaces it.
    """

    note: Note | None
    etag: str | None


class Notes:
    """Where the note is.

    Args:
        environment: in which it acts.
    """

    def __init__(self, environment: Environment) -> None:
        self._documents = Documents(environment)

    def read(self) -> Stored:
        """Return the note as it is now."""
        found = self._documents.read(NOTE)
        if found is None:
            return Stored(note=None, etag=None)
        try:
            fields = read_object(found.body)
            fields.pop("protocol", None)
            return Stored(note=fill(Note, fields), etag=found.etag)
        except ValueError:
            _LOG.exception("the note on the endpoints is damaged; nothing in it is believed")
            return Stored(note=None, etag=found.etag)

    def amend(self, **fields: Any) -> Note:
        """Change some fields of the newest note."""
        return self.change(lambda note: replace(note or Note(wanted="on"), **fields))

    def change(self, change: Callable[[Note | None], Note]) -> Note:
        """Apply ``change`` to the newest note until it is written; None stands for none.

        Raises:
            Conflict: others were quicker every time.
        """

        def once() -> Note:
            stored = self.read()
            return self.save(stored, change(stored.note))

        return self._documents.insist(once, on="the note on the endpoints")

    def save(self, stored: Stored, note: Note) -> Note:
        """Replace exactly what was read; raise Conflict where another was quicker."""
        if note != stored.note:
            body = json.dumps({"protocol": PROTOCOL, **asdict(note)}, sort_keys=True).encode()
            self._documents.write(NOTE, body, replaces=stored.etag)
        return note
