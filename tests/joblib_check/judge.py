"""What came of some tests: how many passed of those that were asked, and whether that is enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

__all__ = ["BEYOND", "LEAST", "details", "is_enough", "share", "table"]

LEAST: Final = 0.99
BEYOND: Final = "beyond"
"""How a kind begins that is told and not judged: joblib never meant its tests for us."""

_COLUMNS: Final = ("collected", "skipped", "deselected", "failed", "passed")


def share(counts: Mapping[str, Any]) -> float:
    """Return the part that passed, of all but those that skip themselves; 0 where there are none.

    Deselected ones, and those that never ran, count as failed.
    """
    asked = len(counts["collected"]) - len(counts["skipped"])
    return len(counts["passed"]) / asked if asked > 0 else 0.0


def is_enough(kind: str, counts: Mapping[str, Any]) -> bool:
    """Whether as many passed as must."""
    return kind.startswith(BEYOND) or share(counts) >= LEAST


def table(rows: Iterable[tuple[str, str, Mapping[str, Any]]]) -> Iterator[str]:
    """Yield the lines of a table.

    Args:
        rows: for each list of tests what to call it, its kind, and what came of it.
    """
    listed = [*rows]
    width = max((len(name) for name, _, _ in listed), default=0)
    yield " " * width + "".join(f"{each:>12}" for each in _COLUMNS) + "   share"
    for name, kind, counts in listed:
        cells = "".join(f"{len(counts[column]):>12,}" for column in _COLUMNS)
        verdict = (
            "told" if kind.startswith(BEYOND) else "good" if is_enough(kind, counts) else "BAD"
        )
        yield f"{name:{width}}{cells}{share(counts):>8.1%}  {verdict}"


def details(counts: Mapping[str, Any]) -> Iterator[str]:
    """Yield what did not simply pass, and why."""
    ran = {*counts["passed"], *counts["failed"], *counts["skipped"], *counts["deselected"]}
    for name in counts["failed"]:
        yield f"  failed      {name}"
    for name in counts["collected"]:
        if name not in ran:
            yield f"  never ran   {name}"
    for name, why in counts["deselected"].items():
        yield f"  deselected  {name}: {why}"
    for why, number in Counter(counts["skipped"].values()).most_common():
        yield f"  skipped     {number} by themselves: {why}"
    if counts["late"]:
        yield f"  late        {len(counts['late'])} scripts took longer than their test gives them"
