"""The order of a worker's effects: each rule a function, and what it holds in its first line."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from starburst.contract import TAMPERING
from starburst.contract.times import GRACE_SECONDS, LEASE_SECONDS, RECOVERY_SECONDS

from .notes import Note, Range, What
from .story import Hold, Story, within

__all__ = ["RULES"]

_TICK_SECONDS: Final = 4.0
"""Between two looks of a worker after its leases, in the run's time: two of its own, at most."""

_LOST: Final = frozenset({TAMPERING, "missing", "in hand", "turned down"})
"""What a worker logs where it drops a message of which nothing can or need be committed."""

_TROUBLE: Final = frozenset({"trouble", "overtaken", "turned down", "session ended", "stopped"})
"""What a worker logs where it no longer waits for its child."""

Broken = Iterator[str]


def a_message_goes_last(story: Story) -> Broken:
    """A message goes only after its range is committed, and all that this leaves is handed on."""
    for place, note in story.where(What.DELETED):
        hold = _hold(story, place, note)
        if hold is None or not hold.note.ranges or not note.who.startswith("worker"):
            continue  # a request to send again, or what a client cancelled
        own, session = hold.note.ranges[0], note.session
        children = story.children(session, own, before=place)
        if _released(story, hold, place) or _dropped(story, hold, place):
            continue
        if children is None:
            yield f"{note.who} deleted the message of {_named(own)}, which nobody had committed"
            continue
        for child in children:
            if story.children(session, child, before=place) is not None:
                continue
            if not story.was_sent(session, child, before=place):
                yield (
                    f"{note.who} deleted the message of {_named(own)} before anybody was sent "
                    f"{_named(child)}, which it leaves"
                )


def what_is_handed_on_was_committed_first(story: Story) -> Broken:
    """A worker sends a range that it was not given only after a node that leaves it stands."""
    left: set[tuple[str, Range]] = set()
    for place, note in enumerate(story.notes):
        if note.what is What.PUT:
            left.update((note.session, child) for child in note.ranges[1:])
        elif note.what is What.SENT and note.who.startswith("worker"):
            holds = story.held_by(note.who, place)
            own = [h.note.ranges[0] for h in holds if h.note.ranges]
            asked = any(h.note.again and not h.note.ranges for h in holds)
            for one in note.ranges:
                if (
                    (note.session, one) not in left
                    and one not in own
                    and not (note.again and asked)
                ):
                    yield f"{note.who} sent {_named(one)}, which no node leaves to others"


def only_what_is_held_is_committed(story: Story) -> Broken:
    """A worker commits only what it was given and has not let go of."""
    for place, note in story.where(What.PUT):
        if not note.ranges or not note.who.startswith("worker"):
            continue
        holds = story.held_by(note.who, place)
        if not any(h.note.ranges and within(note.ranges[0], h.note.ranges[0]) for h in holds):
            yield f"{note.who} committed {_named(note.ranges[0])} and does not hold it"


def a_lease_is_kept(story: Story) -> Broken:
    """While its child runs a range, a worker asks to keep the lease each third of it."""
    longest = LEASE_SECONDS / 3 + _TICK_SECONDS
    for hold, since, until in _runs(story):
        began, ended = story.notes[since], _at(story, until)
        asked = [
            note.at
            for note in story.between(since, until, began.who, What.KEEPS)
            if note.receipt == hold.note.receipt
        ]
        moments = [max(began.at, hold.note.at), *asked, ended]
        for before, after in itertools.pairwise(moments):
            gap = after - before - story.away(began.who, before, after)
            if gap > longest:
                yield (
                    f"{began.who} ran {_named(hold.note.ranges[0])} for {gap:.0f} s without asking "
                    f"to keep its lease of {LEASE_SECONDS} s"
                )


def a_child_has_one_range_at_a_time(story: Story) -> Broken:
    """A child is given a range only once it is through with the one before, or another child is."""
    at_work: dict[str, Note] = {}
    for _, note in story.where(
        What.GIVEN, What.ANSWERED, What.DIED, What.BURIED, What.ENDED, What.STRUCK
    ):
        if note.what is not What.GIVEN:
            at_work.pop(note.who, None)
            continue
        before = at_work.get(note.who)
        if before is not None:
            yield (
                f"{note.who} gave its child {_named(note.ranges[0])} while it was still at "
                f"{_named(before.ranges[0])}"
            )
        at_work[note.who] = note


def a_stopping_worker_has_its_grace(story: Story) -> Broken:
    """A worker that is told to stop lets its child end the task that it is in, within the grace."""
    for place, told in story.where(What.SIGTERM):
        for note in _of(story, told.who, since=place + 1):
            if note.what in (What.STRUCK, What.ENDED) or _is_trouble(note):
                break
            late = note.at - told.at
            if note.what is What.BURIED and note.task < 0 and late < GRACE_SECONDS:
                yield (
                    f"{told.who} was told to stop, and ended its child in the middle of a task "
                    f"{late:.0f} s later; it has {GRACE_SECONDS} s"
                )
                break


def who_saw_a_crash_sees_to_its_task(story: Story) -> Broken:
    """A task that took its process down is left to others by nobody who knows of that."""
    for place, died in story.where(What.DIED):
        earlier = story.between(0, place, died.who, What.SIGTERM)
        hold = next(iter(_holding(story, place, died)), None)
        if hold is None or earlier:
            continue
        for note in _of(story, died.who, since=place + 1, upto=hold.until):
            if note.what in (What.SIGTERM, What.STRUCK) or _is_trouble(note):
                break
            theirs = [
                one
                for one in note.ranges
                if one[0] == died.ranges[0][0] and one[1] <= died.task < one[2]
            ]
            if note.what is What.RECEIVED and theirs:  # it has come again, to be cut
                break
            for one in theirs if note.what is What.SENT and not note.again else ():
                if one != hold.note.ranges[0]:  # all of it goes back where AWS fails its worker
                    yield (
                        f"{died.who} saw task {died.task} of {one[0]} take its process down, and "
                        f"left it to others with {_named(one)}"
                    )


def a_later_attempt_is_written_down_first(story: Story) -> Broken:
    """A task that comes again is run only after the attempt at it was written down."""
    for hold, since, _ in _runs(story):
        own, given = hold.note.ranges[0], story.notes[since]
        if hold.note.count < 2 or given.ranges[0] != own or own[2] - own[1] > 1:
            continue
        name = f"/{own[0]}/{own[1]:06d}-{own[2]:06d}."
        before = story.between(0, since, given.who, What.PUT)
        if not any(name in note.key for note in before):
            yield f"{given.who} ran {_named(own)} once more and had not written that down"


def what_took_a_worker_down_is_cut(story: Story) -> Broken:
    """A range of several tasks that comes again is cut up, and not run once more as it is."""
    for hold, since, _ in _runs(story):
        own = hold.note.ranges[0]
        if hold.note.count > 1 and own[2] - own[1] > 1:
            yield f"{story.notes[since].who} ran {_named(own)} at its delivery {hold.note.count}"


def what_the_dead_held_comes_back_in_time(story: Story) -> Broken:
    """A killed worker's range is leased by one that waits within a lease and a heartbeat."""
    for place, struck in story.where(What.STRUCK):
        for hold in story.held_by(struck.who, place):
            own = hold.note.ranges[:1]
            after = [
                (later, note)
                for later, note in story.where(What.RECEIVED)
                if later > place and note.receipt != hold.note.receipt and note.ranges[:1] == own
            ]
            if not own or not after:
                continue
            later, came = after[0]
            late = came.at - struck.at - RECOVERY_SECONDS
            if late > 0 and _waited(story, came.who, place, later):
                yield f"{_named(own[0])} came back {late:.0f} s late after {struck.who} was killed"


def the_dead_do_nothing(story: Story) -> Broken:
    """Once ECS says that a task has ended, its worker does nothing more."""
    ended: set[str] = set()
    for note in story.notes:
        if note.what is What.ENDED:
            ended.add(note.who)
        elif note.who in ended and note.what is not What.BURIED:
            yield f"{note.who} {note.what} {note.key or note.receipt} after its end"


RULES: Final = (
    a_message_goes_last,
    what_is_handed_on_was_committed_first,
    only_what_is_held_is_committed,
    a_lease_is_kept,
    a_child_has_one_range_at_a_time,
    a_stopping_worker_has_its_grace,
    who_saw_a_crash_sees_to_its_task,
    a_later_attempt_is_written_down_first,
    what_took_a_worker_down_is_cut,
    what_the_dead_held_comes_back_in_time,
    the_dead_do_nothing,
)

_CHILD_RESTS: Final = (What.ANSWERED, What.DIED, What.BURIED)


def _named(one: Range) -> str:
    return f"tasks {one[1]}-{one[2]} of {one[0]}"


def _of(story: Story, who: str, *, since: int = 0, upto: int | None = None) -> Iterator[Note]:
    return (note for note in story.notes[since:upto] if note.who == who)


def _at(story: Story, place: int) -> float:
    return story.notes[min(place, len(story.notes) - 1)].at


def _hold(story: Story, place: int, deleted: Note) -> Hold | None:
    return next(
        (h for h in story.holds if h.let_go is deleted and h.until == place),
        None,
    )


def _released(story: Story, hold: Hold, place: int) -> bool:
    """Whether a worker queued anew what the message was for."""
    sent = story.between(hold.since, place, hold.note.who, What.SENT)
    return any(hold.note.ranges[0] in note.ranges for note in sent)


def _dropped(story: Story, hold: Hold, place: int) -> bool:
    """Whether a worker said why there is nothing to commit: forged, missing, in hand, refused."""
    said = story.between(hold.since, place, hold.note.who, What.LOGGED)
    return any(note.key in _LOST or note.again for note in said)


def _waited(story: Story, who: str, since: int, until: int) -> bool:
    """Whether a worker waited for work all the time: it did nothing, for its queue had nothing."""
    began = next((place for place, note in enumerate(story.notes) if note.who == who), until)
    away = story.away(who, story.notes[since].at, story.notes[until].at)
    return began < since and not story.between(since + 1, until, who, *What) and away == 0


def _is_trouble(note: Note) -> bool:
    return note.what is What.LOGGED and note.key in _TROUBLE


def _holding(story: Story, place: int, run: Note) -> list[Hold]:
    """Return what the worker of a run holds it by."""
    return [
        hold
        for hold in story.held_by(run.who, place)
        if hold.note.ranges and within(run.ranges[0], hold.note.ranges[0])
    ]


def _runs(story: Story) -> Iterator[tuple[Hold, int, int]]:
    """Walk the runs of children: what their worker held, and where each began and ended."""
    for place, given in story.where(What.GIVEN):
        holds = _holding(story, place, given)
        if not holds:
            continue
        until = next(
            (
                later
                for later, note in enumerate(story.notes[place + 1 :], place + 1)
                if note.who == given.who and note.what in (*_CHILD_RESTS, What.STRUCK, What.ENDED)
            ),
            len(story.notes),
        )
        yield holds[-1], place, until
