"""What is taken out of a pickle while it is made: large buffers, long lists, handles."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from starburst._protocol.sealed.envelope import Buffer

if TYPE_CHECKING:
    from starburst._functions.objects.handles import Handle

__all__ = ["PICKLE", "Gathering", "gathering", "taking"]


PICKLE: Final = "pickle"
"""The kind of what is pickled by itself: nothing in it can be shared with anything beside it."""

_LONG: Final = frozenset({bytes, bytearray, str})
_MANY: Final = frozenset({dict, frozenset, list, set, tuple})
_FLAT: Final = frozenset({bool, bytes, complex, float, int, str, type(None)})
_LEAST_ITEMS: Final = 4096


class Gathering:
    """Takes what is large out of a pickle; what it took is of the last pickle that began.

    Args:
        least: bytes from which on something is taken out.
        admit: returns the name under which a handle's object is stored; raises where it cannot be.

    Attributes:
        buffers: of arrays, frames and such, in the order in which the pickle asks for them.
        atoms: bytes, texts, and long lists and dicts of these and numbers, pickled; the pickle
            speaks of them by number.
        names: of the objects of handles.
        refused: what ``admit`` raised.
    """

    def __init__(self, *, least: int, admit: Callable[[Handle[object]], str]) -> None:
        self.least = least
        self._admit = admit
        self.refused: Exception | None = None
        self.begin()

    def begin(self) -> None:
        """Forget what an earlier pickle, perhaps one that failed, gave."""
        self.buffers: list[memoryview] = []
        self.atoms: list[Buffer] = []
        self.names: list[str] = []
        self._numbers: dict[int, tuple[str, int]] = {}
        self._alive: list[object] = []

    def buffer(self, buffer: pickle.PickleBuffer) -> bool:
        """Take a buffer out; True for one that is to stay in the pickle."""
        try:
            view = buffer.raw()
        except BufferError:  # not in one piece: pickle says so
            return True
        if view.nbytes < self.least:
            return True
        self.buffers.append(view)
        return False

    def left_out(self, value: Any) -> tuple[str, int] | None:  # noqa: ANN401 - whatever there is
        """Return what stands in a pickle for something that was taken out: its kind and its number.

        None for what is to be pickled in its place.
        """
        cls = type(value)
        if cls in _LONG:
            return self._atom(value, cls.__name__) if len(value) >= self.least else None
        if cls in _MANY or (cls.__name__ == "ndarray" and cls.__module__ == "numpy"):
            return self._atom(value, PICKLE) if _is_flat(value, cls) else None
        return None

    def _atom(self, value: Any, kind: str) -> tuple[str, int] | None:  # noqa: ANN401
        known = self._numbers.get(id(value))
        if known is not None:
            return known
        data: Buffer = value if kind in ("bytes", "bytearray") else _encoded(value, kind)
        if len(data) < self.least:
            return None
        self._alive.append(value)  # so that no other gets its id
        known = self._numbers[id(value)] = kind, len(self.atoms)
        self.atoms.append(data)
        return known

    def handle(self, handle: Handle[object]) -> str:
        """Take a handle's object out; return its name."""
        try:
            name = self._admit(handle)
        except Exception as error:
            self.refused = error
            raise
        self.names.append(name)
        return name


def _is_flat(value: Any, cls: type) -> bool:  # noqa: ANN401 - a list, a dict or an array
    """Whether it holds many things, and all of them numbers or texts."""
    if cls in _MANY:
        if len(value) < _LEAST_ITEMS or not _FLAT.issuperset(map(type, value)):
            return False
        return cls is not dict or _FLAT.issuperset(map(type, value.values()))
    if getattr(value, "size", 0) < _LEAST_ITEMS or not value.dtype.hasobject:
        return False
    return value.dtype.names is None and _FLAT.issuperset(map(type, value.flat))


def _encoded(value: Any, kind: str) -> bytes:  # noqa: ANN401 - a text, or what is flat
    return pickle.dumps(value, 5) if kind == PICKLE else value.encode("utf-8", "surrogatepass")


class _Active(threading.local):
    gathering: Gathering | None = None


_active = _Active()


def taking() -> Gathering | None:
    """Return what takes things out of the pickles that this thread makes now, if anything does."""
    return _active.gathering


@contextmanager
def gathering(chosen: Gathering) -> Iterator[Gathering]:
    """Have pickles that this thread makes meanwhile give up what is large."""
    before, _active.gathering = _active.gathering, chosen
    try:
        yield chosen
    except Exception as error:
        if chosen.refused is not None and error is not chosen.refused:
            raise chosen.refused from None  # rather than what pickle makes of it
        raise
    finally:
        _active.gathering = before
