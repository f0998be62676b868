"""A request as a policy sees it: one action on a resource, in a context of keys."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from starburst_assurance.proofs.encoding.logic import Formula, Logic, Number, Text

__all__ = ["Context", "Key", "Request", "Slot", "address_number", "number_of"]

_SIX = 6

SLOTS = 3
"""Values that an unknown multi-valued key may have: more than any policy here tells apart."""


@dataclass(slots=True, kw_only=True)
class Slot:
    """One value of a key; ``number`` is the same value for numeric, date and address operators."""

    present: Formula
    text: Text
    number: Number


@dataclass(slots=True, kw_only=True)
class Key:
    """One context key: absent, or with one value, or with several."""

    name: str
    slots: tuple[Slot, ...]

    def present(self, logic: Logic) -> Formula:
        """Return whether the request has the key."""
        return logic.some(slot.present for slot in self.slots)


@lru_cache(maxsize=4096)
def number_of(text: str) -> float | int:
    """Return what numeric, date and address operators compare; NaN for other text."""
    for read in (
        float,
        _seconds,
        lambda value: address_number(ipaddress.ip_address(value)),
    ):
        try:
            return read(text)
        except ValueError:
            continue
    return float("nan")


def _seconds(text: str) -> float:
    """Return a moment's seconds; in UTC, as IAM has it, where it names no zone."""
    moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment.replace(tzinfo=moment.tzinfo or dt.UTC).timestamp()


def address_number(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    """Return a number for an address; those of IPv6 come after all of IPv4."""
    return int(address) + (1 << 32 if address.version == _SIX else 0)


class Context:
    """The keys of a request, made when a policy first asks for one.

    Args:
        logic: makes the unknowns.
        closed: a key that nobody set is absent, rather than unknown.
    """

    def __init__(self, logic: Logic, *, closed: bool = False) -> None:
        self.logic = logic
        self.keys: dict[str, Key] = {}
        self._closed = closed
        self._closed_prefixes: set[str] = set()
        self._single: set[str] = set()
        self._beside: Context | None = None
        self._said: dict[Any, tuple[Any, Formula]] = {}
        self._changes = 0
        self._said_at: object = None

    def said(self) -> dict[Any, tuple[Any, Formula]]:
        """Return what policies were found to say in this context as it is now, by whose it is.

        Each entry keeps what its key is the identity of.
        """
        now = self._moment()
        if now != self._said_at:
            self._said, self._said_at = {}, now
        return self._said

    def _moment(self) -> tuple[int, ...]:
        beside = () if self._beside is None else self._beside._moment()
        return self.logic.moment, self._changes, *beside

    def beside(self, other: Context) -> None:
        """Take what is neither set nor closed here from another context.

        Two policy sets are asked one question so, where they say different things of the caller.

        Args:
            other: has the same unknowns.
        """
        self._changes += 1
        self._beside = other

    def key(self, name: str, *, several: bool = False) -> Key:
        """Return a key: as set, or absent, or unknown."""
        folded = name.lower()
        if folded not in self.keys:
            closed = self._closed or folded.startswith(tuple(self._closed_prefixes))
            if self._beside is not None and not closed:
                return self._beside.key(name, several=several)
            self.keys[folded] = self._unknown(name, several=several, closed=closed)
            if not closed and not several:
                self._single.add(folded)
        elif several and folded in self._single:
            self._changes += 1
            self._single.remove(folded)
            self.keys[folded] = self._widened(self.keys[folded])
        return self.keys[folded]

    def text(self, name: str) -> Text:
        """Return the value of a single-valued key."""
        return self.key(name).slots[0].text

    def has(self, name: str) -> Formula:
        """Return whether the key is there."""
        return self.key(name).present(self.logic)

    def put(self, name: str, *values: Text) -> None:
        """Set a key; with no value, make it absent."""
        self._changes += 1
        self._single.discard(name.lower())
        self.keys[name.lower()] = Key(
            name=name,
            slots=tuple(
                Slot(
                    present=True,
                    text=value,
                    number=number_of(value)
                    if isinstance(value, str)
                    else self.logic.number(f"{name} as number"),
                )
                for value in values
            )
            or (Slot(present=False, text="", number=0.0),),
        )

    def put_all(self, values: Mapping[str, Text]) -> None:
        """Set several keys."""
        for name, value in values.items():
            self.put(name, value)

    def close(self, prefix: str) -> None:
        """Make every other key that begins so absent."""
        self._changes += 1
        self._closed_prefixes.add(prefix.lower())

    def is_(self, name: str, value: Text) -> Formula:
        """Return whether the key is there and has this value."""
        return self.logic.every((self.has(name), self.logic.same(self.text(name), value)))

    def is_not(self, name: str, value: Text) -> Formula:
        """Return whether the key is absent or has another value."""
        return self.logic.no(self.is_(name, value))

    def _unknown(self, name: str, *, several: bool, closed: bool) -> Key:
        if closed:
            return Key(name=name, slots=(Slot(present=False, text="", number=0.0),))
        count = SLOTS if several else 1
        return Key(name=name, slots=tuple(self._slot(name, index) for index in range(count)))

    def _slot(self, name: str, index: int) -> Slot:
        return Slot(
            present=self.logic.flag(f"{name}[{index}]?"),
            text=self.logic.text(f"{name}[{index}]"),
            number=self.logic.number(f"{name}[{index}]#"),
        )

    def _widened(self, key: Key) -> Key:
        """Return a key that was spoken of as if it had one value, with room for all of them.

        What was said of its first value stays said: there is no second without a first.
        """
        [first] = key.slots
        more = [self._slot(key.name, index) for index in range(1, SLOTS)]
        for slot in more:
            slot.present = self.logic.every((first.present, slot.present))
        return Key(name=key.name, slots=(first, *more))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One action, always a known one, on a resource that may be unknown."""

    context: Context
    action: str
    resource: Text
