"""Every exception to the gate: what, where, why, who answers for it, and until when."""

from __future__ import annotations

from typing import Final

from starburst_constructs.compliance.waivers import Waiver

__all__ = ["WAIVERS"]

WAIVERS: Final[tuple[Waiver, ...]] = ()
