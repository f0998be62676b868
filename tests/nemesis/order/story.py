"""Notes with what rules ask of them again and again: who holds what, what stands, what was sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .notes import Busy, Note, Notes, Range, What

__all__ = ["Hold", "Story", "within"]


@dataclass(slots=True)
class Hold:
    """A message in a worker's hands.

    Attributes:
        note: how it came.
        since, until: from when to when it was held; places in the story.
        let_go: how it went, or None where its worker ended with it.
    """

    note: Note
    since: int
    until: int
    let_go: Note | None = None


@dataclass
class Story:
    """A run's notes, in order."""

    notes: Sequence[Note]
    busy: Sequence[Busy] = ()
    _stands: dict[tuple[str, Range], tuple[int, tuple[Range, ...]]] = field(default_factory=dict)
    _sent: dict[tuple[str, Range], list[int]] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)

    def __post_init__(self) -> None:
        sent: defaultdict[tuple[str, Range], list[int]] = defaultdict(list)
        held: dict[tuple[str, str], Hold] = {}
        for place, note in enumerate(self.notes):
            match note.what:
                case What.PUT if note.ranges:
                    own, *children = note.ranges
                    self._stands.setdefault((note.session, own), (place, tuple(children)))
                case What.SENT:
                    for one in note.ranges:
                        sent[note.session, one].append(place)
                case What.RECEIVED:
                    hold = Hold(note=note, since=place, until=len(self.notes))
                    held[note.who, note.receipt] = hold
                    self.holds.append(hold)
                case What.DELETED | What.GIVEN_BACK if (note.who, note.receipt) in held:
                    hold = held.pop((note.who, note.receipt))
                    hold.until, hold.let_go = place, note
                case What.ENDED:
                    for who, receipt in [key for key in held if key[0] == note.who]:
                        held.pop((who, receipt)).until = place
        self._sent = dict(sent)

    @classmethod
    def of(cls, notes: Notes) -> Story:
        """Return the story that a run's notes tell."""
        return cls(notes.all, busy=notes.busy)

    def where(self, *kinds: What) -> Iterator[tuple[int, Note]]:
        """Yield notes of these kinds, each with its place."""
        return ((place, note) for place, note in enumerate(self.notes) if note.what in kinds)

    def between(self, since: int, until: int, who: str, *kinds: What) -> list[Note]:
        """Return what somebody did between two places, of these kinds."""
        return [n for n in self.notes[since:until] if n.who == who and n.what in kinds]

    def children(self, session: str, own: Range, *, before: int) -> tuple[Range, ...] | None:
        """Return what the node of a range hands on; None where none stood before."""
        place, children = self._stands.get((session, own), (before, ()))
        return children if place < before else None

    def was_sent(self, session: str, one: Range, *, before: int) -> bool:
        """Whether there ever was a message for a range."""
        return any(place < before for place in self._sent.get((session, one), ()))

    def held_by(self, who: str, place: int) -> list[Hold]:
        """Return what a worker holds at a place."""
        return [h for h in self.holds if h.note.who == who and h.since < place <= h.until]

    def away(self, who: str, since: float, until: float) -> float:
        """Return how long somebody waited for AWS between two moments."""
        spans = [
            (max(since, b.since), min(until, b.until))
            for b in self.busy
            if b.who == who and b.since < until and b.until > since
        ]
        total, reached = 0.0, since
        for begin, end in sorted(spans):
            total += max(0.0, end - max(begin, reached))
            reached = max(reached, end)
        return total


def within(inner: Range, outer: Range) -> bool:
    """Whether a range is part of another."""
    return inner[0] == outer[0] and outer[1] <= inner[1] and inner[2] <= outer[2]
