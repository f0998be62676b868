"""What own modules a piece of work reaches: those that it names, and those that these import."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .finding import Found, find, parents
from .source import Imported, Stamp, absolute, read_source, stamp_of

__all__ = ["Reached", "imported_names", "reach"]


@dataclass(frozen=True, slots=True)
class Reached:
    """Own modules by name, and why each is here.

    Attributes:
        modules: those that travel.
        reasons: what reached them first.
        dynamic: files among them whose imports cannot be read off them.
        absent: names that may be modules, and are none for now.
        places: the folders on the import path, as they were when these were looked for.
        stamps: of the files, as they were read.
    """

    modules: Mapping[str, Found]
    reasons: Mapping[str, str]
    dynamic: tuple[str, ...]
    absent: frozenset[str]
    places: tuple[Stamp | None, ...]
    stamps: Mapping[str, Stamp | None]

    def holds(self) -> bool:
        """Whether all files are as they were read, and no module has come."""
        return all(stamp_of(path) == stamp for path, stamp in self.stamps.items()) and (
            not self.absent or self.places == _places() or not any(map(find, self.absent))
        )


_known: dict[frozenset[str], Reached] = {}


def reach(names: Iterable[str]) -> Reached:
    """Return the own modules among ``names``, and what they import."""
    key = frozenset(names)
    known = _known.get(key)
    if (
        known is not None
        and known.holds()
        and all(find(name) == found for name, found in known.modules.items())
    ):
        return known
    found = _known[key] = _closure(sorted(key))
    return found


def _closure(names: list[str]) -> Reached:
    modules: dict[str, Found] = {}
    reasons = dict.fromkeys(names, "used")
    stamps: dict[str, Stamp | None] = {}
    dynamic: list[str] = []
    absent: set[str] = set()
    pending = [name for each in names for name in parents(each)]
    for name in names:
        for parent in parents(name):
            reasons.setdefault(parent, f"the package of {name}")
    for name in pending:
        if name in modules or name in absent:
            continue
        found = find(name)
        if found is None:
            continue
        modules[name] = found
        source = None if found.file is None else read_source(found.file)
        if found.file is not None:
            stamps[found.file] = None if source is None else source.stamp
        if source is None or not source.path.endswith(".py"):
            continue
        if source.dynamic:
            dynamic.append(source.path)
        for imported in imported_names(source.imports, found.package):
            if find(imported) is None:
                if _may_come(imported):
                    absent.add(imported)
                continue
            for each in parents(imported):
                reasons.setdefault(each, f"imported by {name}")
                pending.append(each)
    return Reached(
        modules, reasons, tuple(dynamic), frozenset(absent), _places() if absent else (), stamps
    )


def _places() -> tuple[Stamp | None, ...]:
    return tuple(stamp_of(each or os.curdir) for each in sys.path)


def _may_come(name: str) -> bool:
    """Whether a name stands for a module that is not there yet, and may be the next time."""
    return "." not in name and name not in sys.modules and name not in sys.stdlib_module_names


def imported_names(imports: Iterable[Imported], package: str) -> Iterator[str]:
    """Yield the full names of what import statements may import, modules or not."""
    for each in imports:
        base = absolute(each, package)
        if not base:
            continue
        yield base
        if find(base.partition(".")[0]) is None:
            continue  # nothing in what is installed is ours
        for name in each.names:
            if name != "*":
                yield f"{base}.{name}"
            else:
                found = find(base)
                source = read_source(found.file) if found and found.file else None
                yield from (f"{base}.{offer}" for offer in (source.offers if source else ()))
