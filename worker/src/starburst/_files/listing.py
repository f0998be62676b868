"""What stands in a place: page by page, however much there is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from starburst.untrusted.terminal_text import one_line

from .names import FOLDER, as_folder

if TYPE_CHECKING:
    from .places import Place

__all__ = ["Entry", "Listing", "entries", "files_below"]

_SHOWN: Final = 20
"""Entries that a listing shows of itself, as in a notebook."""

_SHORT: Final = 1024
_UNITS: Final = ("B", "KB", "MB", "GB", "TB")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A file, or a folder: what names begin with alike, up to a slash.

    Attributes:
        name: as the other calls take it; a folder's ends with a slash.
        path: ``s3://…``, as pandas and others open it.
        size: bytes; 0 for a folder.
        modified: when it was written, in seconds since 1970; 0 for a folder.
    """

    name: str
    path: str
    size: int = 0
    modified: float = 0

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return self.name.endswith(FOLDER)

    def __str__(self) -> str:
        """Return a line for a terminal: size, time, and name."""
        if self.folder:
            return f"{'':>9}  {'':16}  {one_line(self.name)}"
        written = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.modified))
        return f"{_amount(self.size):>9}  {written:16}  {one_line(self.name)}"


class Listing:
    """The files and folders in a folder, asked for as they are read: each loop asks anew.

    Shown, as in a notebook, it is a table of the first twenty.
    """

    def __init__(self, place: Place, folder: str, *, recursive: bool) -> None:
        self._place = place
        self._folder = folder
        self._recursive = recursive

    def __iter__(self) -> Iterator[Entry]:
        """Yield what there is, in the order of S3's keys."""
        return entries(self._place, as_folder(self._folder), recursive=self._recursive)

    def __repr__(self) -> str:
        """Return a table of the first entries."""
        lines = [str(each) for each in islice(self, _SHOWN + 1)]
        if not lines:
            return f"nothing below {one_line(self._place.path(self._folder))}"
        more = ["… and more"] if len(lines) > _SHOWN else []
        return "\n".join(lines[:_SHOWN] + more)


def entries(place: Place, start: str, *, recursive: bool) -> Iterator[Entry]:
    """Yield what names that begin so lead to, page by page.

    Args:
        place: where.
        start: of the names; a folder's ends with its slash.
        recursive: files at any depth, and no folders; else folders stand for what is in them.
    """
    prefix = place.key(start)
    terms: Any = {} if recursive else {"Delimiter": FOLDER}
    with place.errors(f"list {place.path(start)}"):
        pages = place.s3.get_paginator("list_objects_v2")
        asked = iter(pages.paginate(Bucket=place.bucket, Prefix=prefix, **terms))
    while True:
        with place.errors(f"list {place.path(start)}"):
            page: Any = next(asked, None)
        if page is None:
            return
        folders = [Entry(name=name, path=place.path(name)) for name in _folders(place, page)]
        # Consoles keep an empty object for a folder: it is no file.
        files = (_entry(place, each) for each in page.get("Contents", ()))
        yield from sorted(
            [*folders, *(each for each in files if not each.folder)], key=lambda each: each.name
        )


def files_below(place: Place, folder: str) -> Iterator[Entry]:
    """Yield every file below a folder."""
    return entries(place, as_folder(folder), recursive=True)


def _folders(place: Place, page: Any) -> list[str]:  # noqa: ANN401 - an answer of S3's
    return [each["Prefix"].removeprefix(place.prefix) for each in page.get("CommonPrefixes", ())]


def _entry(place: Place, found: Any) -> Entry:  # noqa: ANN401 - of an answer of S3's
    name = found["Key"].removeprefix(place.prefix)
    return Entry(
        name=name,
        path=place.path(name),
        size=found["Size"],
        modified=found["LastModified"].timestamp(),
    )


def _amount(size: float) -> str:
    """Return a number of bytes in three digits or four.

    Example:
        >>> _amount(1023), _amount(5 << 20)
        ('1023 B', '5.0 MB')
    """
    for unit in _UNITS[:-1]:
        if size < _SHORT:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= _SHORT
    return f"{size:.1f} {_UNITS[-1]}"
