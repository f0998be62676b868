"""What a task costs the client in memory and CPU time."""

from .__main__ import measure

__all__ = ["measure"]
