"""Inputs one by one, pickled; what never ends is refused, and what seems so is spoken of."""

from __future__ import annotations

import functools
import itertools
import operator
import os
from collections.abc import Iterable, Iterator, Sized
from typing import Any, Final, TypeVar

from starburst._functions.caller import warn
from starburst._functions.sharing import Sharing
from starburst._functions.signatures import iterated
from starburst.errors import ConfigurationError

__all__ = ["MOST_INPUTS", "bounded", "pickled", "refuse_endless"]

P = TypeVar("P", bound=Sized)

MOST_INPUTS: Final = 100_000_000
_MANY_INPUTS: Final = 1_000_000
_MANY_BYTES: Final = 1 << 30
_LIFT: Final = "starburst.imap and session.imap read inputs as results are taken"


def pickled(
    inputs: Iterable[Any], *, door: str | None, sharing: Sharing, together: bool = False
) -> Iterator[bytes]:
    """Pickle inputs as the single arguments of calls.

    Args:
        inputs: one for each call.
        door: what they were given to, if that takes all before it returns anything: they must end.
        sharing: finds what they have in common.
        together: whether none is sent before all are pickled, so that also the first that has
            something in common with a later one names it.

    Raises:
        UnpicklableInput: names the object in an input that cannot be sent.
        ConfigurationError: see :func:`bounded`.
    """
    calls: Iterator[Any] = (((x,), {}) for x in iterated(inputs))
    if door is None:
        return map(sharing.input, calls)
    refuse_endless((inputs,), door=door)
    watched = functools.partial(bounded, door=door, sized=isinstance(inputs, Sized))
    if together:
        return sharing.inputs(calls, watched)
    return watched(map(sharing.input, calls))


def refuse_endless(iterables: Iterable[Iterable[Any]], *, door: str) -> None:
    """Refuse iterables that are read together and none of which ends, as far as that is known.

    Raises:
        ConfigurationError: they never end, or are too many.
    """
    known = [_length(each) for each in iterables]
    shortest = min((length for length in known if length is not None), default=None)
    if shortest == _ENDLESS and None not in known:
        raise ConfigurationError(f"{door} takes inputs that end, and these never do. {_LIFT}")
    if shortest is not None and MOST_INPUTS < shortest < _ENDLESS:
        raise ConfigurationError(
            f"{door} takes {MOST_INPUTS:,} inputs at most, and these are {int(shortest):,}. {_LIFT}"
        )


_ENDLESS: Final = float("inf")


def _length(iterable: Iterable[Any]) -> float | None:
    if isinstance(iterable, itertools.count | itertools.cycle):
        return _ENDLESS
    if isinstance(iterable, itertools.repeat):
        return operator.length_hint(iterable, -1) if _repeats(iterable) else _ENDLESS
    if not isinstance(iterable, Sized):
        return None
    try:
        return len(iterable)
    except OverflowError:  # range(10**30)
        return _ENDLESS


def _repeats(iterable: itertools.repeat[Any]) -> bool:
    return operator.length_hint(iterable, -1) >= 0


def bounded(payloads: Iterable[P], *, door: str, sized: bool) -> Iterator[P]:
    """Yield what is pickled; speak up once it is a million inputs or 1 GB, and end it in time.

    Args:
        payloads: the pickles.
        door: what takes all of them before it returns anything.
        sized: whether it was known beforehand how many they are.

    Raises:
        ConfigurationError: they are more than 100 million, or half of what this machine has of
            memory is full of them.
    """
    nbytes, warned, most_bytes = 0, False, _half_of_memory()
    for count, data in enumerate(payloads, 1):
        nbytes += len(data)
        if count > MOST_INPUTS or nbytes > most_bytes:
            raise ConfigurationError(
                f"{door} was given {count:,} inputs of {nbytes / 1e9:,.1f} GB and no end was in "
                f"sight: it takes {MOST_INPUTS:,} at most, and half of this machine's memory. "
                f"{_LIFT}"
            )
        if not warned and ((count > _MANY_INPUTS and not sized) or nbytes > _MANY_BYTES):
            warned = True
            warn(
                f"{door} has read {count:,} inputs of {nbytes / 1e9:,.1f} GB, and goes on: it "
                f"returns once it has read all. {_LIFT}, also those that never end"
            )
        yield data


def _half_of_memory() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2
    except (AttributeError, ValueError, OSError):  # not a system that says so
        return _ENDLESS
