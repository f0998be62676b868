"""Tell analysts of a generator of random numbers that every task would get the same copy of."""

from __future__ import annotations

import functools
import hashlib
import pickle
import random
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from starburst._functions.caller import warn
from starburst._functions.unpicklable import captured

__all__ = [
    "RepeatedRandomWarning",
    "is_generator",
    "note",
    "noting",
    "warn_of_captured",
    "warn_of_repeated",
]

_ELSEWHERE: Final = frozenset({"Generator", "RandomState"})
_MODULES: Final = ("numpy", "torch", "cupy")
_MOST_KNOWN: Final = 1000
_here = threading.local()
_known: OrderedDict[int, bytes] = OrderedDict()
_USE: Final = (
    "Call starburst.rng() inside the function: it gives each task a stream of its own, which seed= "
    "repeats whatever the workers do"
)


class RepeatedRandomWarning(UserWarning):
    """Several tasks would draw the same random numbers."""


@contextmanager
def noting() -> Iterator[list[Any]]:
    """Gather the generators in what is pickled meanwhile by this thread."""
    found: list[Any] = []
    before, _here.found = getattr(_here, "found", None), found
    try:
        yield found
    finally:
        _here.found = before


def note(obj: object) -> None:
    """Note a generator of random numbers that is about to be pickled."""
    found = getattr(_here, "found", None)
    if found is not None:
        found.append(obj)


def is_generator(kind: type) -> bool:
    """Whether objects of a type draw random numbers from a state that a copy would share."""
    if issubclass(kind, random.Random):
        return not issubclass(kind, random.SystemRandom)
    return kind.__name__ in _ELSEWHERE and kind.__module__.partition(".")[0] in _MODULES


def warn_of_captured(function: Callable[..., Any], found: list[Any]) -> None:
    """Warn, once for each line that sends it, of the first generator that a function carries."""
    found = found or _in_globals(function)
    if not found:
        return
    own = getattr(function, "__self__", None)
    where = next(
        (
            f" ({name})"
            for name, value in captured(function)
            if value is found[0] or getattr(value, "__self__", None) is found[0]
        ),
        " (its object)" if own is found[0] else "",
    )
    name = getattr(function, "__qualname__", type(function).__qualname__)
    warn(
        f"the function {name} carries a {_name(found[0])}{where}. Each worker gets a copy of it as "
        f"it is now, so tasks on different workers draw the same numbers. {_USE}",
        RepeatedRandomWarning,
        once=True,
    )


def _in_globals(function: Callable[..., Any]) -> list[object]:
    """Return the generators in globals of own modules, which each worker makes anew, and alike."""
    while isinstance(function, functools.partial):
        function = function.func
    found: list[object] = []
    for _, value in captured(function):
        with suppress(Exception):  # it is the analyst's, and may raise anything
            held = (value, getattr(value, "__self__", None))
            found += [each for each in held if is_generator(type(each))]
    return found


def warn_of_repeated(found: list[Any]) -> None:
    """Warn where a generator has travelled with another input already, and has not moved since."""
    for each in found:
        state = hashlib.sha256(pickle.dumps(each)).digest()
        repeated = _known.get(id(each)) == state
        _known[id(each)] = state
        while len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
        if repeated:
            warn(
                f"the same {_name(each)}, in the same state, travels with several inputs, so "
                f"these tasks draw the same numbers. {_USE}",
                RepeatedRandomWarning,
                once=True,
            )


def _name(obj: object) -> str:
    cls = type(obj)
    top = cls.__module__.partition(".")[0]
    return f"{'numpy.random' if top == 'numpy' else top}.{cls.__qualname__}"
