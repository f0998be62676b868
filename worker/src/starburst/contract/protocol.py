"""The version of every message, manifest and sealed object."""

from __future__ import annotations

from typing import Final

__all__ = ["PROTOCOL", "speaks_protocol"]

PROTOCOL: Final = 1
"""Version of every message, manifest and sealed object; both sides refuse another."""


def speaks_protocol(value: object) -> bool:
    """Return whether a field holds our protocol's version, as the whole number that it is."""
    return type(value) is int and value == PROTOCOL
