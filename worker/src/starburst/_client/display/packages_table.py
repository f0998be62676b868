"""Packages as people read them: what would travel, what is missing, how large it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starburst._packages.plan import Plan
    from starburst._packages.store import Kept

__all__ = ["kept_lines", "megabytes", "plan_lines"]


_DIGITS: Final = 12
"""Of a hash: enough to name a wheel by, and few enough for a line."""


def megabytes(nbytes: int) -> str:
    """Return a size as people read it.

    Example:
        >>> megabytes(126_820), megabytes(84_000_000)
        ('0.1 MB', '84.0 MB')
    """
    return f"{nbytes / 1e6:,.1f} MB"


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield the lines of what would travel."""
    total = 0
    for each in plan.choices:
        kept = plan.kept.get(each.sha256)
        size = each.size if kept is None else kept.size
        total += size or 0
        if each.sha256 not in plan.copies:
            state = "there"
        else:
            state = "missing" if kept is None else "to renew"
        said = "?" if size is None else megabytes(size)
        yield f"{said:>10}  {state:8}  {each.name} {each.version}"
    for name, version in plan.in_image.items():
        yield f"{'-':>10}  {'image':8}  {name} {version}"
    for name, (asked, there) in plan.left_out.items():
        other = "" if asked == there else f", not {asked}: Starburst needs its own"
        yield f"{'-':>10}  {'image':8}  {name} {there}{other}"
    yield (
        f"{_count(len(plan.choices), 'package')} of {megabytes(total)} would travel to workers of "
        f"Python {plan.target.python} on {plan.target.machine}; of these "
        f"{_count(len(plan.missing), 'wheel')} of {megabytes(plan.missing_bytes)} would be sent to "
        "the workspace first."
    )


def kept_lines(found: Iterable[Kept]) -> Iterator[str]:
    """Yield the lines of what is in a workspace."""
    listed = list(found)
    for each in listed:
        written = each.written.astimezone(dt.UTC).strftime("%Y-%m-%d")
        name = f"{each.sha256[:_DIGITS]}.{each.copy:02d}  {each.filename or '?'}"
        yield f"{megabytes(each.size):>10}  {written}  {name}"
    yield f"{_count(len(listed), 'wheel')} of {megabytes(sum(each.size for each in listed))}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
