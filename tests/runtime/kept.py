"""What a session leaves that went well: its report's record, and what opens it."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["beside_records"]

_RECORDS = {"manifest.json", "status.json", "requests/report"}


def beside_records(keys: Iterable[str]) -> list[str]:
    """Return the keys that are none of those."""
    return [key for key in keys if key.split("/", 4)[-1] not in _RECORDS]
