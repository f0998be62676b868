"""Inspector: what it finds is told, and refuses images to sessions until it is mended (P8, A19)."""

from __future__ import annotations

from stacks.addons.inspector.addon import Inspector
from stacks.addons.inspector.settings import FindingWaiver

__all__ = ["FindingWaiver", "Inspector"]
