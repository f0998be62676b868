"""Inputs one by one, pickled; what never ends is refused, and what seems so is spoken of."""

from __future__ import annotations

import functools
import itertools
import operator
import os
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Final, TypeVar

from starburst._functions.caller import warn
from starburst._functions.sharing import Sharing
from starburst._functions.signatures import iterated
from starburst.errors import ConfigurationError, WrongArguments

from .local_paths import LocalPaths

__all__ = ["MOST_INPUTS", "bounded", "how_many", "pickled", "refuse_endless"]

P = TypeVar("P", bound=Sized)

MOST_INPUTS: Final = 100_000_000
_MANY_INPUTS: Final = 1_000_000
_MANY_BYTES: Final = 1 << 30
_LIFT: Final = "starburst.imap and session.imap read inputs as results are taken"


def pickled(
    iterables: Sequence[Iterable[Any]],
    *,
    door: str | None,
    sharing: Sharing,
    paths: LocalPaths,
    together: bool = False,
    star: bool = False,
) -> Iterator[bytes]:
    """Pickle what calls are made with: one of each iterable for each call.

    Args:
        iterables: of arguments.
        door: what they were given to, if that takes all before it returns anything: they must end.
        sharing: finds what they have in common.
        paths: looks for paths of files that workers lack.
        together: whether none is sent before all are pickled, so that also the first that has
            something in common with a later one names it.
        star: whether each element of the one iterable is the tuple of a call's arguments.

    Raises:
        UnpicklableInput: names the object in an input that cannot be sent.
        WrongArguments: there are no iterables, or they have not the same number of elements.
        ConfigurationError: see :func:`bounded`.
    """
    refuse_unequal(iterables)
    if door is not None:
        refuse_endless(iterables, door=door)
    looked = [iterated(paths.among(each)) for each in iterables]
    calls: Iterator[Any]
    if star:
        calls = ((_arguments(x, number), {}) for number, x in enumerate(looked[0]))
    elif len(looked) == 1:
        calls = (((x,), {}) for x in looked[0])
    else:
        calls = _zipped(looked, least=_shortest(iterables))
    if door is None:
        return map(sharing.input, calls)
    sized = any(isinstance(each, Sized) for each in iterables)
    watched = functools.partial(bounded, door=door, sized=sized)
    if together:
        return sharing.inputs(calls, watched)
    return watched(map(sharing.input, calls))


def _zipped(iterators: Sequence[Iterator[Any]], *, least: int) -> Iterator[Any]:
    """Yield calls as ``zip`` does; refuse an end that leaves elements of a list without a call."""
    count = 0
    for args in zip(*iterators, strict=False):
        yield args, {}
        count += 1
    if count < least:
        raise WrongArguments(
            f"one iterable ended after {count:,} elements, and another has {least:,}: they must "
            "be equally many"
        )


def _arguments(given: object, number: int) -> tuple[Any, ...]:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise WrongArguments(
            f"input {number} of starmap is of type {type(given).__qualname__}; each is the tuple "
            "of a call's arguments. For one argument use map"
        )
    return tuple(given)


def how_many(iterables: Sequence[Iterable[Any]]) -> int | None:
    """Return how many calls they make, where all that end say how many they have; else None."""
    unknown = any(_length(each) is None for each in iterables)
    return None if unknown else _shortest(iterables)


def _shortest(iterables: Sequence[Iterable[Any]]) -> int:
    """Return how many elements those have that say so and end; 0 where none do."""
    known = (length for each in iterables if (length := _length(each)) not in (None, _ENDLESS))
    return int(min(known, default=0))


def refuse_unequal(iterables: Sequence[Iterable[Any]]) -> None:
    """Refuse iterables that are known to have different numbers of elements.

    Raises:
        WrongArguments: they have, or there are none.
    """
    if not iterables:
        raise WrongArguments("there is nothing to map over: give an iterable after the function")
    known = [length for each in iterables if (length := _length(each)) not in (None, _ENDLESS)]
    if len(set(known)) > 1:
        raise WrongArguments(
            f"the iterables have {', '.join(f'{length:,.0f}' for length in known)} elements, and "
            "each call takes one of each: they must be equally many. What is the same in every "
            "call goes into kwargs=, or is itertools.repeat(x)"
        )


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
