"""What a worker writes to its log: one JSON object a line, never any of the analyst's data."""

from __future__ import annotations

import json
import sys
import time

__all__ = ["log"]


def log(event: str, **facts: object) -> None:
    """Write one line: when, what, and facts that are safe to keep.

    Tasks print to the same place and may stop in the midst of a line, so this one begins anew:
    nobody who looks for an event misses it behind their words.
    """
    line = {"at": round(time.time(), 3), "event": event, **facts}
    sys.stdout.write(f"\n{json.dumps(line, default=str)}\n")
    sys.stdout.flush()
