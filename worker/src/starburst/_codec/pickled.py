"""Pickled values: only for sessions that asked for them, and only for what is not data."""

from __future__ import annotations

import pickle
from typing import Final

from starburst._functions.pickling import dumps
from starburst.errors import IntegrityError, PayloadError

from .structure import Code, Raise, Reader, Unsupported, Writer

__all__ = ["RAISE", "lower"]


def lower(writer: Writer, value: object) -> object:
    """Pickle a value whole; its large buffers are placed beside, without a copy."""
    places: list[bytes | int] = []

    def place(buffer: pickle.PickleBuffer) -> bool:
        places.append(writer.place(buffer.raw()))  # pickle has refused what is not in one piece
        return False

    try:
        data = dumps(value, buffer_callback=place)
    # What a user's __reduce__ raises is the user's: it becomes the reason.
    except Exception as error:
        reason = f"cannot be pickled either ({type(error).__name__}: {error})"
        raise Unsupported(value, reason, pickled=True) from error
    return writer.extension(Code.PICKLE, writer.place(memoryview(data)), places)


def _raise_pickle(reader: Reader, payload: bytes) -> object:
    if not reader.pickle_allowed:
        raise IntegrityError("a result holds a pickle although it says that it is data")
    place, places = reader.fields(payload, 2)
    buffers = [reader.own(reader.take(each)) for each in places]
    try:
        # The session opted in: see the module's reason.
        return pickle.loads(reader.take(place), buffers=buffers)  # noqa: S301 - opted in
    except IntegrityError:
        raise
    # Unpickling may call anything, so anything may be raised.
    except Exception as error:
        raise PayloadError(
            f"a pickled result cannot be loaded here ({type(error).__name__}: {error}). "
            "Install the packages that the function uses, in the versions of the worker image."
        ) from error


RAISE: Final[dict[int, Raise]] = {Code.PICKLE: _raise_pickle}
