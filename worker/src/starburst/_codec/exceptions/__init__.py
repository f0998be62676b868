"""Exceptions that travel back as data: type, arguments, attributes, notes, causes and groups.

Example:
    >>> error = rebuild(describe(KeyError(3), mode="data"), mode="data")
    >>> type(error), error.args
    (<class 'KeyError'>, (3,))
"""

from __future__ import annotations

from .describing import describe
from .rebuilding import rebuild

__all__ = ["describe", "rebuild"]
