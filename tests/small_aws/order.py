"""The order of a command's effects, held against what it called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.small_aws.account import Call

__all__ = ["Made", "Order", "broken", "is_effect"]

_CHANGES: Final = (
    *("Authorize", "Create", "Delete", "Put", "Replace", "Revoke", "Set", "Stop", "Update"),
)
Which = Callable[[Call], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A call, and whether AWS did what it asked."""

    call: Call
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What comes before what.

    Attributes:
        rule: in words.
        first: calls that are over before any of the second begins.
        then: the second.
        needs: whether none of the second may be without one of the first that was done.
    """

    rule: str
    first: Which
    then: Which
    needs: bool = False


def is_effect(call: Call) -> bool:
    """Whether a call changes anything."""
    return call.operation.startswith(_CHANGES)


def broken(history: Sequence[Made], orders: Sequence[Order]) -> Iterator[str]:
    """Yield what came too early or too late."""
    for order in orders:
        ready = begun = False
        for made in history:
            if order.first(made.call):
                ready = ready or made.done
                if begun:
                    yield f"{order.rule}: {made.call} came too late"
            if order.then(made.call):
                begun = True
                if order.needs and not ready:
                    yield f"{order.rule}: {made.call} came too early"
