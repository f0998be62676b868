"""What a worker writes to its log: one JSON object a line, never any of the analyst's data."""

from __future__ import annotations

import json
import sys
import time

__all__ = ["log"]


def log(event: str, **facts: object) -> None:
    """Write one line: when, what, and facts that are safe to keep."""
    line = {"at": round(time.time(), 3), "event": event, **facts}
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()
