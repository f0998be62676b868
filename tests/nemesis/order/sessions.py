"""The order of what client and controller do to a session: each rule a function, as in ``work``."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from starburst.controller.workers import shortage

from .notes import Note, What
from .story import Story

__all__ = ["RULES"]

_FINAL: Final = ("ended", "failed")
_FIRST_PAUSE: Final = 30.0
_LONGEST_PAUSE: Final = 600.0
"""Of a fleet whose workers are lost one after the other, before they are replaced."""

Broken = Iterator[str]


def a_manifest_comes_first(story: Story) -> Broken:
    """The controller is asked to start a session once its manifest and the request are stored."""
    stored: set[str] = set()
    manifests: set[str] = set()
    for note in story.notes:
        if note.what is What.PUT:
            stored.add(note.key)
            if note.key.endswith("/manifest.json"):
                manifests.add(note.session)
        elif note.what is What.INVOKES:
            if note.key not in stored:
                yield f"{note.who} asked the controller with {note.key}, which it had not stored"
            if note.state == "start" and note.session not in manifests:
                yield f"{note.who} asked for a start before there was a manifest"


def a_pack_comes_before_its_messages(story: Story) -> Broken:
    """A client sends leases on chunks only of a pack that is stored."""
    stored: set[tuple[str, str]] = set()
    for note in story.notes:
        if note.what is What.PUT:
            stored.add((note.session, note.key.rpartition("/")[2]))
        elif note.what is What.SENT and note.who.startswith("client"):
            for chunk, _, _ in note.ranges:
                if (note.session, chunk.partition("-")[0]) not in stored:
                    yield f"{note.who} sent chunk {chunk} before its pack was stored"


def a_cancel_is_on_the_list_first(story: Story) -> Broken:
    """A client takes messages out of the queue only once the cancel list is written."""
    listed: set[str] = set()
    for note in story.notes:
        if note.what is What.PUT and "cancel" in note.key.rpartition("/")[2]:
            listed.add(note.session)
        elif note.what is What.DELETED and note.who.startswith("client"):
            for _ in {note.session} - listed:
                yield f"{note.who} took a message away with no cancel on the list"


def a_launch_is_written_down_first(story: Story) -> Broken:
    """ECS is asked for workers only after the record says so, with the wave of its token."""
    waves: defaultdict[str, set[int]] = defaultdict(set)
    for note in story.notes:
        if note.record is not None and note.record.launch is not None:
            waves[note.session].add(note.record.launch.wave)
        elif note.what is What.LAUNCHED and _wave(note) not in waves[note.session]:
            yield f"{note.who} launched {note.key}, which no record had spoken of"


def replacements_keep_their_distance(story: Story) -> Broken:
    """Where workers are lost again and again, each new launch waits longer than the one before."""
    for session, records in _records(story).items():
        setbacks, not_before = 0, 0.0
        for before, after in itertools.pairwise(records):
            old, new = before.record, after.record
            if new.lost > old.lost:
                setbacks += 1
            elif new.looked > max(not_before, old.not_before) and new.launch is None:
                setbacks = 0
            freed = "quota" in old.shortage and new.seconds > old.seconds
            if freed and old.waiting_since is not None:  # what one leaves another may have at once
                not_before = min(not_before, new.looked)
            if new.waves > old.waves:
                early = not_before - new.looked
                if early > 0:
                    yield f"{session} launched {early:.0f} s before its {setbacks} losses allow"
                pause = _FIRST_PAUSE * 2.0 ** min(setbacks - 2, 10) if setbacks > 1 else 0.0
                not_before = new.looked + min(_LONGEST_PAUSE, pause)


def refusals_keep_their_distance(story: Story) -> Broken:
    """Where ECS has no room, it is asked again only after a while, and ever later."""
    refused: dict[str, tuple[float, int]] = {}
    for note in story.notes:
        if note.record is not None:
            if note.record.shortages > refused.get(note.session, (0.0, 0))[1]:
                refused[note.session] = (note.at, note.record.shortages)
            elif note.record.shortages == 0:
                refused.pop(note.session, None)
        elif note.what is What.LAUNCHED and note.session in refused:
            since, times = refused[note.session]
            if note.at - since < shortage.pause(times) - 1.0:
                yield (
                    f"{note.who} asked for workers {note.at - since:.0f} s after refusal {times} "
                    "for want of room"
                )


def nobody_gets_more_workers_than_asked_for(story: Story) -> Broken:
    """A session never has more workers that stay than its record allows."""
    staying: defaultdict[str, set[str]] = defaultdict(set)
    most: dict[str, int] = {}
    for note in story.notes:
        if note.record is not None:
            most[note.session] = note.record.workers
        elif note.what is What.LAUNCHED:
            staying[note.session] |= {*note.tasks}
            if len(staying[note.session]) > most.get(note.session, 0):
                yield f"{note.session} has {len(staying[note.session])} workers after {note.key}"
        elif note.what in (What.TOLD_TO_STOP, What.ENDED):
            staying[note.session] -= {*note.tasks}


def nothing_begins_after_the_end(story: Story) -> Broken:
    """An invocation that began after a session's end launches nothing and makes no queue for it."""
    began: dict[str, int] = {}
    over: dict[str, int] = {}
    for place, note in enumerate(story.notes):
        if note.what is What.BEGAN:
            began[note.who] = place
        elif note.record is not None and note.record.final:
            over.setdefault(note.session, place)
        late = began.get(note.who, 0) > over.get(note.session, place)
        if late and note.what in (What.LAUNCHED, What.QUEUE_MADE):
            yield f"{note.who}: {note.what} for {note.session}, which had ended"


def a_queue_outlives_its_session(story: Story) -> Broken:
    """A session's queue goes, and its workers are stopped, only once its record says the end."""
    state: dict[str, str] = {}
    for note in story.notes:
        if note.record is not None:
            state[note.session] = note.record.state
        elif note.what in (What.QUEUE_GONE, What.TOLD_TO_STOP):
            lives = state.get(note.session, "unknown")
            if lives not in (*_FINAL, "unknown"):
                yield f"{note.who}: {note.what} while the record of {note.session} says {lives}"


def an_end_is_final(story: Story) -> Broken:
    """A record that says the end says nothing else afterwards."""
    for session, records in _records(story).items():
        for before, after in itertools.pairwise(records):
            old, new = before.record, after.record
            if old.final and (new.state, new.reason) != (old.state, old.reason):
                yield f"{session} was {old.state}, and then {new.state}: {new.reason}"


def a_record_replaces_what_was_read(story: Story) -> Broken:
    """The controller writes a record only over the one that it read, or where none is."""
    for _, note in story.where(What.PUT):
        if note.record is not None and "/active/" in note.key and not note.only_if:
            yield f"{note.who} wrote the record of {note.session} over whatever was there"


def the_word_of_the_end_stays(story: Story) -> Broken:
    """Who writes that a session lives, after its end, writes at once that it has ended."""
    over: dict[str, int] = {}
    for place, note in enumerate(story.notes):
        if note.record is not None and note.record.final:
            over.setdefault(note.session, place)
        if note.what is not What.PUT or not note.key.endswith("/status.json"):
            continue
        if note.session not in over or note.state in _FINAL:
            continue
        later = [n for n in story.notes[place + 1 :] if n.who == note.who]
        told = any(n.what is What.PUT and n.key == note.key and n.state in _FINAL for n in later)
        failed = any(n.what is What.OVER and n.state == "troubled" for n in later)
        if not (told or failed):
            yield f"{note.who} wrote that {note.session} is {note.state}, after its end"


def nothing_is_erased_unasked(story: Story) -> Broken:
    """A client erases a session's objects only where its user wanted that, or it never began."""
    wanted: set[str] = set()
    begun: set[str] = set()
    for note in story.notes:
        if note.what is What.WANTS_ERASED:
            wanted.add(note.session)
        elif note.record is not None:
            begun.add(note.session)
        elif note.what is What.ERASED and note.session in begun - wanted:
            yield f"{note.who} erased {note.key}, which nobody had asked for"


def after_the_end_a_client_rests(story: Story) -> Broken:
    """A client that was told that all is over stores, sends and asks nothing more."""
    over: set[tuple[str, str]] = set()
    for note in story.notes:
        if note.what is What.CLEANED_UP:
            over.add((note.who, note.session))
        elif (note.who, note.session) in over and note.what in (
            What.PUT,
            What.SENT,
            What.INVOKES,
        ):
            yield f"{note.who} {note.what} {note.key} after its clean-up"


RULES: Final = (
    a_manifest_comes_first,
    a_pack_comes_before_its_messages,
    a_cancel_is_on_the_list_first,
    a_launch_is_written_down_first,
    replacements_keep_their_distance,
    refusals_keep_their_distance,
    nobody_gets_more_workers_than_asked_for,
    nothing_begins_after_the_end,
    a_queue_outlives_its_session,
    an_end_is_final,
    a_record_replaces_what_was_read,
    the_word_of_the_end_stays,
    nothing_is_erased_unasked,
    after_the_end_a_client_rests,
)


def _wave(launch: Note) -> int:
    """Return the wave in a launch's token: ``<session>-<wave>-<batch>``."""
    return int(launch.key.split("-")[1])


def _records(story: Story) -> dict[str, list[Note]]:
    found: defaultdict[str, list[Note]] = defaultdict(list)
    for note in story.notes:
        if note.record is not None:
            found[note.session].append(note)
    return found
