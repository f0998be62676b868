"""A call that brings its own function: what a function that is used once or twice travels as."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable
from typing import Any, Final

from starburst._functions.ordinary.variables import Surroundings, loading
from starburst._protocol.sealed.code.parcels import Parcel, objects_of

from .payload import load
from .putting import noted
from .showing.called import called

__all__ = ["CALL", "call", "with_function"]

_KEPT: Final = 64
"""Functions that a process of tasks remembers, with what their globals have become."""


def call(function: bytes, data: bytes) -> object:
    """Call a function that travelled with its arguments (the worker's side)."""
    wanted, surroundings = _load(function)

    def run() -> object:
        args, kwargs = load(data)
        return called(wanted, args, kwargs)

    return surroundings.run(run)


@functools.lru_cache(maxsize=_KEPT)
def _load(function: bytes) -> tuple[Callable[..., Any], Surroundings]:
    with loading() as surroundings:
        return load(function), surroundings


CALL: Final = pickle.dumps(call, 5)
"""What is stored once for all such calls."""


def with_function(function: bytes, data: bytes) -> bytes:
    """Return the input of :func:`call` for a function and its arguments, both pickled."""
    pickled = pickle.dumps(((bytes(function), bytes(data)), {}), 5)
    needs = (*objects_of(function), *objects_of(data))
    if needs:
        parcel = Parcel(needs=tuple(dict.fromkeys(needs)), sections=(pickled,))
        pickled = b"".join(parcel.parts())
    return noted(pickled, function, data)
