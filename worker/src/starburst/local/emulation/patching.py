"""What a patch of the emulator is, and how it replaces a private name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from starburst.errors import LocalEnvironmentError

__all__ = ["Patch", "module", "put", "wrap"]

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """One work-around for one gap of the stock emulator.

    Attributes:
        name: how tests and ``start_server(without=…)`` name it.
        stock: what the stock emulator does instead, in one sentence.
        apply: puts it in force, once, in the server's process.
    """

    name: str
    stock: str
    apply: Callable[[], None]


def module(name: str) -> ModuleType:
    """Return a module of the emulator, which has no type information."""
    return importlib.import_module(f"ministack.{name}")


def wrap(owner: ModuleType, name: str, make: Callable[[Function], Function]) -> None:
    """Replace ``owner.name`` by what ``make`` returns for it.

    Raises:
        LocalEnvironmentError: the emulator has no such name.
    """
    original = getattr(owner, name, None)
    if not callable(original):
        raise LocalEnvironmentError(
            f"the emulator has no {owner.__name__}.{name}: install exactly the version that "
            'starburst names, with pip install "starburst[local]"'
        )
    put(owner, name, make(original))


def put(owner: ModuleType, name: str, value: object) -> None:
    """Set a name of the emulator that is no function."""
    setattr(owner, name, value)
