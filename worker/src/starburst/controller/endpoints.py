"""The private endpoints, where they exist only while sessions run: opened, watched, closed.

One CloudFormation stack holds them. The controller changes its one parameter, never its template,
and CloudFormation's word on the stack is the truth; a note says what is wanted of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from botocore.exceptions import BotoCoreError, ClientError

from starburst.aws.calls import TROUBLE, code_of, words_of
from starburst.controller.state.documents import Conflict
from starburst.controller.state.endpoint_state import Note, Notes, Stored, Wish
from starburst.controller.state.environment import Environment
from starburst.errors import StarburstError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

__all__ = ["GRACE_SECONDS", "PARAMETER", "WAIT_MOST", "Endpoints", "EndpointsStuck", "Passage"]

PARAMETER: Final = "Bursting"
"""The stack's one parameter, ``on`` or ``off``."""

GRACE_SECONDS: Final = 600
"""So long after the last session they stay, so that the next one need not wait."""

WAIT_MOST: Final = 900
"""A session waits so long for them, then it fails with CloudFormation's reason."""

_DOUBT_SECONDS: Final = 90
"""Longer than an invocation lives, whose order to close may still be on its way."""

_PAUSES: Final = (0.1, 0.2, 0.4, 0.8)
_OPENING: Final = "opening the private endpoints, about a minute"
_CLOSING: Final = "waiting for the private endpoints to close, to open them again, some minutes"

State = Literal["open", "closed", "moving", "broken", "unknown"]


class EndpointsStuck(StarburstError):
    """The endpoints do not close, and cost money; people must look."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """Whether workers can be launched.

    Attributes:
        open: whether they can.
        waits: what for, where they cannot yet.
        since: since when, seconds since the epoch.
        failure: why they never will.
    """

    open: bool = False
    waits: str = ""
    since: float = 0
    failure: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sight:
    state: State
    words: str


class Endpoints:
    """The endpoints of one environment; always open where the environment keeps them.

    Args:
        environment: in which it acts.
        remembers: that they were found open, rather than look again for each session. For one sweep
            alone: none closes them while there are sessions.
    """

    def __init__(self, environment: Environment, *, remembers: bool = False) -> None:
        self._environment = environment
        self._remembers = remembers
        self._open = False
        self._notes = Notes(environment)

    def claim(self, session: str) -> None:
        """Say that a session wants them, after its record was written and before it looks."""
        if self._stack:
            self._claim(session)

    def passage(self, session: str, *, started: float, until: float) -> Passage:
        """Return whether workers of a session can be launched; open the endpoints if not.

        Args:
            session: its id.
            started: when the session was.
            until: nothing is waited for later.
        """
        if not self._stack or self._open:
            return Passage(open=True)
        note = self.read().note
        if note is None or note.wanted == "off" or note.idle_since is not None:
            note = self._claim(session)
        passage, ordered = self._pass(note, started=started)
        # A moment's patience saves a client its next look where CloudFormation is quick.
        for pause in _PAUSES if ordered else ():
            if passage.open or self._environment.clock() + pause >= until:
                break
            self._environment.pause(pause)
            passage, _ = self._pass(self.read().note or note, started=started)
        self._open = self._remembers and passage.open
        return passage

    def read(self) -> Stored:
        """Return the note; a sweep reads it before it lists the sessions."""
        return self._notes.read() if self._stack else Stored(note=None, etag=None)

    def keep(self, session: str, *, until: float) -> None:
        """Open them again where they were closed from outside under a session's workers."""
        if self._stack:
            self.passage(session, started=self._environment.clock(), until=until)

    def rest(self, stored: Stored) -> None:
        """Close them when no session has been there for a while; called where there is none.

        Args:
            stored: the note as it was before the sessions were listed.

        Raises:
            EndpointsStuck: they do not close, or what they do cannot be read.
        """
        if not self._stack:
            return
        try:
            self._rest(stored)
        except Conflict:
            # A session asked for them meanwhile.
            return

    def _rest(self, stored: Stored) -> None:
        note, now = stored.note, self._environment.clock()
        sight = self._look()
        if sight.state == "moving":
            return
        if sight.state in ("broken", "unknown"):
            raise EndpointsStuck(f"the private endpoints may be open for nobody: {sight.words}")
        closed = sight.state == "closed"
        if note is None:
            if not closed:
                self._notes.save(stored, Note(wanted="on", idle_since=now))
        elif note.wanted == "on" and note.idle_since is None:
            self._notes.save(stored, replace(note, idle_since=now))
        elif note.wanted == "on" and now - (note.idle_since or now) >= GRACE_SECONDS:
            self._notes.save(stored, Note(wanted="off", asked=now))
            if not closed:
                self._tell("off")
        elif note.wanted == "off" and not closed:
            self._close_again(stored, note, now=now)

    def _close_again(self, stored: Stored, note: Note, *, now: float) -> None:
        if now < max(note.not_before, note.asked + _DOUBT_SECONDS):
            return
        self._notes.save(stored, replace(note, asked=now, tries=note.tries + 1))
        reason = self._reason() or "CloudFormation gave no reason"
        self._tell("off")
        raise EndpointsStuck(f"the private endpoints did not close and are told again: {reason}")

    def _claim(self, session: str) -> Note:
        now = self._environment.clock()

        def claimed(note: Note | None) -> Note:
            claim = f"{session} {now}"
            if note is None:
                return Note(wanted="on", claim=claim)
            if note.wanted == "on":
                return replace(note, claim=claim, idle_since=None)
            return Note(wanted="on", claim=claim, doubtful_until=note.asked + _DOUBT_SECONDS)

        return self._notes.change(claimed)

    def _pass(self, note: Note, *, started: float) -> tuple[Passage, bool]:
        """Look once, do what is to be done, and return whether that was an order to open."""
        sight, now = self._look(), self._environment.clock()
        doubtful = now < note.doubtful_until
        if sight.state == "open" and not doubtful:
            if note.since is not None:
                self._notes.amend(since=None, tries=0, told=0, trouble="", doubtful_until=0.0)
            return Passage(open=True), False
        if note.since is None:
            note = self._notes.amend(since=now)
        since = max(note.since or now, started)
        if sight.state == "broken":
            return Passage(failure=f"the private endpoints cannot open; {sight.words}"), False
        if sight.state == "closed" and note.tries > note.told:
            note = self._notes.amend(told=note.tries, trouble=self._reason() or sight.words)
        if now - since >= WAIT_MOST:
            failure = (
                f"the private endpoints did not open within {WAIT_MOST // 60} minutes; "
                f"CloudFormation: {note.trouble or sight.words}"
            )
            return Passage(failure=failure), False
        ordered = sight.state == "closed" and now >= note.not_before
        if ordered:
            note = self._order_open(note)
        waits = _CLOSING if now < note.doubtful_until else _OPENING
        if note.trouble:
            waits = f"{_OPENING}, after try {note.told} failed ({note.trouble})"
        return Passage(waits=waits, since=since), ordered

    def _order_open(self, note: Note) -> Note:
        now = self._environment.clock()
        try:
            taken = self._order("on")
        except TROUBLE as error:
            tries = note.tries + 1
            return self._notes.amend(asked=now, tries=tries, told=tries, trouble=words_of(error))
        if not taken:
            return note
        # What was still to close has closed: CloudFormation would not have opened otherwise.
        return self._notes.amend(asked=now, tries=note.tries + 1, doubtful_until=0.0)

    def _tell(self, wish: Wish) -> None:
        try:
            self._order(wish)
        except TROUBLE as error:
            raise EndpointsStuck(
                f"the private endpoints cannot be turned {wish}: {words_of(error)}"
            ) from error

    def _order(self, wish: Wish) -> bool:
        """Have CloudFormation set the parameter; return False where it is set or being set."""
        try:
            self._formation.update_stack(
                StackName=self._stack,
                UsePreviousTemplate=True,
                Parameters=[{"ParameterKey": PARAMETER, "ParameterValue": wish}],
                RoleARN=self._environment.settings.endpoints_role,
            )
        except ClientError as error:
            words = words_of(error)
            if code_of(error) == "ValidationError" and (
                "No updates are to be performed" in words or "_IN_PROGRESS state" in words
            ):
                return False
            raise
        return True

    def _look(self) -> _Sight:
        try:
            stack = self._formation.describe_stacks(StackName=self._stack)["Stacks"][0]
        except ClientError as error:
            gone = code_of(error) == "ValidationError"
            return _Sight(state="broken" if gone else "unknown", words=words_of(error))
        except BotoCoreError as error:
            return _Sight(state="unknown", words=words_of(error))
        status = stack["StackStatus"]
        reason = stack.get("StackStatusReason", "")
        words = f"stack {self._stack} is {status}{': ' if reason else ''}{reason}"
        if status.endswith("_IN_PROGRESS"):
            return _Sight(state="moving", words=words)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
            return _Sight(state="broken", words=words)
        parameters = stack.get("Parameters", ())
        values = {p.get("ParameterKey"): p.get("ParameterValue") for p in parameters}
        return _Sight(state="open" if values.get(PARAMETER) == "on" else "closed", words=words)

    def _reason(self) -> str:
        """Return why the latest update failed: its first failure, which caused the others."""
        try:
            page = self._formation.describe_stack_events(StackName=self._stack)
        except TROUBLE as error:
            return words_of(error)
        found = ""
        for event in page["StackEvents"]:
            status = event.get("ResourceStatus", "")
            if status.endswith("_FAILED"):
                resource = event.get("LogicalResourceId", "")
                found = f"{resource}: {event.get('ResourceStatusReason', status)}"
            begun = status == "UPDATE_IN_PROGRESS" and "User" in event.get(
                "ResourceStatusReason", ""
            )
            if begun and event.get("LogicalResourceId") == self._stack:
                break
        return found

    @property
    def _stack(self) -> str:
        return self._environment.settings.endpoints_stack

    @property
    def _formation(self) -> CloudFormationClient:
        client = self._environment.clients.cloudformation
        if client is None:
            raise StarburstError("the controller has a stack of endpoints and no client for it")
        return client
