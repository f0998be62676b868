"""What several functions and inputs of one client hold: found, named, and sent once.

An array that a function captures, or an input that carries what an earlier one carried, is stored
as an object of its own, and each pickle names it. What counts is the content at the time: it is
read at each use, so that a change in between is sent.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from starburst._functions.objects.contents import content_of
from starburst._functions.objects.gathering import Gathering, gathering
from starburst._functions.objects.handles import Handle, source_of
from starburst._protocol.sealed.code.parcels import Parcel, Piece
from starburst._protocol.sealed.envelope import Buffer
from starburst.errors import UnpicklableInput

from .caller import warn
from .payload import (
    LARGE_BYTES,
    LargePayloadWarning,
    dump_function,
    dump_input,
)
from .putting import Snapshot, Stored, new_name, noted, parcel_of, too_large

__all__ = ["SHARED_BYTES", "Sharing"]

T = TypeVar("T")

SHARED_BYTES: Final = 1 << 20
"""Less than this travels with what it is part of."""

_MOST_PIECES: Final = 64
"""So many objects at most are made of one pickle: each is a file to a worker."""

_REMEMBERED: Final = 100_000
_SMALL_ARGUMENTS: Final = 1 << 16
_TOLD_BYTES: Final = 200_000_000


@dataclass(frozen=True, slots=True)
class _Copy:
    """A large buffer that no other pickle has had so far."""

    content: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class _Draft:
    """A pickle of which it is not decided yet what travels beside it."""

    pickled: bytes
    buffers: list[str | _Copy]
    atoms: list[str | _Copy]
    handles: list[str]

    def __len__(self) -> int:
        """Bytes that it holds."""
        copies = (each for each in (*self.buffers, *self.atoms) if isinstance(each, _Copy))
        return len(self.pickled) + sum(len(each.data) for each in copies)


class Sharing:
    """What one client has sent in one session, or will when that begins.

    Args:
        most: bytes of all objects that one task may need.

    Attributes:
        session: its id; empty before it begins.
    """

    def __init__(self, *, most: int) -> None:
        self.session = ""
        self._most = most
        self._lock = threading.RLock()
        self._seen: dict[bytes, None] = {}
        self._names: dict[bytes, str] = {}
        self._sizes: dict[str, int] = {}
        self._inner: dict[str, tuple[str, ...]] = {}
        self._notes: dict[str, bytes] = {}
        self._waiting: dict[str, Parcel] = {}
        self._told = 0

    def function(self, function: Callable[..., Any]) -> bytes:
        """Pickle a function; large arrays that it captures become objects.

        Raises:
            UnpicklableInput: it cannot travel.
        """
        with gathering(Gathering(least=SHARED_BYTES, admit=self._admit)) as taken:
            pickled = dump_function(function)
        made = self._draft(pickled, taken, at_once=True)
        if len(pickled) >= SHARED_BYTES and self._is_new(content_of(pickled)):
            self._count("a function", pickled)
        return made if isinstance(made, bytes) else self._settle(made)

    def input(self, value: object) -> bytes:
        """Pickle an input; a large buffer in it that an earlier one had becomes an object.

        Raises:
            UnpicklableInput: it cannot travel.
        """
        made = self._dump(value)
        return made if isinstance(made, bytes) else self._settle(made)

    def inputs(
        self,
        values: Iterable[object],
        watched: Callable[[Iterator[bytes | _Draft]], Iterator[bytes | _Draft]] = iter,
    ) -> Iterator[bytes]:
        """Do as :meth:`input` for all of them; also the first that has something names it.

        Args:
            values: the inputs.
            watched: passes on what each has become, and may count it.
        """
        held: deque[bytes | _Draft] = deque()
        for made in watched(map(self._dump, values)):
            if held or isinstance(made, _Draft):
                held.append(made)
            else:
                yield made
        while held:
            made = held.popleft()
            yield made if isinstance(made, bytes) else self._settle(made)

    def call(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[bytes, bytes]:
        """Pickle one call: its function, and its ``(args, kwargs)``.

        Small arguments of a partial travel with the others: many calls differ in these alone.

        Raises:
            UnpicklableInput: one of them cannot travel.
        """
        inner, all_args, all_kwargs = _unwrapped(function, args, kwargs)
        if inner is not function:
            with contextlib.suppress(UnpicklableInput):  # it is told of as a part of the function
                data = self.input((all_args, all_kwargs))
                if len(data) <= _SMALL_ARGUMENTS:
                    return self.function(inner), data
        return self.function(function), self.input((args, kwargs))

    def put(
        self,
        value: T,
        *,
        store: Callable[[str, Parcel], None],
        read: Callable[[str], Parcel],
    ) -> Handle[T]:
        """Have a value stored once; return its handle.

        Args:
            value: anything that can travel.
            store: stores an object under a name.
            read: reads it back.

        Raises:
            UnpicklableInput: it cannot travel, or is too large.
        """
        within: list[object] = []

        def admit(handle: Handle[Any]) -> str:
            within.append(source_of(handle))
            return self._admit(handle)

        parcel = parcel_of(value, admit)
        if parcel.nbytes > self._most:
            raise UnpicklableInput(too_large(value, parcel.nbytes, self._most))
        content = content_of(*parcel.parts())
        name = self._names.get(content)
        if name is None:
            name = new_name()
            store(name, parcel)
            self._names[content], self._sizes[name] = name, parcel.nbytes
        needs = self._all(parcel.needs)
        self._inner[name] = needs
        note = self._notes[name] = noted(b"", _pickle_of(parcel))
        source = Stored(self.session, name, needs=needs, within=within, note=note, read=read)
        return Handle(source, kind=_kind(value), nbytes=parcel.nbytes)

    def parcel(self, name: str) -> Parcel:
        """Return what an object is that waits to be stored."""
        with self._lock:
            return self._waiting[name]

    @property
    def is_all_stored(self) -> bool:
        """Whether nothing waits to be stored."""
        return not self._waiting

    def waiting(self) -> Iterator[tuple[str, Parcel]]:
        """Yield objects that are not stored yet; each counts as stored once the next is asked."""
        while self._waiting:
            with self._lock:
                name = next(iter(self._waiting), None)
                if name is None:
                    return
                parcel = self._waiting[name]
            yield name, parcel
            with self._lock:
                self._waiting.pop(name, None)

    def _dump(self, value: object) -> bytes | _Draft:
        with gathering(Gathering(least=SHARED_BYTES, admit=self._admit)) as taken:
            pickled = dump_input(value)
        made = self._draft(pickled, taken, at_once=False)
        self._tell(value, pickled, made)
        return made

    def _draft(self, pickled: bytes, taken: Gathering, *, at_once: bool) -> bytes | _Draft:
        if not (taken.buffers or taken.atoms or taken.names):
            return pickled
        views = [*taken.buffers, *(memoryview(each) for each in taken.atoms)]
        largest = sorted(range(len(views)), key=lambda number: -views[number].nbytes)
        chosen = {*largest[:_MOST_PIECES]}
        placed: list[str | _Copy] = [
            self._place(view, at_once=at_once) if number in chosen else _Copy(b"", bytes(view))
            for number, view in enumerate(views)
        ]
        middle = len(taken.buffers)
        return _Draft(pickled, placed[:middle], placed[middle:], taken.names)

    def _place(self, view: memoryview, *, at_once: bool) -> str | _Copy:
        content = content_of(view)
        with self._lock:
            name = self._names.get(content)
            if name is not None:
                return name
            again = not self._is_new(content)
            shared = (at_once or again) and view.nbytes <= self._most
        data = bytes(view)
        return self._object(data) if shared else _Copy(content, data)

    def _object(self, data: bytes) -> str:
        """Return the name of the object that holds this data, which nobody can change any more."""
        content = content_of(data)
        with self._lock:
            return self._names.get(content) or self._keep(
                content, new_name(), Parcel(sections=(b"", data))
            )

    def _keep(self, content: bytes, name: str, parcel: Parcel) -> str:
        self._names[content] = name
        self._sizes[name] = parcel.nbytes
        self._waiting[name] = parcel
        return name

    def _settle(self, draft: _Draft) -> bytes:
        """Decide what of a draft travels within it, and what is named."""
        sections: list[Buffer] = [draft.pickled]

        def piece(placed: str | _Copy) -> Piece:
            if isinstance(placed, _Copy):
                name = self._names.get(placed.content)
                if name is None:
                    sections.append(placed.data)
                    return len(sections) - 1
                return name
            return placed

        buffers, atoms = [*map(piece, draft.buffers)], [*map(piece, draft.atoms)]
        named = [each for each in (*buffers, *atoms) if isinstance(each, str)]
        needs = self._all((*named, *draft.handles))
        self._check(needs)
        parcel = Parcel(needs=needs, buffers=buffers, atoms=atoms, sections=sections)
        notes = (self._notes[name] for name in needs if name in self._notes)
        return noted(b"".join(parcel.parts()), draft.pickled, *notes)

    def _check(self, needs: Sequence[str]) -> None:
        size = sum(self._sizes.get(name, 0) for name in needs)
        if size > self._most:
            raise UnpicklableInput(
                f"what one task needs of large data takes {size / 1e6:,.0f} MB, and a worker of "
                f"this session can hold {self._most / 1e6:,.0f} MB: half of its memory. Ask for "
                "more with memory=, or give each task a part"
            )

    def _admit(self, handle: Handle[Any]) -> str:
        """Return the name under which a handle's object is in this session."""
        source = source_of(handle)
        if isinstance(source, Snapshot):
            self._admit_snapshot(source)
            return source.name
        if not isinstance(source, Stored) or source.session != self.session:
            there = getattr(source, "session", "another")
            raise UnpicklableInput(
                f"{handle!r} was put into session {there} and cannot be sent to "
                f"{f'session {self.session}' if self.session else 'a new session'}: put the value "
                "there too, or use starburst.put, whose handles fit every session"
            )
        self._sizes.setdefault(source.name, handle.nbytes)
        self._inner.setdefault(source.name, source.needs)
        self._notes.setdefault(source.name, source.note)
        return source.name

    def _admit_snapshot(self, source: Snapshot) -> None:
        for inner in source.within:
            self._admit_snapshot(inner)
        with self._lock:
            if source.name not in self._sizes:
                self._sizes[source.name] = source.parcel.nbytes
                self._inner[source.name] = self._all([inner.name for inner in source.within])
                self._notes[source.name] = noted(b"", _pickle_of(source.parcel))
                self._waiting[source.name] = source.parcel

    def _all(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return names, each once, with those of what is within them."""
        return tuple(
            dict.fromkeys(each for name in names for each in (name, *self._inner.get(name, ())))
        )

    def _tell(self, value: object, pickled: bytes, made: bytes | _Draft) -> None:
        """Warn of what takes long to send, and cannot be found to be sent again and again."""
        if isinstance(made, _Draft):
            size = len(pickled) + sum(
                len(each.data) for each in (*made.buffers, *made.atoms) if isinstance(each, _Copy)
            )
            if len(pickled) <= LARGE_BYTES < size:
                _warn(
                    f"an input of type {_kind_of_input(value)} takes {size / 1e6:,.0f} MB to "
                    "send. Pass only the part that is needed, or where to read it."
                )
        if len(pickled) >= SHARED_BYTES:
            self._count("an input", pickled)

    def _count(self, what: str, pickled: bytes) -> None:
        before, self._told = self._told, self._told + len(pickled)
        if before <= _TOLD_BYTES < self._told:
            _warn(
                f"functions and inputs take {self._told / 1e6:,.0f} MB to send so far, {what} "
                f"alone {len(pickled) / 1e6:,.0f} MB. What they have in common travels once where "
                "it is put: pass starburst.put(x) in the place of x."
            )

    def _is_new(self, content: bytes) -> bool:
        """Whether nothing of this content was seen before; from now on it was."""
        with self._lock:
            if content in self._seen:
                return False
            if len(self._seen) >= _REMEMBERED:
                self._seen.pop(next(iter(self._seen)))
            self._seen[content] = None
            return True


def _unwrapped(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]]:
    """Return what a call of a partial calls, and with what."""
    hole = getattr(functools, "Placeholder", None)  # Python 3.14
    while isinstance(function, functools.partial):
        with_more = type(function) is not functools.partial or bool(vars(function))
        if with_more or (hole is not None and any(each is hole for each in function.args)):
            break
        args, kwargs = (*function.args, *args), {**function.keywords, **kwargs}
        function = function.func
    return function, args, kwargs


def _pickle_of(parcel: Parcel) -> bytes:
    pickled = parcel.sections[0]
    return pickled if isinstance(pickled, bytes) else b""


def _kind_of_input(value: Any) -> str:  # noqa: ANN401 - ``(args, kwargs)``
    args, kwargs = value
    return _kind(args[0]) if len(args) == 1 and not kwargs else "tuple"


def _kind(value: object) -> str:
    return type(value).__qualname__


def _warn(message: str) -> None:
    warn(message, LargePayloadWarning)
