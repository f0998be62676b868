"""The files of own modules as they are laid out for a worker: as on the analyst's machine.

Each project is a folder, whose files keep their places in it, so that what a module finds from its
``__file__`` on is found there too. Modules are imported from the folders that they are imported
from here.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePath

from starburst._protocol.sealed.code.functions import MOST_FILES_BYTES
from starburst.errors import ConfigurationError, UnpicklableInput

from .places import is_installed, project_root
from .source import Stamp, stamp_of

__all__ = ["Content", "Tree", "TreeFile", "in_tree", "root_of"]


@dataclass(frozen=True, slots=True)
class Content:
    """What a file held when it was read."""

    stamp: Stamp
    digest: bytes
    size: int


@dataclass(frozen=True, slots=True, order=True)
class TreeFile:
    """One file that travels.

    Attributes:
        path: where it is put, below the folder of all.
        source: where it is here.
        why: what asked for it.
        digest: SHA-256 of its content.
        size: of it, bytes.
    """

    path: str
    source: str
    why: str
    digest: bytes = field(repr=False)
    size: int


@dataclass(frozen=True, slots=True)
class Tree:
    """All files of some modules, and the folders that these are imported from.

    Attributes:
        files: by path, in order.
        entries: first ones first, below the folder of all.
    """

    files: tuple[TreeFile, ...] = ()
    entries: tuple[str, ...] = ()

    def is_fresh(self) -> bool:
        """Whether all files are as they were when this was made."""
        return all(_contents[f.source].stamp == stamp_of(f.source) for f in self.files)

    @classmethod
    def of(cls, files: Iterable[tuple[str, str, str]], entries: Iterable[str]) -> Tree:
        """Return the tree of files, each with its root and why it travels.

        Raises:
            UnpicklableInput: a file cannot be read, or all are too large.
        """
        found: dict[str, TreeFile] = {}
        for source, root, why in files:
            path = in_tree(source, root)
            if path not in found:
                content = _content(source)
                found[path] = TreeFile(path, source, why, content.digest, content.size)
        total = sum(file.size for file in found.values())
        if total > MOST_FILES_BYTES:
            largest = sorted(found.values(), key=lambda file: -file.size)[:5]
            listed = ", ".join(f"{file.source} ({file.size / 1e6:,.1f} MB)" for file in largest)
            raise UnpicklableInput(
                f"the files of your own modules take {total / 1e6:,.1f} MB, and at most "
                f"{MOST_FILES_BYTES / 1e6:.0f} MB travel. The largest are {listed}. Name less in "
                "include=, or read data from storage inside the function."
            )
        paths = tuple(sorted(found))
        wanted = dict.fromkeys(in_tree(each, root_of(each)) for each in _by_path(entries))
        on_path = (in_tree(each, root_of(each)) for each in _own_path())
        more = [each for each in on_path if any(path.startswith(each + "/") for path in paths)]
        return cls(tuple(found[path] for path in paths), tuple(dict.fromkeys((*more, *wanted))))


_contents: dict[str, Content] = {}


def _content(path: str) -> Content:
    stamp = stamp_of(path)
    known = _contents.get(path)
    if known is not None and known.stamp == stamp:
        return known
    try:
        if stamp is not None and stamp[1] > MOST_FILES_BYTES:
            return Content(stamp, b"", stamp[1])  # all are refused for it
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise UnpicklableInput(
            f"a file of your own modules cannot be read: {error}. Make it readable, or leave it "
            "out of include=."
        ) from error
    if stamp is None:
        raise ConfigurationError(f"{path} has gone while it was read; try again")
    known = _contents[path] = Content(stamp, hashlib.sha256(data).digest(), len(data))
    return known


def root_of(folder: str) -> str:
    """Return the folder whose files keep their places, for modules imported from ``folder``."""
    return folder if is_installed(folder + os.sep) else project_root(folder)


@functools.lru_cache(maxsize=100_000)
def in_tree(path: str, root: str) -> str:
    """Return where something of a root is put, below the folder of all."""
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in os.path.basename(root))
    mark = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:8]
    relative = PurePath(os.path.relpath(path, root))
    return "/".join((f"{name or 'root'}-{mark}", *relative.parts))


def _own_path() -> list[str]:
    """Return the folders on the import path that are no installation's."""
    places = (os.path.abspath(each or os.curdir) for each in sys.path)
    return [each for each in places if os.path.isdir(each) and not is_installed(each + os.sep)]


def _by_path(entries: Iterable[str]) -> list[str]:
    """Return folders in the order of the import path; those that are not on it come last."""
    places = [os.path.realpath(each) for each in _own_path()]
    known = {place: number for number, place in reversed([*enumerate(places)])}
    return sorted(
        dict.fromkeys(entries),
        key=lambda each: (known.get(os.path.realpath(each), len(places)), each),
    )
