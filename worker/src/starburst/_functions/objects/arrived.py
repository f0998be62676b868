"""A worker's process of tasks: the objects that it was given, and pickles that speak of them."""

from __future__ import annotations

import io
import mmap
import os
import pickle
from collections.abc import Callable, Iterator
from typing import Any, Final

from starburst._functions.objects.gathering import PICKLE
from starburst._functions.objects.handles import known_here, resolve
from starburst._protocol.sealed.code.parcels import Parcel, Piece, is_parcel, read_parcel
from starburst._protocol.sealed.envelope import Buffer

__all__ = ["Objects", "load_object", "loads", "objects"]

_IMMUTABLE: Final = (bytes, str)
_CHANGEABLE: Final[dict[str, Callable[[Buffer], Any]]] = {
    "bytearray": bytearray,
    PICKLE: pickle.loads,
}


class Objects:
    """What the worker has handed to this process: sealed memory, read where it lies."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[int, int]] = {}
        self._sources: dict[str, _Arrived] = {}
        self._shared: dict[str, Parcel] = {}
        self._atoms: dict[str, dict[tuple[str, int], object]] = {}
        self._values: dict[str, object] = {}

    def add(self, name: str, fd: int) -> None:
        """Take a file in memory that holds an object."""
        self._files[name] = fd, os.fstat(fd).st_size
        self._sources[name] = _Arrived(self, name)
        known_here(name, self._sources[name])

    def forget(self, name: str) -> None:
        """Let an object go; what was made of it stays as long as it is used."""
        fd, _ = self._files.pop(name)
        os.close(fd)
        self._sources.pop(name)
        self._shared.pop(name, None)
        self._atoms.pop(name, None)
        self._values.pop(name, None)

    def value(self, name: str) -> object:
        """Return what was put: the same within one task, and its own for each."""
        if name not in self._values:
            self._values[name] = load_object(self._map(name), atoms=self._kept_atoms(name))
        return self._values[name]

    def own_buffer(self, name: str) -> memoryview:
        """Return an object's data: memory that is shared until, and as far as, it is written to."""
        fd, size = self._files[name]
        own = mmap.mmap(fd, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        return memoryview(read_parcel(memoryview(own)).sections[1])

    def atom(self, name: str, kind: str) -> object:
        """Return an object's data; as bytes or text, one of each in this process."""
        return _atom(kind, 0, self._map(name).sections[1], self._kept_atoms(name))

    def end_task(self) -> None:
        """Let go of what the next task gets its own of."""
        kept = {n: value for n, value in self._values.items() if type(value) in _IMMUTABLE}
        self._values = kept

    def _kept_atoms(self, name: str) -> dict[tuple[str, int], object]:
        return self._atoms.setdefault(name, {})

    def _map(self, name: str) -> Parcel:
        if name not in self._shared:
            fd, size = self._files[name]
            # Private, for kernels that refuse to share what is sealed, were it only to read.
            shared = mmap.mmap(fd, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
            self._shared[name] = read_parcel(memoryview(shared))
        return self._shared[name]


class _Arrived:
    """The source of handles of an object that is here."""

    def __init__(self, held: Objects, name: str) -> None:
        self._held = held
        self._name = name

    def value(self) -> object:
        return self._held.value(self._name)


objects: Final = Objects()
"""Of this process, which a worker has started for tasks."""


def loads(data: Buffer) -> Any:  # noqa: ANN401 - whatever was sent
    """Load a pickle, or a parcel with one; what it shares with others can be written to.

    Handles among arguments are replaced by their values. Loading runs code: see
    :func:`starburst._functions.payload.load`.
    """
    if not is_parcel(data):
        return pickle.loads(data)  # noqa: S301 - the caller has verified it
    parcel = read_parcel(data)
    value = _load(
        parcel,
        buffers=(_own(parcel, piece) for piece in parcel.buffers),
        atoms=_Atoms(parcel, {}),
    )
    handles = {*parcel.needs}.difference(parcel.buffers, parcel.atoms)
    return resolve(value) if handles else value


def load_object(parcel: Parcel, atoms: dict[tuple[str, int], object] | None = None) -> object:
    """Load what was put; arrays in it are views of the parcel, and cannot be written to.

    Args:
        parcel: of the value.
        atoms: bytes and texts that were made of it before.
    """
    value = _load(
        parcel,
        buffers=(memoryview(s).toreadonly() for s in parcel.sections[1 : 1 + len(parcel.buffers)]),
        atoms=_Atoms(parcel, {} if atoms is None else atoms),
    )
    return resolve(value) if parcel.needs else value


def _own(parcel: Parcel, piece: Piece) -> Buffer:
    """Return a buffer that can be written to, and is nobody else's."""
    if isinstance(piece, str):
        return objects.own_buffer(piece)
    return bytearray(parcel.sections[piece])


class _Atoms:
    """Bytes and texts of one pickle, by their numbers.

    Args:
        parcel: the pickle's.
        kept: those that were made before.
    """

    def __init__(self, parcel: Parcel, kept: dict[tuple[str, int], object]) -> None:
        self._parcel = parcel
        self._kept = kept
        self._changeable: dict[int, object] = {}

    def __getitem__(self, key: tuple[str, int]) -> object:
        kind, number = key
        if number in self._changeable:
            return self._changeable[number]
        piece = self._parcel.atoms[number]
        if isinstance(piece, str):
            made = objects.atom(piece, kind)
        else:
            made = _atom(kind, number, self._parcel.sections[piece], self._kept)
        if kind in _CHANGEABLE:
            self._changeable[number] = made
        return made


def _atom(kind: str, number: int, data: Buffer, kept: dict[tuple[str, int], object]) -> object:
    if kind in _CHANGEABLE:
        return _CHANGEABLE[kind](data)
    if (kind, number) not in kept:
        made = str(data, "utf-8", "surrogatepass") if kind == "str" else bytes(data)
        kept[kind, number] = made
    return kept[kind, number]


def _load(parcel: Parcel, *, buffers: Iterator[Buffer], atoms: _Atoms) -> Any:  # noqa: ANN401
    pickled = parcel.sections[0]
    if not parcel.atoms:
        return pickle.loads(pickled, buffers=buffers)  # noqa: S301 - the caller has verified it
    return _Unpickler(pickled, buffers=buffers, atoms=atoms).load()


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: Buffer, *, buffers: Iterator[Buffer], atoms: _Atoms) -> None:
        super().__init__(io.BytesIO(data), buffers=buffers)
        self._atoms = atoms

    def persistent_load(self, pid: Any) -> object:  # noqa: ANN401 - typed so by pickle
        return self._atoms[pid]
