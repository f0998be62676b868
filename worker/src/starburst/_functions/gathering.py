"""What is taken out of a pickle while it is made: large buffers, long bytes and texts, handles."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starburst._protocol.sealed.envelope import Buffer

from .handles import Handle

__all__ = ["Gathering", "gathering", "taking"]


class Gathering:
    """Takes what is large out of a pickle; what it took is of the last pickle that began.

    Args:
        least: bytes from which on something is taken out.
        admit: returns the name under which a handle's object is stored; raises where it cannot be.

    Attributes:
        buffers: of arrays, frames and such, in the order in which the pickle asks for them.
        atoms: bytes and texts, of which the pickle speaks by number.
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

    def atom(self, value: bytes | bytearray | str) -> tuple[str, int]:
        """Take bytes or a text out; return what stands for it: its kind and its number."""
        known = self._numbers.get(id(value))
        if known is None:
            self._alive.append(value)  # so that no other gets its id
            data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
            known = type(value).__name__, len(self.atoms)
            self._numbers[id(value)] = known
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
