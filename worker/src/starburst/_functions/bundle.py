"""All that own modules need beside a pickle: their files, and what of them differs from these."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from starburst._protocol.sealed.code.functions import MOST_FILES_BYTES
from starburst.errors import UnpicklableInput

from .caller import warn
from .capturing import DYNAMIC, capture, needs_of
from .own.changes import Change, changes_of, imported_too
from .own.finding import Found, travels
from .own.project import beside, check_allowed, package_data
from .own.reach import Reached, reach
from .own.source import one_look
from .own.tree import Tree, TreeFile, in_tree, root_of
from .pickling import TooLarge
from .unpicklable import belongs_to_one_process, explain

__all__ = ["Bundle", "bundle", "read_file"]


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a function and its inputs need of own modules.

    Attributes:
        tree: the files.
        changed: names of the values that are sent beside them, as ``module.name``.
        changes: these values, pickled; empty for nothing.
        digest: of all of it.
    """

    tree: Tree
    changed: tuple[str, ...]
    changes: bytes
    digest: bytes


_MOST_UNSURE: Final = 4_000_000
"""What may have been changed, or not, is sent up to so many bytes."""

_NO_MODULES = Bundle(Tree(), (), b"", b"")
_trees: dict[tuple[frozenset[str], tuple[str, ...]], tuple[Reached, object, Tree, bytes]] = {}


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of some modules.

    Attributes:
        reached: all modules that travel.
        read: those of them that the code says it needs, and not only that it may ask for by name.
        tree: the files.
        digest: of these.
    """

    reached: Reached
    read: Reached
    tree: Tree
    digest: bytes


def bundle(needs: frozenset[str], include: tuple[str, ...] = ()) -> Bundle:
    """Return what own modules need, as they are now.

    Args:
        needs: their names, as :func:`needs_of` tells them.
        include: what travels beside what is reached.

    Raises:
        UnpicklableInput: something of it cannot travel.
    """
    if not (needs or include):
        return _NO_MODULES
    with one_look():
        while True:
            files = _files(needs, include)
            named, changes = _changes(files.reached, files.read)
            more = needs_of(changes)
            if more <= needs:
                break
            needs |= more  # as of functions of other modules that a register holds
    digest = hashlib.sha256(files.digest + changes).digest() if changes else files.digest
    return Bundle(files.tree, named, changes, digest)


def _files(needs: frozenset[str], include: tuple[str, ...]) -> _Files:
    names = frozenset(name for name in needs if name[:1] != DYNAMIC)
    reached = read = reach(names)
    dynamic = {name[1:] for name in needs - names} | {*reached.dynamic}
    more = beside(frozenset(dynamic), include)
    others = {*more.modules, *filter(travels, more.loaded())}
    if others:
        reached = reach(names | others)
    known = _trees.get((needs, include))
    if known is None or known[0] is not reached or known[1] is not more or not known[2].is_fresh():
        check_allowed(reached.modules, include)
        files = [*_reached_files(reached), *more.files, *package_data(reached.modules)]
        tree = Tree.of(files, (e for found in reached.modules.values() for e in found.entries))
        known = _trees[needs, include] = reached, more, tree, _digest(tree)
    return _Files(reached, read, known[2], known[3])


def _reached_files(reached: Reached) -> Iterator[tuple[str, str, str]]:
    for name, found in reached.modules.items():
        if found.file is not None:
            yield found.file, root_of(_base(found)), reached.reasons[name]


def _base(found: Found) -> str:
    """Return the folder that a module's project is looked for from."""
    return found.entries[0] if found.entries else os.path.dirname(found.file or "")


def _digest(tree: Tree) -> bytes:
    digest = hashlib.sha256()
    for file in tree.files:
        digest.update(f"{file.path}\0".encode() + file.digest)
    digest.update("\0".join(tree.entries).encode())
    return digest.digest()


def _changes(reached: Reached, read: Reached) -> tuple[tuple[str, ...], bytes]:
    """Pickle what differs from the files, and the order in which the modules were imported.

    Of a module that code may only ask for by name, what may have been changed is not sent: a whole
    project may be asked for so.
    """
    found = [
        each
        for name, found in reached.modules.items()
        for each in changes_of(found)
        if each.sure or name in read.modules
    ]
    if not found:
        return (), b""
    found = imported_too(found, reached.modules.values())
    surroundings = _surroundings(reached, {*read.modules, *(each.module for each in found)})
    try:
        data = capture((*surroundings, [_row(each) for each in found]), _MOST_UNSURE)
    except Exception:  # pickling runs the analyst's code: anything may be raised
        found = list(_portable(found))
        data = capture((*surroundings, [_row(each) for each in found])) if found else b""
    if data and not _comes_back(data):
        found = list(_loadable(found))
        data = capture((*surroundings, [_row(each) for each in found])) if found else b""
    if len(data) > MOST_FILES_BYTES:
        sizes = sorted(((len(capture(each.value)), _name(each)) for each in found), reverse=True)
        largest = ", ".join(f"{name} ({size / 1e6:,.1f} MB)" for size, name in sizes[:5])
        raise UnpicklableInput(
            f"values that were changed in your own modules take {len(data) / 1e6:,.1f} MB, and at "
            f"most {MOST_FILES_BYTES / 1e6:.0f} MB travel: {largest}. Pass them as an input."
        )
    return tuple(_name(each) for each in found), data


_told: set[str] = set()
_checked: set[bytes] = set()
_MOST_CHECKED: Final = 1000
_known: tuple[Reached, int, set[str], tuple[list[str], dict[str, str]]] | None = None


def _surroundings(reached: Reached, names: set[str]) -> tuple[list[str], dict[str, str]]:
    """Return which of some modules are loaded, in their order, and where the roots of files go."""
    global _known  # noqa: PLW0603 - what was asked last is asked again
    now = len(sys.modules), names
    if _known is None or _known[0] is not reached or _known[1:3] != now:
        loaded = [name for name in list(sys.modules) if name in names]
        bases = {_base(found) for found in reached.modules.values() if found.file is not None}
        roots = {root: in_tree(root, root) for root in sorted(map(root_of, bases))}
        _known = reached, len(sys.modules), names, (loaded, roots)
    return _known[3]


def _portable(changes: Sequence[Change]) -> Iterator[Change]:
    """Yield what can be sent; refuse by name what is another than its file says and cannot."""
    for each in changes:
        try:
            capture(each.value, None if each.sure else _MOST_UNSURE)
        except TooLarge:
            if _name(each) not in _told:
                _told.add(_name(each))
                warn(
                    f"{_name(each)} is too large to be sent with each function, so workers make it "
                    "as its file says. If you have changed it, pass it as an input.",
                    UserWarning,
                )
        except Exception as error:  # pickling runs the analyst's code: anything may be raised
            if each.sure and not belongs_to_one_process(each.value, capture):
                what = f"the value of {_name(each)}, which is another than its file says,"
                raise UnpicklableInput(explain(each.value, what, error, capture)) from error
        else:
            yield each


def _comes_back(data: bytes) -> bool:
    """Whether a pickle can be loaded: of a mock, for one, it cannot, and no worker would start."""
    digest = hashlib.sha256(data).digest()
    if digest not in _checked:
        try:
            pickle.loads(data)  # noqa: S301 - made a moment ago, in this process
        except Exception:  # loading runs the analyst's code: anything may be raised
            return False
        if len(_checked) >= _MOST_CHECKED:
            _checked.clear()
        _checked.add(digest)
    return True


def _loadable(changes: Sequence[Change]) -> Iterator[Change]:
    """Yield what can be loaded again; refuse by name what has to be and cannot."""
    for each in changes:
        if _comes_back(capture(each.value)):
            yield each
        elif each.sure:
            raise UnpicklableInput(
                f"the value of {_name(each)}, which is another than its file says, is pickled and "
                "cannot be loaded again, so no worker could. Pass what it is made from as an input."
            )


def _row(change: Change) -> tuple[str, tuple[str, ...], str, object]:
    return change.module, change.path, change.how, change.value


def _name(change: Change) -> str:
    return ".".join((change.module, *change.path))


def read_file(file: TreeFile) -> bytes:
    """Return the content of a file that travels.

    Raises:
        UnpicklableInput: it changes as it is read.
    """
    try:
        with open(file.source, "rb") as source:
            data = source.read()
    except OSError as error:
        raise UnpicklableInput(f"{file.source} cannot be read: {error}") from error
    if hashlib.sha256(data).digest() != file.digest:
        raise UnpicklableInput(f"{file.source} has just changed; run this again")
    return data
