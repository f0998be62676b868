"""The line that each sweep says of itself at its end; metric filters count it, and silence rings.

It is a line of JSON by itself. What else the controller writes begins with a level in brackets, so
that no text of a caller's, quoted in a refusal, can pass for a sweep.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final

__all__ = [
    "FINISHED",
    "FIRST_DAY_PATTERN",
    "SWEEP",
    "SWEEP_PATTERN",
    "UNFINISHED",
    "UNFINISHED_PATTERN",
    "sweep_line",
]

SWEEP: Final = "starburst-sweep"
"""What ``event`` says in the line of a sweep, and in no other line."""

FINISHED: Final = "finished"
"""What ``result`` says of a sweep that got to every session and every orphan, with or without
trouble."""

UNFINISHED: Final = "unfinished"
"""What ``result`` says of a sweep whose time was up before that."""

SWEEP_PATTERN: Final = f'{{ ($.event = "{SWEEP}") }}'
"""Finds each sweep, as the pattern of a CloudWatch metric filter."""

UNFINISHED_PATTERN: Final = f'{{ ($.event = "{SWEEP}") && ($.result = "{UNFINISHED}") }}'
"""Finds those whose time was up."""

FIRST_DAY_PATTERN: Final = f'{{ ($.event = "{SWEEP}") && ($.day = "01") }}'
"""Finds those of the first day of a month, on which people are told to look at ages (A27)."""


def sweep_line(*, at: float, sessions: int, tended: int, finished: bool) -> str:
    """Return the line of one sweep.

    Args:
        at: when it ended, in seconds since the epoch.
        sessions: how many there were.
        tended: how many of them it got to.
        finished: whether it got to all that there was.

    Example:
        >>> said = json.loads(sweep_line(at=60, sessions=2, tended=1, finished=False))
        >>> said["day"], said["result"]
        ('01', 'unfinished')
    """
    return json.dumps(
        {
            "at": at,
            # In UTC, as text: conditions of a filter on text are the same everywhere.
            "day": f"{datetime.fromtimestamp(at, UTC):%d}",
            "event": SWEEP,
            "result": FINISHED if finished else UNFINISHED,
            "sessions": sessions,
            "tended": tended,
        }
    )
