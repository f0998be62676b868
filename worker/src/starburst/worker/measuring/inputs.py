"""What a task was called with, in a few words, without calling anything of the user's."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from starburst._protocol.sealed.spans import INPUT_LENGTH
from starburst.untrusted.terminal_text import one_line

__all__ = ["short_input"]

_PLAIN: Final = (bool, int, float, complex, type(None))
_TEXT: Final = 40
_ITEMS: Final = 4
_DEPTH: Final = 2
_LARGE: Final = 10**18
_BRACKETS: Final[dict[type, str]] = {list: "[]", tuple: "()", set: "{}", frozenset: "{}"}


def short_input(args: Sequence[object], kwargs: Mapping[str, object]) -> str:
    """Return the arguments of a call as they would stand in it, or what kinds they are.

    No ``__repr__`` of the user's is called: it may take long, or change what it shows.

    Example:
        >>> short_input((7, "chr1"), {"window": [1, 2, 3, 4, 5, 6]})
        "7, 'chr1', window=[1, 2, 3, 4, … 6]"
    """
    with suppress(Exception):  # of a size that an object tells of itself
        words = itertools.chain(
            (_short(each, _DEPTH) for each in itertools.islice(args, _ITEMS)),
            (f"{name}={_short(each, _DEPTH)}" for name, each in _few(kwargs)),
        )
        return one_line(", ".join(words), most=INPUT_LENGTH)[:INPUT_LENGTH]
    return ""


def _few(kwargs: Mapping[str, object]) -> list[tuple[str, object]]:
    return list(itertools.islice(kwargs.items(), _ITEMS))


def _short(value: Any, depth: int) -> str:  # noqa: ANN401 - any input
    kind = type(value)
    if kind is int and abs(value) >= _LARGE:
        return f"<int of {value.bit_length():,} bits>"
    if kind in _PLAIN:
        return repr(value)
    if kind in (str, bytes):
        rest = len(value) - _TEXT
        return repr(value) if rest <= 0 else f"{value[:_TEXT]!r}… {rest:,} more"
    if kind in _BRACKETS or kind is dict:
        return _contents(value, depth)
    module, name = kind.__module__.partition(".")[0], kind.__name__
    if module == "numpy" and getattr(value, "shape", None) == ():
        return repr(value.item()) if type(value.item()) in _PLAIN else f"<{name}>"
    shape = getattr(value, "shape", None) if module in ("numpy", "pandas", "polars") else None
    size = "" if not isinstance(shape, tuple) else " of " + " x ".join(f"{n:,}" for n in shape)
    return f"<{name}{size}>"


def _contents(value: Any, depth: int) -> str:  # noqa: ANN401 - one of the built-in containers
    brackets = _BRACKETS.get(type(value), "{}")
    left, right = brackets[0], brackets[1]
    if not depth:
        return f"{left}… {len(value):,}{right}"
    some = list(itertools.islice(value.items() if type(value) is dict else value, _ITEMS))
    if type(value) is dict:
        words = [f"{_short(key, 0)}: {_short(each, depth - 1)}" for key, each in some]
    else:
        words = [_short(each, depth - 1) for each in some]
    if len(value) > _ITEMS:
        words.append(f"… {len(value):,}")
    return f"{left}{', '.join(words)}{',' * (right == ')' and len(words) == 1)}{right}"
