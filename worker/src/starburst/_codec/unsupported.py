"""Say which part of a value is not data, where it is, and what to do about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

from starburst.errors import UnsafeResult

from .instead import instead_of
from .structure import MAX_DEPTH, Unsupported

__all__ = ["unsafe_result"]

_MAX_STEPS: Final = 1_000_000
_MAX_KEY: Final = 40
_LAZY: Final = ("generator", "map", "filter", "zip")
_ASYNC: Final = ("coroutine", "async_generator")


def unsafe_result(value: object, unsupported: Unsupported) -> UnsafeResult:
    """Return the error for a value that is no data because of one object inside it."""
    offender = unsupported.offender
    cls = type(offender)
    name = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"
    where = _where(value, offender)
    reason = f", and {unsupported.reason}" if unsupported.reason else ""
    if cls.__name__ in _LAZY:
        return UnsafeResult(
            f"{where} is of type {name}: it makes its values one by one, on the worker only. "
            "Return list(...) of it"
        )
    if cls.__name__ in _ASYNC:
        return UnsafeResult(
            f"{where} is of type {name}: nobody awaited it, because workers call plain functions. "
            "Wrap what is async, such as: lambda x: asyncio.run(f(x))"
        )
    known = where if where.startswith("result") and "'s " not in where else "it"
    instead = instead_of(offender, known) or (
        "plain values, arrays, data frames or dataclasses of them"
    )
    opt_in = (
        '; or start the session with results="pickle" if you trust all code that runs on its '
        "workers, because reading a pickle can run code"
    )
    return UnsafeResult(
        f"{where} is of type {name}{reason}: it cannot travel as data. Return {instead}"
        f"{'' if unsupported.pickled else opt_in}."
    )


def _where(value: object, offender: object) -> str:
    """Find the offender by identity, breadth by breadth, giving up on enormous values."""
    pending: list[tuple[object, str, int]] = [(value, "result", 0)]
    for steps, (current, path, depth) in enumerate(pending):
        if current is offender:
            return path
        if depth > MAX_DEPTH or steps > _MAX_STEPS:
            break
        pending.extend((child, path + step, depth + 1) for step, child in _children(current))
    return "something inside the result"


def _children(value: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401
    if isinstance(value, dict):
        for key, child in value.items():
            yield f"[{_short(key)}]", child
            if type(key) not in (str, int):
                yield f"'s key {_short(key)}", key
    elif isinstance(value, list | tuple):
        names = getattr(value, "_fields", None)
        for number, child in enumerate(value):
            yield (f".{names[number]}" if names else f"[{number}]"), child
    elif isinstance(value, set | frozenset):
        for child in value:
            yield "'s element", child
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield f".{field.name}", getattr(value, field.name, None)


def _short(key: object) -> str:
    try:
        text = repr(key)
    except Exception:  # the user's __repr__ may do anything
        text = f"<{type(key).__name__}>"
    return text if len(text) <= _MAX_KEY else text[:_MAX_KEY] + "…"
