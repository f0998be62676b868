"""Pickled values: only for sessions that asked for them, and only for what is not data.

A class of the analyst's own travels by name, so that the value comes back as one of the very class
that the client has; its definition travels as well, for a client that does not have it.
"""

from __future__ import annotations

import functools
import io
import pickle
import weakref
from typing import Any, Final

import cloudpickle

from starburst._functions.pickling import Pickler
from starburst.errors import IntegrityError, PayloadError

from .records import find_imported
from .structure import Code, Raise, Reader, Unsupported, Writer

__all__ = ["RAISE", "lower"]

_PROTOCOL: Final = 5
_MOST: Final = 256
_definitions: weakref.WeakKeyDictionary[type, bytes] = weakref.WeakKeyDictionary()


def lower(writer: Writer, value: object) -> object:
    """Pickle a value whole; its large buffers are placed beside, without a copy."""
    places: list[bytes | int] = []

    def place(buffer: pickle.PickleBuffer) -> bool:
        places.append(writer.place(buffer.raw()))  # pickle has refused what is not in one piece
        return False

    sink = io.BytesIO()
    try:
        _ByName(sink, _PROTOCOL, buffer_callback=place).dump(value)
    # What a user's __reduce__ raises is the user's: it becomes the reason.
    except Exception as error:
        reason = f"cannot be pickled either ({type(error).__name__}: {error})"
        raise Unsupported(value, reason, pickled=True) from error
    cls = type(value)
    name = f"{cls.__module__}.{cls.__qualname__}"
    return writer.extension(Code.PICKLE, writer.place(sink.getbuffer()), places, name)


class _ByName(Pickler):
    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401 - whatever is in the value
        if isinstance(obj, type) and _is_own(obj):
            return _own_class, (obj.__module__, obj.__qualname__, _definition(obj))
        if hasattr(type(obj), "__slots__") and _is_own(type(obj)):
            return _reduced(obj)
        return super().reducer_override(obj)


def _reduced(value: Any) -> Any:  # noqa: ANN401
    """Reduce an instance whose class has no slots here, though its definition says so.

    cloudpickle defines it with a dictionary. What stands in both of them belongs into the slots.
    """
    for name in ("__reduce__", "__reduce_ex__", "__getstate__"):
        if getattr(type(value), name) is not getattr(object, name):
            return NotImplemented
    function, args, state, *rest = value.__reduce_ex__(_PROTOCOL)
    if type(state) is tuple:
        dictionary, slots = state
        state = {k: v for k, v in (dictionary or {}).items() if k not in slots} or None, slots
    return function, args, state, *rest


def _is_own(cls: type) -> bool:
    """Whether the worker has a class only because its definition was sent."""
    named = "<locals>" not in cls.__qualname__ and cls.__module__ != "builtins"
    return named and not cloudpickle.cloudpickle._should_pickle_by_reference(cls)


def _definition(cls: type) -> bytes:
    made = _definitions.get(cls)
    if made is None:
        made = _definitions[cls] = cloudpickle.dumps(cls, _PROTOCOL)
    return made


def _own_class(module: str, name: str, definition: bytes) -> type:
    """Return the class of that name that is here, else one by its definition."""
    found = find_imported(module, name)
    return found if isinstance(found, type) else _defined(definition)


@functools.lru_cache(maxsize=_MOST)
def _defined(definition: bytes) -> type:
    """Define a class once: two results of one class are of the same."""
    made: type = pickle.loads(definition)  # noqa: S301 - within a pickle that is loaded
    return made


def _raise_pickle(reader: Reader, payload: bytes) -> object:
    if not reader.pickle_allowed:
        raise IntegrityError("a result holds a pickle although it says that it is data")
    parts = reader.unpack(payload)
    if type(parts) is not list or len(parts) not in (2, 3):  # without its type's name: older ones
        raise IntegrityError("an encoded value has an extension of another shape")
    place, places, *named = parts
    buffers = [reader.own(reader.take(each)) for each in places]
    try:
        # The session opted in: see the module's reason.
        return pickle.loads(reader.take(place), buffers=buffers)  # noqa: S301 - opted in
    except IntegrityError:
        raise
    # Unpickling may call anything, so anything may be raised.
    except Exception as error:
        of_type = f" of type {named[0]}" if named else ""
        raise PayloadError(
            f"a pickled result{of_type} cannot be loaded here ({type(error).__name__}: {error}). "
            "Install the packages that the function uses, in the versions of the worker image, "
            "or return plain values, arrays or data frames."
        ) from error


RAISE: Final[dict[int, Raise]] = {Code.PICKLE: _raise_pickle}
