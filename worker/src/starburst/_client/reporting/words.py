"""Numbers of a report as people read them. Pure."""

from __future__ import annotations

import time
from typing import Final

__all__ = [
    "about",
    "clock",
    "count",
    "dollars",
    "duration",
    "memory",
    "percent",
    "several",
]

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400
_GIB: Final = 1024
_TENTH: Final = 0.1
_LEAST_USD: Final = 0.0001


def duration(seconds: float) -> str:
    """Return a time as people say it.

    Example:
        >>> [duration(each) for each in (0.00002, 0.25, 3.21, 74, 7380, 200_000)]
        ['20 µs', '250 ms', '3.2 s', '1 min 14 s', '2 h 3 min', '2 d 7 h']
    """
    if seconds < _TENTH / 100:
        return f"{seconds * 1e6:.0f} µs" if seconds else "0 s"
    if seconds < 1:
        return f"{seconds * 1e3:.{2 if seconds < _TENTH else 3}g} ms"
    if seconds < 10:  # noqa: PLR2004 - one place more below ten
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    for large, small, names in (
        (_MINUTE, 1, ("min", "s")),
        (_HOUR, _MINUTE, ("h", "min")),
        (_DAY, _HOUR, ("d", "h")),
    ):
        if whole < large * (24 if large == _HOUR else 60) or large == _DAY:
            first, rest = divmod(whole, large)
            second = rest // small
            return f"{first} {names[0]}" + (f" {second} {names[1]}" if second else "")
    return f"{whole} s"


def about(seconds: float) -> str:
    """Return a time in two digits.

    Example:
        >>> about(0.3536), about(841)
        ('350 ms', '14 min')
    """
    return duration(float(f"{seconds:.2g}"))


def memory(mib: float) -> str:
    """Return an amount of memory.

    Example:
        >>> memory(812.4), memory(3481)
        ('812 MB', '3.4 GB')
    """
    return f"{mib:,.0f} MB" if mib < _GIB else f"{mib / _GIB:,.1f} GB"


def dollars(usd: float) -> str:
    """Return an amount with as many digits as tell something.

    Example:
        >>> dollars(1041.5), dollars(0.0123), dollars(0.00081), dollars(1e-6), dollars(0)
        ('$1,041.50', '$0.012', '$0.0008', '< $0.0001', '$0.00')
    """
    if 0 < usd < _LEAST_USD:
        return f"< ${_LEAST_USD:.4f}"
    if usd >= 1 or usd == 0:
        return f"${usd:,.2f}"
    return f"${usd:.3f}" if usd >= _TENTH / 10 else f"${usd:.4f}"


def percent(share: float) -> str:
    """Return a share in whole percent; the least that is there is not 0 %.

    Example:
        >>> percent(0.42), percent(0.0001)
        ('42 %', '< 1 %')
    """
    return "< 1 %" if 0 < share < _TENTH / 20 else f"{share:.0%}".replace("%", " %")


def count(number: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{number:,}"


def several(number: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> several(1, "task"), several(2000, "task")
        ('1 task', '2,000 tasks')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def clock(moment: float) -> str:
    """Return a moment in UTC."""
    return time.strftime("%d %B %Y, %H:%M UTC", time.gmtime(moment)).lstrip("0")
