"""Errors of what a batch carries, in the words of who wrote the calls: they know of no batch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeVar

from starburst.errors import StarburstError

from .batch import Call

__all__ = ["about_argument", "about_result"]

_ARGUMENT: Final = re.compile(
    r"the input\[0\]\[0\]\[(?P<call>\d+)\]\[(?:0\]|1\]\[(?P<number>\d+)\]|2\]\[(?P<name>'\w+')\])"
)
_RESULT: Final = re.compile(r"result\[1\]\[\d+\]")

_Error = TypeVar("_Error", bound=StarburstError)


def about_argument(error: _Error, calls: Sequence[Call]) -> _Error:
    """Return an error that names the call and its argument where it named a place in a batch.

    Example:
        >>> from starburst.errors import UnpicklableInput
        >>> text = "the input[0][0][0][1][1] cannot be sent: it is a lock."
        >>> print(about_argument(UnpicklableInput(text), [(divmod, (1, object()), {})]))
        in a call of divmod, args[1] cannot be sent: it is a lock.
    """

    def named(found: re.Match[str]) -> str:
        function = calls[int(found["call"])][0]
        name = getattr(function, "__qualname__", type(function).__name__)
        what = f"args[{found['number']}]" if found["number"] else "the function"
        return f"in a call of {name}, {f'kwargs[{given}]' if (given := found['name']) else what}"

    return _reworded(error, _ARGUMENT.sub(named, str(error), count=1))


def about_result(error: _Error) -> _Error:
    """Return an error that names a call's result where it named that of a batch."""
    return _reworded(error, _RESULT.sub("result", str(error), count=1))


def _reworded(error: _Error, text: str) -> _Error:
    if text != str(error):
        error.args = (text, *error.args[1:])
    return error
