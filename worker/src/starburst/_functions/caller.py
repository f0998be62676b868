"""Warn at the analyst's line: the first frame that is none of ours, of pools or of joblib's."""

from __future__ import annotations

import concurrent.futures
import contextvars
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

__all__ = ["Caller", "acting_for", "caller", "warn"]

_OURS: Final = tuple(
    str(folder) + os.sep
    for folder in (
        Path(__file__).resolve().parents[1],
        Path(concurrent.futures.__file__).resolve().parent,
    )
)
_BETWEEN: Final = frozenset({"contextlib", "joblib", "sklearn", "threading"})
"""Packages, and modules, that stand between the analyst's line and ours."""

_acting_for: contextvars.ContextVar[Caller | None] = contextvars.ContextVar(
    "starburst_acting_for", default=None
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A line of the analyst's code.

    Attributes:
        filename, lineno, module: where it is.
        registry: of that module, in which Python notes what it has warned of.
    """

    filename: str
    lineno: int
    module: str
    registry: dict[Any, int] = field(repr=False, compare=False, hash=False)


def caller() -> Caller:
    """Return the line that called into Starburst, or for which this thread acts."""
    acting_for = _acting_for.get()
    if acting_for is not None:
        return acting_for
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_between(frame):
        frame = frame.f_back
    if frame is None:  # a thread of ours, for no one
        return Caller("starburst", 1, "starburst", {})
    registry = frame.f_globals.setdefault("__warningregistry__", {})
    name = frame.f_globals.get("__name__") or "<unknown>"
    return Caller(frame.f_code.co_filename, frame.f_lineno, name, registry)


def _is_between(frame: FrameType) -> bool:
    ours = frame.f_code.co_filename.startswith(_OURS)
    return ours or str(frame.f_globals.get("__name__")).partition(".")[0] in _BETWEEN


@contextmanager
def acting_for(line: Caller) -> Iterator[None]:
    """Have what is warned of in this thread point at the line for which it acts."""
    token = _acting_for.set(line)
    try:
        yield
    finally:
        _acting_for.reset(token)


_said: set[tuple[type[Warning], str, int]] = set()


def warn(message: str, category: type[Warning] = RuntimeWarning, *, once: bool = False) -> None:
    """Warn as ``warnings.warn`` does, at the analyst's line, however deep in Starburst this is.

    Args:
        message: what is to be said.
        category: of the warning.
        once: say it of each line no second time, whatever filters are in force.
    """
    line = caller()
    if once:
        said = (category, line.filename, line.lineno)
        if said in _said:
            return
        _said.add(said)
    warnings.warn_explicit(
        message,
        category,
        line.filename,
        line.lineno,
        module=line.module,
        registry=line.registry,
    )
