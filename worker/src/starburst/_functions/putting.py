"""Handles on the client: what was put, where its value is, and under which name it is stored."""

from __future__ import annotations

import dataclasses
import functools
import secrets
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from starburst._functions.objects.arrived import load_object
from starburst._functions.objects.contents import content_of
from starburst._functions.objects.gathering import Gathering, gathering
from starburst._functions.objects.handles import Handle, known_here, source_of
from starburst._protocol.sealed.code.parcels import MAX_OBJECT_BYTES, Parcel
from starburst.errors import UnpicklableInput

from .payload import dump_shared

__all__ = [
    "Admit",
    "Snapshot",
    "Stored",
    "new_name",
    "noted",
    "parcel_of",
    "put",
    "too_large",
]

T = TypeVar("T")

_BESIDE_BYTES: Final = 1 << 16
"""Of what is put, buffers from this size on are read where they lie."""

Admit: TypeAlias = Callable[[Handle[Any]], str]
"""Returns the name of the object of a handle within what is put; raises where it cannot be."""


class Snapshot:
    """The source of a handle that belongs to no session: a copy of the value as it was.

    Args:
        parcel: what it travels as.
        within: the sources of handles in it.
    """

    def __init__(self, parcel: Parcel, within: Sequence[Snapshot]) -> None:
        self.name = new_name()
        self.parcel = parcel
        self.within = tuple(within)
        known_here(self.name, self)

    @functools.cached_property
    def _value(self) -> object:
        return load_object(self.parcel)

    def value(self) -> object:
        """Return the value; arrays in it cannot be written to."""
        return self._value


class Stored:
    """The source of a handle that belongs to one session.

    Args:
        session: its id.
        name: of the object.
        needs: names of the objects of all handles in it.
        within: their sources, those that are directly in it.
        note: what is noted of its pickle, see :func:`noted`.
        read: reads it back.
    """

    def __init__(
        self,
        session: str,
        name: str,
        *,
        note: bytes,
        needs: tuple[str, ...],
        within: Sequence[object],
        read: Callable[[str], Parcel],
    ) -> None:
        self.session = session
        self.name = name
        self.needs = needs
        self.note = note
        self._within = tuple(within)
        self._read = read
        known_here(self.name, self)

    @functools.cached_property
    def _value(self) -> object:
        return load_object(self._read(self.name))

    def value(self) -> object:
        """Return the value, read from the session; arrays in it cannot be written to."""
        return self._value


def put(value: T) -> Handle[T]:
    """Copy a value once for all sessions in which its handle is used; return the handle.

    Pass the handle in the place of the value. As an argument of a task, alone or anywhere in lists,
    tuples, dicts and sets, it arrives as the value. Code that names the handle, in a closure, a
    global or an attribute of an object of yours, asks for ``handle.value``, on a worker as here.
    The value is sent once a session, each worker holds one copy, and tasks read arrays, tables of
    numbers and Arrow data where they lie; these cannot be written to. What is changed here after
    ``put`` is not sent.

    Args:
        value: anything that can travel, up to 2 GB, and half of a worker's memory.

    Returns:
        its handle, which keeps a copy in this process for as long as it is referred to.

    Raises:
        UnpicklableInput: it cannot travel, or is too large.

    Example:
        >>> table = put([1, 2, 3])
        >>> table.value
        [1, 2, 3]
        >>> starburst.map(f, [(table, n) for n in range(200)])   # doctest: +SKIP
    """
    within: list[Snapshot] = []

    def admit(handle: Handle[Any]) -> str:
        source = source_of(handle)
        if not isinstance(source, Snapshot):
            raise UnpicklableInput(
                f"{handle!r} belongs to a session, and what starburst.put takes to none: put both "
                "into the session"
            )
        within.append(source)
        return source.name

    parcel = parcel_of(value, admit)
    source = _loose.get(content_of(*parcel.parts()))
    if source is None:
        sections = [s if isinstance(s, bytes) else bytes(s) for s in parcel.sections]
        copy = dataclasses.replace(parcel, sections=sections)
        source = _loose[content_of(*copy.parts())] = Snapshot(copy, within)
    return Handle(source, kind=type(value).__qualname__, nbytes=parcel.nbytes)


def parcel_of(value: object, admit: Admit) -> Parcel:
    """Return what a value travels as: its pickle, and views of its memory.

    Raises:
        UnpicklableInput: it cannot travel, or is too large for any session.
    """
    with gathering(Gathering(least=_BESIDE_BYTES, admit=admit)) as taken:
        pickled = dump_shared(value)
    middle = 1 + len(taken.buffers)
    parcel = Parcel(
        needs=tuple(dict.fromkeys(taken.names)),
        buffers=range(1, middle),
        atoms=range(middle, middle + len(taken.atoms)),
        sections=(pickled, *taken.buffers, *taken.atoms),
    )
    if parcel.nbytes > MAX_OBJECT_BYTES:
        raise UnpicklableInput(too_large(value, parcel.nbytes, MAX_OBJECT_BYTES))
    return parcel


def noted(made: bytes, *pickles: bytes) -> bytes:
    """Return bytes that hold pickles, with what is noted of these as attributes, all of it."""
    special = [each for each in pickles if type(each) is not bytes]
    if not special:
        return made
    found = type(special[0])(made)
    for each in special:
        for name, value in vars(each).items():
            setattr(found, name, value | getattr(found, name, value))
    return found


def new_name() -> str:
    """Return the name of a new object; it tells nothing of the content."""
    return f"o{secrets.token_hex(8)}"


def too_large(value: object, size: int, most: int) -> str:
    """Return why a value cannot be put that takes so many bytes."""
    return (
        f"a value of type {type(value).__qualname__} cannot be put: it takes {size / 1e6:,.0f} MB, "
        f"and at most {most / 1e6:,.0f} MB can be (2 GB, and half of a worker's memory). Put parts "
        "of it, ask for more with memory=, or store it in a file that tasks read parts of"
    )


_loose: Final[weakref.WeakValueDictionary[bytes, Snapshot]] = weakref.WeakValueDictionary()
"""By their content, so that what is put twice is kept once."""
