"""The sessions of one name, and which of their results are of calls that are to be made again."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from starburst._client.attaching import SessionSummary, attach_core, list_sessions
from starburst._client.resending.stored_inputs import read_chunks
from starburst._client.tasks.outcomes import Ended
from starburst.errors import SessionEnded, SessionNotFound

from .fingerprints import Contents

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst._client.options import SessionOptions
    from starburst._client.session_core import SessionCore

    from .fingerprints import Made

__all__ = ["LABEL", "Held", "look_for", "named"]

LABEL: Final = "starburst:resume"
MADE: Final = "starburst:made-of"
_OVER: Final = ("ended", "failed")


def named(name: str, made: Made, key: bytes) -> dict[str, str]:
    """Return the labels by which a session is found again."""
    return {LABEL: name, MADE: json.dumps(made.marks(key), sort_keys=True)}


@dataclass(slots=True)
class Held:
    """What was found.

    Attributes:
        results: by the position of their input.
        sessions: that they come from, newest first.
        moved: whether one comes from a task of another number, or of another seed than ``seed``.
        seed: of the newest session that has some.
        said: why sessions of the name have none, a sentence each.
    """

    results: dict[int, Any] = field(default_factory=dict)
    sessions: list[str] = field(default_factory=list)
    moved: bool = False
    seed: int | None = None
    said: list[str] = field(default_factory=list)

    def take(self, core: SessionCore, found: Mapping[int, int]) -> None:
        """Take results of a session, by the position of each input and the number of its task."""
        seed = core.manifest.seed
        if not found:
            return
        self.sessions.append(core.id)
        self.seed = seed if self.seed is None else self.seed
        for position, number in found.items():
            self.results[position] = core.tasks.outcome(number)[1]
            self.moved |= number != position or seed != self.seed


def look_for(
    connection: Connection,
    name: str,
    made: Made,
    inputs: Sequence[bytes],
    *,
    options: SessionOptions,
) -> Held:
    """Look into the sessions of a name, newest first; those that still run are stopped.

    Args:
        connection: where.
        name: of the sessions.
        made: what the calls are made of.
        inputs: their fingerprints.
        options: of the session that is to begin.
    """
    held, missing = Held(), _by_fingerprint(inputs)
    for summary in list_sessions(connection):
        if summary.manifest.labels.get(LABEL) != name or len(held.results) == len(inputs):
            continue
        if summary.manifest.results == "pickle" and options.results != "pickle":
            held.said.append(f"session {summary.id} has results that can run code: results='data'")
            continue
        try:
            core = attach_core(connection, summary.id, progress=False)
        except SessionNotFound:  # it has just expired
            continue
        try:
            _look_into(core, summary, held, missing, made=made, given_seed=options.seed)
        finally:
            core.detach(SessionEnded("its results were looked for, and it was let go"))
    return held


def _look_into(
    core: SessionCore,
    summary: SessionSummary,
    held: Held,
    missing: dict[bytes, deque[int]],
    *,
    made: Made,
    given_seed: int | None,
) -> None:
    if summary.state not in _OVER:
        core.clean_up(force=False, wait_for_workers=False)
        held.said.append(f"session {core.id} still ran, and was stopped")
    other = _difference(core, made)
    if other:
        held.said.append(f"session {core.id} had another {other}")
        return
    if given_seed is not None and core.manifest.seed != given_seed:
        held.said.append(f"session {core.id} had another seed")
        return
    core.collector.catch_up()
    found = {
        position: number
        for number, print_ in _prints(core)
        if core.tasks.outcome(number)[0] is Ended.RESULT
        and (position := _position(missing, print_, number, fixed=given_seed is not None))
        is not None
    }
    held.take(core, found)


def _difference(core: SessionCore, made: Made) -> str:
    try:
        there = json.loads(core.manifest.labels.get(MADE, "{}"))
    except ValueError:
        there = {}
    now = made.marks(core.key.data)
    return " and another ".join(name for name in now if there.get(name) != now[name])


def _prints(core: SessionCore) -> Iterator[tuple[int, bytes]]:
    contents = Contents(core.objects.read)
    entries = core.tasks.entries(range(len(core.tasks)))
    for chunk in read_chunks(core.connection, core.manifest.keys, entries, key=core.key):
        for number, data in enumerate(chunk.inputs, chunk.first):
            yield number, contents.of(data)


def _by_fingerprint(inputs: Sequence[bytes]) -> dict[bytes, deque[int]]:
    found: dict[bytes, deque[int]] = defaultdict(deque)
    for position, each in enumerate(inputs):
        found[each].append(position)
    return found


def _position(
    missing: Mapping[bytes, deque[int]], print_: bytes, number: int, *, fixed: bool
) -> int | None:
    """Take the place of an input that a task had: the task's own number where that is one."""
    places = missing.get(print_)
    if not places or (fixed and number not in places):
        return None
    if number in places:
        places.remove(number)
        return number
    return places.popleft()
