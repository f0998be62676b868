"""A map that goes on where earlier ones of its name ended: what has a result is not made again."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starburst._client.tasks.chunking import Inputs
from starburst._functions.sharing import Sharing
from starburst.errors import ConfigurationError
from starburst.untrusted.terminal_text import one_line, tell

from .fingerprints import Contents
from .held import Held, look_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starburst._client.access.connection import Connection
    from starburst._client.options import SessionOptions

    from .fingerprints import Made

__all__ = ["Resumed", "check_name", "parts", "resume"]

_LONGEST: Final = 200


def check_name(name: object) -> None:
    """Refuse what is no name of a work that is to be resumed.

    Raises:
        ConfigurationError: it is no text, or too long.
    """
    if name is not None and not (isinstance(name, str) and 0 < len(name.strip()) <= _LONGEST):
        raise ConfigurationError(
            f"resume={name!r} is no name: give this work a text of {_LONGEST} characters at most, "
            "such as 'fit-2026', and give the same one to go on with it"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Resumed:
    """How a map begins that has a name.

    Attributes:
        name: its name.
        made: what its calls are made of.
        held: what is there already.
    """

    name: str
    made: Made
    held: Held

    def seed(self, given: int | None) -> int | None:
        """Return the seed with which the rest is as it would have been."""
        return self.held.seed if given is None and not self.held.moved else given


def resume(
    connection: Connection,
    name: str,
    made: Made,
    waiting: Iterable[Inputs],
    *,
    options: SessionOptions,
    sharing: Sharing,
) -> Resumed:
    """Look for what earlier maps of a name have done, and say what is there.

    Args:
        connection: where.
        name: of this work.
        made: what its calls are made of.
        waiting: all their inputs.
        options: of the session that is to begin.
        sharing: what the inputs share.
    """
    contents = Contents(sharing.parcel)
    prints = [contents.of(data) for each in waiting for data in each]
    held = look_for(connection, name, made, prints, options=options)
    _say(name, held, total=len(prints))
    return Resumed(name=name, made=made, held=held)


def _say(name: str, held: Held, *, total: int) -> None:
    found, notes = len(held.results), [*held.said]
    if not (found or notes):
        return
    where = f" (session {', '.join(held.sessions)})" if held.sessions else ""
    first = f"{found:,} of {total:,} results are there{where}, {total - found:,} are computed"
    with suppress(OSError, ValueError, AttributeError):  # nobody listens
        tell(one_line(f"starburst: resume={name!r}: {'; '.join([first, *notes])}"), sys.stderr)


def parts(waiting: deque[Inputs], found: Collection[int]) -> Iterator[tuple[range, Inputs | None]]:
    """Take out runs of inputs that are to be sent, or of which there are results.

    Yields:
        their positions, and the inputs; None for those that have results.
    """
    begin = 0
    while waiting:
        each = waiting.popleft()
        if not found:
            yield range(begin, begin + len(each)), each
            begin += len(each)
            continue
        while len(each):
            is_there = begin in found
            stop = begin + 1
            while stop < begin + len(each) and (stop in found) is is_there:
                stop += 1
            count = stop - begin
            part = each if count == len(each) else each.cut(count)
            each = Inputs() if part is each else each
            yield range(begin, stop), None if is_there else part
            begin = stop
