"""What of a call's arguments is replaced on its way: memory maps, of which workers have no file.

Large arrays need nothing: a session finds what a second task carries again, and sends it once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

from starburst.errors import UnpicklableInput

from .batch import Call

__all__ = ["without_maps"]

_WRITABLE: Final = ("r+", "w+")


def without_maps(call: Call) -> Call:
    """Return a call with ordinary arrays for its memory maps.

    Raises:
        UnpicklableInput: a map can be written to: what a worker writes would not reach its file.
    """
    function, args, kwargs = call
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return call
    named = zip(kwargs, _plain([*kwargs.values()], numpy), strict=True)
    return function, _plain(args, numpy), dict(named)


def _plain(values: Sequence[Any], numpy: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a module
    return tuple(_array(each, numpy) if isinstance(each, numpy.memmap) else each for each in values)


def _array(value: Any, numpy: Any) -> Any:  # noqa: ANN401
    if getattr(value, "mode", None) in _WRITABLE and value.flags.writeable:
        raise UnpicklableInput(
            f"an argument is a memory map of {value.filename} with mode={value.mode!r}: workers "
            "are other machines, and what they write into it would be lost. Open it with "
            "mode='r' or 'c', and return what is computed"
        )
    return numpy.asarray(value)
