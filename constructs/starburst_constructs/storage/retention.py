"""How long the data bucket keeps records, for its lifecycle rules and for receipts."""

from __future__ import annotations

from typing import Final

__all__ = ["CONTROL_DAYS"]

CONTROL_DAYS: Final = 400
"""The controller's records of ended sessions: a year of evidence and a month to read it."""
