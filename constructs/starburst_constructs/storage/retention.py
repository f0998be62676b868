"""How long the data bucket keeps records, for its lifecycle rules and for receipts."""

from __future__ import annotations

from typing import Final

from starburst.contract.times import RECORD_DAYS

__all__ = ["CONTROL_DAYS"]

CONTROL_DAYS: Final = RECORD_DAYS
"""The controller's records of ended sessions."""
