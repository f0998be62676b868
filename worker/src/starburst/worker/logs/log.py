"""What a worker writes to its log: one JSON object a line, never any of the analyst's data."""

from __future__ import annotations

import json
import sys
import time

__all__ = ["log"]


def log(event: str, **facts: object) -> None:
    """Write one line: the time in seconds since the epoch, the event, and its facts.

    What tasks print may be in the same stream and stop in the midst of a line, so this begins anew.

    Args:
        event: what happened, in words that filters and queries look for.
        facts: that are safe to keep; what JSON has no word for is written as text.
    """
    line = {"at": round(time.time(), 3), "event": event, **facts}
    sys.stdout.write(f"\n{json.dumps(line, default=str)}\n")
    sys.stdout.flush()
