"""cloudpickle, but for what it would change silently."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from typing import Any, Final

import cloudpickle

from .main_globals import made_function
from .ordinary import reduced

__all__ = ["dumps"]

_PROTOCOL: Final = 5


def dumps(
    value: object, *, buffer_callback: Callable[[pickle.PickleBuffer], object] | None = None
) -> bytes:
    """Return the pickle of a value, by cloudpickle's rules.

    Args:
        value: what to pickle.
        buffer_callback: takes large buffers out of the pickle, as of ``pickle.dumps``.

    Raises:
        pickle.PicklingError: an open file is in it, which cloudpickle would read to its end and
            send as text in memory.
    """
    sink = io.BytesIO()
    _Pickler(sink, _PROTOCOL, buffer_callback=buffer_callback).dump(value)
    return sink.getvalue()


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401 - whatever is in the value
        standard = obj is sys.stdout or obj is sys.stderr
        if isinstance(obj, io.TextIOWrapper) and not standard:
            raise pickle.PicklingError(f"{getattr(obj, 'name', 'a file')!r} is an open file")
        parts = reduced(obj, self)
        return super().reducer_override(obj) if parts is None else parts

    def _dynamic_function_reduce(self, func: Any) -> Any:  # noqa: ANN401
        return (made_function, *super()._dynamic_function_reduce(func)[1:])
