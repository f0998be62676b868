"""cloudpickle, but for what it would change silently, and for what travels beside the pickle."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, Final

import cloudpickle

from starburst._functions.objects.gathering import taking
from starburst._functions.ordinary.main_globals import made_function
from starburst._functions.ordinary.ordinary import reduced

__all__ = ["Pickler", "TooLarge", "dumps", "dumps_plain"]

_PROTOCOL: Final = 5


def dumps(
    value: object,
    *,
    buffer_callback: Callable[[pickle.PickleBuffer], object] | None = None,
    make: Callable[..., Pickler] | None = None,
    most: int | None = None,
) -> bytes:
    """Return the pickle of a value, by cloudpickle's rules.

    Args:
        value: what to pickle.
        buffer_callback: takes large buffers out of the pickle, as of ``pickle.dumps``.
        make: makes the pickler, of what :class:`Pickler` takes; that one by default.
        most: bytes that the pickle may have; None for any number.

    Raises:
        pickle.PicklingError: an open file is in it, which cloudpickle would read to its end and
            send as text in memory.
        TooLarge: the pickle would have more than ``most`` bytes.
    """
    sink = io.BytesIO() if most is None else _Limited(most)
    (make or Pickler)(sink, _PROTOCOL, buffer_callback=buffer_callback).dump(value)
    return sink.getvalue()


def dumps_plain(value: object) -> bytes:
    """Return the pickle of a value that consists of built-in types and arrays of numbers alone."""
    taken = taking()
    if taken is None:
        return pickle.dumps(value, _PROTOCOL)
    taken.begin()
    data = pickle.dumps(value, _PROTOCOL, buffer_callback=taken.buffer)
    return data if len(data) < taken.least else dumps(value)


class TooLarge(Exception):
    """A pickle has more bytes than it may."""


class _Limited(io.BytesIO):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - whatever a pickler writes
        if self.tell() + memoryview(data).nbytes > self._most:
            raise TooLarge
        return super().write(data)


class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """cloudpickle's, which refuses open files, and leaves out what is gathered meanwhile."""

    def __init__(
        self,
        file: BinaryIO,
        protocol: int = _PROTOCOL,
        buffer_callback: Callable[[pickle.PickleBuffer], object] | None = None,
    ) -> None:
        self._taken = None if buffer_callback is not None else taking()
        if self._taken is not None:
            self._taken.begin()
            buffer_callback = self._taken.buffer
        super().__init__(file, protocol, buffer_callback=buffer_callback)
        if self._taken is not None:  # asked of each object, which others need not pay for
            self.persistent_id = self._taken.left_out

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401 - whatever is in the value
        """Return how to pickle an object."""
        standard = obj is sys.stdout or obj is sys.stderr
        if isinstance(obj, io.TextIOWrapper) and not standard:
            raise pickle.PicklingError(f"{getattr(obj, 'name', 'a file')!r} is an open file")
        parts = reduced(obj, self)
        return super().reducer_override(obj) if parts is None else parts

    def _dynamic_function_reduce(self, func: Any) -> Any:  # noqa: ANN401
        return (made_function, *super()._dynamic_function_reduce(func)[1:])
