"""What failed, by kind, in a few lines: for whom one of many exceptions is raised."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from starburst.errors import TaskError
from starburst.untrusted.terminal_text import one_line

__all__ = ["add_once", "kind_of", "summary"]

_KINDS: Final = 5
_TEXT: Final = 120
_SUMMARY: Final = re.compile(r"[\d,]+ of [\d,]+ tasks failed: ")


def summary(failures: Sequence[tuple[int, BaseException]], *, total: int) -> str:
    """Say how many failed of what kinds, the most frequent first, with the first of each.

    Args:
        failures: numbers of tasks, and what each ended with.
        total: how many tasks there are.

    Example:
        >>> print(summary([(3, ValueError("no")), (4, OSError()), (8, ValueError("!"))], total=9))
        3 of 9 tasks failed: 2 ValueError, 1 OSError; the first of each:
          task 3: ValueError: no
          task 4: OSError
    """
    counts = dict[str, int]()
    firsts = dict[str, tuple[int, BaseException]]()
    for number, error in failures:
        kind = kind_of(error)
        counts[kind] = counts.get(kind, 0) + 1
        firsts.setdefault(kind, (number, error))
    kinds = sorted(counts, key=lambda kind: (-counts[kind], firsts[kind][0]))
    said = ", ".join(f"{counts[kind]:,} {kind}" for kind in kinds[:_KINDS])
    others = sum(counts[kind] for kind in kinds[_KINDS:])
    if others:
        said += f", and {others:,} of {len(kinds) - _KINDS:,} other kinds"
    lines = [f"{len(failures):,} of {total:,} tasks failed: {said}; the first of each:"]
    lines += _lines((kind, *firsts[kind]) for kind in kinds[:_KINDS])
    return "\n".join(lines)


def _lines(firsts: Iterable[tuple[str, int, BaseException]]) -> Iterable[str]:
    for kind, number, error in firsts:
        first_line = str(error).strip().partition("\n")[0]
        said = one_line(first_line, most=_TEXT)
        yield f"  task {number}: {kind}{f': {said}' if said else ''}"


def kind_of(error: BaseException) -> str:
    """Return the name of an exception's type, as it was where it was raised."""
    name = error.type_name if isinstance(error, TaskError) else ""
    return one_line(name.rpartition(".")[2] or type(error).__name__)


def add_once(error: BaseException, note: str) -> None:
    """Add a note in the place of an earlier one of the same kind: who asks again is told anew."""
    notes = getattr(error, "__notes__", [])
    error.__notes__ = [each for each in notes if not _SUMMARY.match(str(each))]
    error.add_note(note)
