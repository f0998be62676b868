"""What a run's processes did, one note after another, each in the run's own time.

A note is made where the fakes of AWS answer, under the lock that orders them: so what stands
earlier took effect earlier, whatever its caller was told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

__all__ = ["Busy", "Note", "Notes", "Range", "What"]

Range: TypeAlias = tuple[str, int, int]
"""A chunk's name, its first leased task, and the end of them."""


class What(StrEnum):
    """Kinds of notes; each took effect, but for what is only asked."""

    # S3: an object, by its key.
    PUT = "put"
    ERASED = "erased"
    # SQS: of workers and clients.
    SENT = "sent"
    RECEIVED = "received"
    KEEPS = "asks to keep"
    GIVEN_BACK = "given back"
    DELETED = "deleted"
    QUEUE_MADE = "queue made"
    QUEUE_GONE = "queue gone"
    # ECS: of the controller, and a task's own life.
    LAUNCHED = "launched"
    TOLD_TO_STOP = "told to stop"
    ENDED = "ended"
    # A worker's: its beginning, its child, its signals, its log.
    READY = "is ready"
    GIVEN = "gives its child a range"
    ANSWERED = "child is through"
    DIED = "child died"
    BURIED = "ends its child"
    SIGTERM = "hears SIGTERM"
    STRUCK = "is killed"
    LOGGED = "logs"
    # Invocations of the controller.
    BEGAN = "invocation began"
    OVER = "invocation over"
    # What the session's user does.
    INVOKES = "invokes"
    WANTS_ERASED = "wants all erased"
    CLEANED_UP = "was told that all is over"


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """One thing that happened.

    Attributes:
        at: seconds since the run began.
        who: a client, a worker, or an invocation of the controller, by its number.
        what: of which kind.
        session: whose it is.
        key: of the object; of a launch, its token; of a log line, its event.
        ranges: leased, sent, or of a node: its own, then those that it hands on.
        receipt: of a message.
        count: deliveries of a message, or workers of a launch.
        task: that a child was in as it died, numbered within its chunk; where its worker ended it,
            only of one whose time was over.
        again: a message that was sent because nothing moved, or a request to send such.
        tasks: ARNs of ECS.
        record: the controller's record, as it was written.
        state: of the session, as a record or a status that was written says.
        only_if: the condition of a write.
        background: done by the thread that commits, not by the one that keeps leases.
    """

    at: float
    who: str
    what: What
    session: str = ""
    key: str = ""
    ranges: tuple[Range, ...] = ()
    receipt: str = ""
    count: int = 0
    task: int = -1
    again: bool = False
    tasks: tuple[str, ...] = ()
    record: Any = None
    state: str = ""
    only_if: str = ""
    background: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Busy:
    """A call to AWS that took its time, from its first try to its last."""

    who: str
    since: float
    until: float


@dataclass
class Notes:
    """The notes of a run; may be written by all of its threads.

    Args:
        now: the run's time.
    """

    now: Callable[[], float]
    all: list[Note] = field(default_factory=list)
    busy: list[Busy] = field(default_factory=list)
    on: Callable[[Note], None] = lambda _: None
    _here: threading.local = field(default_factory=threading.local)

    def add(self, who: str, what: What, **about: Any) -> None:
        """Note what happened just now."""
        note = Note(at=self.now(), who=who, what=what, background=_in_background(), **about)
        self.all.append(note)
        self.on(note)

    def be(self, who: str) -> None:
        """Say whose thread this is."""
        self._here.who = who

    @property
    def who(self) -> str:
        """Whose thread this is, as it said last."""
        return getattr(self._here, "who", "")

    def called(self, who: str, since: float) -> None:
        """Note a call that has come back, where it took time from who keeps leases."""
        now = self.now()
        if now > since and not _in_background():
            self.busy.append(Busy(who=who, since=since, until=now))


_BACKGROUND: Final = ("starburst-commit", "starburst-requeue", "starburst-watch")


def _in_background() -> bool:
    return threading.current_thread().name.startswith(_BACKGROUND)
