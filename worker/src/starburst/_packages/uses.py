"""Which installed distributions a piece of work imports, by the names of modules.

``importlib.metadata`` knows which of them brought a module. What is the analyst's own travels as
files, and is none of these.
"""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from starburst._functions.capturing import DYNAMIC
from starburst._functions.own.finding import Found, travels
from starburst._functions.own.reach import reach
from starburst._functions.own.source import Imported, absolute, read_source, stamp_of

from .cache import kept_by

__all__ = [
    "NO_USES",
    "Uses",
    "installed_version",
    "loaded_uses",
    "normalized",
    "uses_of_file",
    "uses_of_work",
    "versions_of",
]

_GUARDS: Final = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_known: tuple[object, Mapping[str, list[str]]] | None = None
_SEPARATORS: Final = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True)
class Uses:
    """Distributions by their normalized names, and the versions that are installed here.

    Attributes:
        sure: workers need them: pickles name them, or own modules import them as they are loaded.
        maybe: an own module imports them inside a function, or where it can do without.
        named: those of the first that pickles name, so that their versions have to fit.
    """

    sure: Mapping[str, str] = field(default_factory=dict)
    maybe: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)

    @property
    def all(self) -> Mapping[str, str]:
        """Both."""
        return {**self.maybe, **self.sure}


NO_USES: Final = Uses()


def normalized(name: str) -> str:
    """Return a distribution's name as indexes compare it.

    Example:
        >>> normalized("Foo._Bar")
        'foo-bar'
    """
    return _SEPARATORS.sub("-", name).lower()


def installed_version(name: str) -> str | None:
    """Return the version of a distribution that is installed here; None where there is none."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def versions_of(modules: Iterable[str]) -> Mapping[str, str]:
    """Return names and versions of the distributions here that brought some modules."""
    wanted = {name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names}
    if not wanted:
        return {}
    return dict(_distributions(wanted, _brought()))


def uses_of_work(
    needs: frozenset[str], uses: frozenset[str], named: frozenset[str] = frozenset()
) -> Uses:
    """Return the distributions that some work imports.

    Args:
        needs: names of the own modules that it reaches.
        uses: names of modules of others that its pickles name, or its code imports.
        named: those that its pickles name.
    """
    sure, maybe = set(uses), set[str]()
    own = reach(name for name in needs if name[:1] != DYNAMIC).modules
    for found in own.values():
        at_once, later = _imported(found)
        sure |= at_once
        maybe |= later
    wanted = sure | maybe
    wanted = {name for name in wanted if name.partition(".")[0] not in sys.stdlib_module_names}
    if not wanted:
        return NO_USES
    brought = _brought()
    found_sure = dict(_distributions(sure & wanted, brought))
    found_maybe = dict(_distributions((maybe & wanted) - sure, brought))
    return Uses(
        sure=found_sure,
        maybe={name: at for name, at in found_maybe.items() if name not in found_sure},
        named=dict(_distributions(named & wanted, brought)),
    )


def _brought() -> Mapping[str, list[str]]:
    """Return which distributions brought the modules of each name; it takes a while to find out."""
    global _known  # noqa: PLW0603 - what was asked last is asked again
    places = tuple((each, stamp_of(each or os.curdir)) for each in sys.path)
    if _known is None or _known[0] != places:
        _known = places, kept_by(places, importlib.metadata.packages_distributions)
    return _known[1]


def _distributions(
    names: Iterable[str], brought: Mapping[str, list[str]]
) -> Iterator[tuple[str, str]]:
    for name in sorted(names):
        top = name.partition(".")[0]
        if travels(top):
            continue
        known = sorted(set(brought.get(top, ())))
        for each in known if len(known) < 2 else _of_namespace(name, known):  # noqa: PLR2004
            version = installed_version(each)
            if version is not None:
                yield normalized(each), version


def _of_namespace(name: str, known: list[str]) -> list[str]:
    """Return which of several distributions has a module of a package that they share."""
    parts = name.split(".")
    for length in range(len(parts), 1, -1):
        path = "/".join(parts[:length])
        found = [each for each in known if _has(each, path)]
        if found:
            return found
    return known


def _has(distribution: str, path: str) -> bool:
    files = importlib.metadata.files(distribution) or ()
    starts = (f"{path}/", f"{path}.")
    return any(file.as_posix().startswith(starts) for file in files)


def _imported(found: Found) -> tuple[set[str], set[str]]:
    """Return what an own module imports as it is loaded, and what only perhaps."""
    source = None if found.file is None else read_source(found.file)
    if source is None:
        return set(), set()
    everything = {name for each in source.imports if (name := absolute(each, found.package))}
    at_once = {
        name
        for statement in _at_once(source.top)
        for each in _statements(statement)
        if (name := absolute(each, found.package))
    }
    at_once &= everything
    return at_once, everything - at_once


def _at_once(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module that run as it is loaded, whatever is installed."""
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield statement
        elif isinstance(statement, ast.Try) and not any(map(_guards, statement.handlers)):
            yield from _at_once((*statement.body, *statement.finalbody))
        elif isinstance(statement, ast.With):
            yield from _at_once(statement.body)


def _guards(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in _GUARDS for kind in kinds)


def _statements(statement: ast.stmt) -> Iterator[Imported]:
    if isinstance(statement, ast.Import):
        yield from (Imported(0, alias.name) for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom):
        yield Imported(statement.level, statement.module or "")


def loaded_uses() -> Uses:
    """Return the distributions that what is loaded may use: this program, and own modules.

    For a session that begins before it is known what is to run in it.
    """
    main = sys.modules.get("__main__")
    names = {
        name
        for value in list(vars(main).values() if main is not None else ())
        if isinstance(name := _home_of(value), str)
    }
    file = getattr(main, "__file__", None)
    source = read_source(file) if isinstance(file, str) and file.endswith(".py") else None
    if source is not None:
        names |= {each.module for each in source.imports if not each.level}
    own = frozenset(name for name in names if travels(name))
    found = uses_of_work(own, frozenset(names - own))
    return Uses(maybe=found.all)


def uses_of_file(path: str) -> Uses:
    """Return the distributions that a program may use, its own modules beside it included."""
    folder = os.path.dirname(os.path.abspath(path))
    sys.path.insert(0, folder)  # as Python does that runs it
    try:
        source = read_source(path)
        names = {each.module for each in source.imports if not each.level} if source else set()
        own = frozenset(name for name in names if travels(name))
        return uses_of_work(own, frozenset(names - own))
    finally:
        sys.path.remove(folder)


def _home_of(value: object) -> object:
    if isinstance(value, types.ModuleType):
        return value.__name__
    kind = value if isinstance(value, types.FunctionType | type) else type(value)
    return getattr(kind, "__module__", None)
