"""cloudpickle, but for what it would change silently."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from typing import Any, Final

import cloudpickle

__all__ = ["Pickler", "dumps"]

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
    Pickler(sink, _PROTOCOL, buffer_callback=buffer_callback).dump(value)
    return sink.getvalue()


class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """cloudpickle's, which refuses open files."""

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401 - whatever is in the value
        """Return how to pickle an object."""
        standard = obj is sys.stdout or obj is sys.stderr
        if isinstance(obj, io.TextIOWrapper) and not standard:
            raise pickle.PicklingError(f"{getattr(obj, 'name', 'a file')!r} is an open file")
        return super().reducer_override(obj)
