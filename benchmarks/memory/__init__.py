"""What a task costs the client in memory and CPU time."""

from .costs import measure

__all__ = ["measure"]
