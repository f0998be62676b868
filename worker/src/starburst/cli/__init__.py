"""The ``starburst`` command: look after sessions from a terminal."""

from __future__ import annotations

from .command import main

__all__ = ["main"]
