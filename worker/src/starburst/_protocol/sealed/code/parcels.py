"""Parcels: a pickle, what travels beside it, and the names of the stored objects that it needs.

Most tasks and functions are a bare pickle. One that shares something large with others is a parcel,
and so is each *object* that they share::

    magic 4 | table length 4 | table | section … section

Each section begins at a multiple of 64 bytes, so that an array can be read where it lies. A parcel
travels within what the client signed: a worker reads from its table which objects to fetch, before
anything is unpickled.

Example:
    >>> parcel = Parcel(needs=("o1",), buffers=("o1", 1), sections=(b"pickle", b"beside it"))
    >>> data = b"".join(parcel.parts())
    >>> objects_of(data), objects_of(b"a bare pickle")
    (('o1',), ())
    >>> [bytes(section) for section in read_parcel(data).sections]
    [b'pickle', b'beside it']
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from starburst._protocol.sealed.envelope import Buffer, Header
from starburst._protocol.sealed.tables import dump_table, load_table, text, whole
from starburst.errors import IntegrityError

__all__ = [
    "MAX_OBJECT_BYTES",
    "Parcel",
    "Piece",
    "is_parcel",
    "object_header",
    "objects_bytes",
    "objects_of",
    "read_parcel",
]

MAX_OBJECT_BYTES: Final = 2 * 10**9
"""The largest object that is stored in one piece."""

Piece: TypeAlias = str | int
"""Where a pickle's buffer is: the second section of an object, or a section of this parcel."""

_MAGIC: Final = b"SBP1"
_HEAD: Final = struct.Struct(">4sI")
_ALIGNED: Final = 64


def objects_bytes(memory_gb: float) -> int:
    """Return how many bytes of objects a worker keeps at most, and one task may need.

    Example:
        >>> objects_bytes(4)
        2000000000
    """
    return int(memory_gb * 10**9 / 2)


def object_header(session: str, name: str) -> Header:
    """Return the header that a sealed object must carry."""
    return Header(session=session, kind="input", name=name, attempt=0, format="object")


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """What stands in a parcel.

    Attributes:
        needs: names of the objects that must be there when the pickle is loaded.
        buffers: where the pickle's buffers are, in their order.
        atoms: where bytes and texts are that the pickle speaks of by number.
        sections: the pickle first.
    """

    needs: Sequence[str] = ()
    buffers: Sequence[Piece] = ()
    atoms: Sequence[Piece] = ()
    sections: Sequence[Buffer]

    @property
    def nbytes(self) -> int:
        """Bytes of all sections."""
        return sum(memoryview(section).nbytes for section in self.sections)

    def parts(self) -> Iterator[Buffer]:
        """Yield the parcel in pieces, large sections uncopied."""
        sizes = [memoryview(section).nbytes for section in self.sections]
        table = dump_table([list(self.needs), list(self.buffers), list(self.atoms), sizes])
        yield _HEAD.pack(_MAGIC, len(table)) + table
        at = _HEAD.size + len(table)
        for section, size in zip(self.sections, sizes, strict=True):
            gap = -at % _ALIGNED
            yield bytes(gap)
            yield section
            at += gap + size


def is_parcel(data: Buffer) -> bool:
    """Whether these bytes are a parcel rather than a pickle."""
    return bytes(memoryview(data)[:4]) == _MAGIC


def objects_of(data: Buffer) -> tuple[str, ...]:
    """Return the names of the objects that a task or a function needs; none for a bare pickle.

    Raises:
        IntegrityError: its table cannot be read.
    """
    return _read_table(memoryview(data)).needs if is_parcel(data) else ()


def read_parcel(data: Buffer) -> Parcel:
    """Return what a parcel holds; its sections are views of ``data``.

    Raises:
        IntegrityError: it cannot be read.
    """
    view = memoryview(data)
    table = _read_table(view)
    at = table.end
    sections: list[memoryview] = []
    for size in table.sizes:
        at += -at % _ALIGNED
        sections.append(view[at : at + size])
        at += size
    pieces = [*table.buffers, *table.atoms]
    wrong = any(type(piece) is int and piece >= len(sections) for piece in pieces)
    if at != view.nbytes or not sections or wrong:
        raise IntegrityError("a parcel is malformed: its table and its length differ")
    return Parcel(needs=table.needs, buffers=table.buffers, atoms=table.atoms, sections=sections)


class _Table(NamedTuple):
    needs: tuple[str, ...]
    buffers: tuple[Piece, ...]
    atoms: tuple[Piece, ...]
    sizes: tuple[int, ...]
    end: int


def _read_table(view: memoryview) -> _Table:
    try:
        _, length = _HEAD.unpack_from(view)
        end = _HEAD.size + length
        if end > view.nbytes:
            raise ValueError("it is cut short")
        needs, buffers, atoms, sizes = load_table(view[_HEAD.size : end])
        return _Table(
            needs=tuple(map(text, needs)),
            buffers=tuple(map(_piece, buffers)),
            atoms=tuple(map(_piece, atoms)),
            sizes=tuple(map(whole, sizes)),
            end=end,
        )
    except (TypeError, ValueError, struct.error) as error:
        raise IntegrityError(f"a parcel is malformed: {error}") from None


def _piece(value: object) -> Piece:
    return value if isinstance(value, str) else whole(value)
