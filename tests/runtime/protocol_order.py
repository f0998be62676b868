"""What must come before what: the protocol's order, to which the record of any run is held.

A message goes only once its range is settled: its node stands, and each part that the node leaves
to others has a message of its own or is settled; or all of it was sent anew; or the worker has said
why it is for nobody. A node is written where nothing stands, once. What was cancelled is not begun
by who has read so, nor what took its worker down run again before that is written down. A lease is
extended before it lapses. Who has ended does nothing more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from starburst._protocol.sealed.cancel_list import NOTHING_CANCELLED, CancelledTasks
from starburst._protocol.sealed.chunks import ChunkMessage, read_message
from starburst._protocol.sealed.result_nodes import attempt_name
from starburst.aws.calls import TAKEN
from starburst.contract import TAMPERING
from starburst.errors import IntegrityError

from .effects import Effect, Effects

__all__ = ["violations"]

_Range: TypeAlias = tuple[str, int, int]
_Place: TypeAlias = tuple[str, _Range]
"""A session, and a range of one of its chunks."""

_EXCUSES = (TAMPERING, "missing", "in hand", "turned down")
"""What a worker says of a range that it drops without a result."""

_ENDS = ("session ended", "stopped", "idle")


@dataclass
class _Held:
    """A message in a worker's hands."""

    who: str
    place: _Place | None
    deliveries: int
    since: int
    renewed: float
    given_back: bool = False


@dataclass
class _Checker:
    heartbeat: float | None
    held: dict[str, _Held] = field(default_factory=dict)
    nodes: dict[_Place, tuple[_Range, ...]] = field(default_factory=dict)
    sent: dict[_Place, int] = field(default_factory=dict)
    excused: dict[tuple[str, str], list[dict[str, object]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    cancelled: dict[str, CancelledTasks] = field(default_factory=dict)
    began: set[tuple[str, str]] = field(default_factory=set)
    met: set[tuple[str, _Place]] = field(default_factory=set)
    over: dict[str, str] = field(default_factory=dict)

    def begins(self, effect: Effect) -> Iterator[str]:
        who, over = effect.who, self.over.get(effect.who)
        if over == "end" and effect.what != "end":
            yield f"{who} has ended, and {effect.what}s something"
        if over is not None and effect.what == "receive":
            yield f"{who} asks for work after it said {over!r}"
        yield from self._renewals(effect)
        match effect.what:
            case "put":
                yield from self._put(effect)
            case "delete":
                yield from self._delete(effect)
            case "run":
                yield from self._run(effect)
            case "log":
                yield from self._log(effect)
            case "end":
                self.over[who] = "end"

    def ends(self, effect: Effect) -> None:
        who, facts = effect.who, effect.facts
        place = (effect.session, facts["range"]) if "range" in facts else None
        taken = effect.what == "put" and effect.error in TAKEN
        if place is not None and effect.what != "log" and (taken or not effect.error):
            self.met.add((who, place))
            if "children" in facts and not taken:
                self.nodes.setdefault(place, facts["children"])
        if effect.error:
            return
        if effect.what == "receive":
            for receipt, body, deliveries in facts["messages"]:
                self.held[receipt] = _Held(
                    who, _place(effect.session, body), deliveries, effect.ended, effect.until
                )
        elif effect.what == "send":
            for body in facts["bodies"]:
                sent = _place(effect.session, body)
                if sent is not None:
                    self.sent[sent] = effect.ended
        elif effect.what == "delete":
            self.held.pop(facts["receipt"], None)
        elif effect.what == "put":
            self.began.add((effect.session, facts["key"].rpartition(".")[0]))
        elif "cancelled" in facts:
            known = self.cancelled.get(who, NOTHING_CANCELLED)
            self.cancelled[who] = known.union(facts["cancelled"])

    def _put(self, effect: Effect) -> Iterator[str]:
        if "/results/" in effect.facts["key"] and not effect.facts["free"]:
            yield f"{effect.who} writes over what may stand at {effect.facts['key']}"

    def _delete(self, effect: Effect) -> Iterator[str]:
        held = self.held.get(effect.facts["receipt"])
        if held is None or held.place is None:
            return
        if held.given_back:
            yield f"{effect.who} deletes a message that it gave back: {_name(held.place)}"
        excuses = self.excused[effect.who, held.place[1][0]]
        if not self._settled(held.place, held.since) and not any(
            _fits(excuse, held.place) for excuse in excuses
        ):
            yield (
                f"{effect.who} deletes the message of {_name(held.place)}, "
                f"of which {self._unsettled(held.place)} is left"
            )

    def _settled(self, place: _Place, since: int = -1) -> bool:
        if self.sent.get(place, -2) > since:
            return True
        children = self.nodes.get(place)
        return children is not None and all(self._settled((place[0], c)) for c in children)

    def _unsettled(self, place: _Place) -> str:
        left = [c for c in self.nodes.get(place, ()) if not self._settled((place[0], c))]
        return ", ".join(f"{lo}-{hi}" for _, lo, hi in left) or "all"

    def _run(self, effect: Effect) -> Iterator[str]:
        facts, who = effect.facts, effect.who
        first, lo, hi = facts["first"], facts["lo"], facts["hi"]
        known = self.cancelled.get(who, NOTHING_CANCELLED)
        found = list(known.within(first + lo, first + hi))
        if found:
            yield f"{who} runs {found}, and has read that they are cancelled"
        held = self.held.get(facts["receipt"])
        if held is None or held.place is None or held.deliveries == 1:
            return
        session, (chunk, least, most) = held.place
        if most - least > 1 and held.place not in self.nodes:
            yield f"{who} runs {_name(held.place)} again, which took a worker down, and all of it"
        name = attempt_name(chunk, least, most, number=1).rpartition(".")[0]
        written = any(s == session and key.endswith(name) for s, key in self.began)
        if most - least == 1 and not written:
            yield f"{who} runs {_name(held.place)} again, and has not written that down"

    def _log(self, effect: Effect) -> Iterator[str]:
        said, facts = effect.facts["event"], effect.facts
        if said in _ENDS:
            self.over[effect.who] = said
        if said in _EXCUSES:
            chunk = str(facts.get("chunk") or facts.get("result") or "")
            self.excused[effect.who, chunk].append(facts)
        if said == "committed":
            lo, hi = facts["range"]
            place = (effect.session, (facts["chunk"], lo, hi))
            if (effect.who, place) not in self.met:
                yield f"{effect.who} says that it committed {_name(place)}, which it has not"

    def _renewals(self, effect: Effect) -> Iterator[str]:
        """Hold the heartbeats to their rhythm; an attempt that fails is one too."""
        if self.heartbeat is None:
            return
        for receipt, held in self.held.items():
            if held.who != effect.who or held.given_back or held.who in self.over:
                continue
            if effect.at - held.renewed > self.heartbeat:
                yield (
                    f"{held.who} has not extended a lease for {effect.at - held.renewed:.1f} s, "
                    f"and {effect.what}s something"
                )
            if effect.what == "extend" and effect.facts["receipt"] == receipt:
                held.renewed = effect.at
        if effect.what == "extend" and effect.facts["receipt"] in self.held:
            self.held[effect.facts["receipt"]].given_back = effect.facts["seconds"] == 0


def violations(effects: Effects, *, heartbeat: float | None = None) -> list[str]:
    """Return what came out of order, in words; nothing where all came in order.

    Args:
        effects: the record.
        heartbeat: how long a lease may go without an extension, of the record's seconds; None where
            these are a machine's, which may be slow.
    """
    checker = _Checker(heartbeat)
    moments = [(e.began, True, e) for e in list(effects.all)]
    moments += [(e.ended, False, e) for e in list(effects.all)]
    wrong: list[str] = []
    for _, begins, effect in sorted(moments, key=lambda each: each[:2]):
        if begins:
            wrong += checker.begins(effect)
        else:
            checker.ends(effect)
    return wrong


def _place(session: str, body: str) -> _Place | None:
    """Return the range that a message leases, if it leases one."""
    try:
        message = read_message(body)
    except IntegrityError:
        return None
    if not isinstance(message, ChunkMessage):
        return None
    return session, (message.chunk, message.lo, message.hi)


def _fits(excuse: dict[str, object], place: _Place) -> bool:
    _, (_, lo, hi) = place
    said = excuse.get("range")
    return said is None or (isinstance(said, list) and lo <= said[0] < said[1] <= hi)


def _name(place: _Place) -> str:
    chunk, lo, hi = place[1]
    return f"{chunk}/{lo}-{hi}"
