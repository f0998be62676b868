"""Inspector: what it finds is told, and no session starts on an image that has a finding (P8)."""

from __future__ import annotations

from stacks.addons.inspector.addon import Inspector
from stacks.addons.inspector.settings import FindingWaiver

__all__ = ["FindingWaiver", "Inspector"]
