"""The lines of code that travels by value, so that a traceback on a worker can show them.

A script, a cell of a notebook and a function made inside another are no file where they run. Their
lines go with the code, and Python's own cache of lines hands them to whatever shows a traceback.
"""

from __future__ import annotations

import linecache
import re
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeAlias

__all__ = ["Source", "as_written", "is_nowhere", "made_with_source", "source_of", "without_places"]

Source: TypeAlias = tuple[str, int, tuple[str, ...]]
"""The name of a file, the number of a first line, and the lines from there on."""

_CELL: Final = re.compile(r".*[/\\]ipykernel_\d+[/\\]([^/\\]+)\.py")
"""How a notebook's kernel calls what is in no file: by its own process."""

_MOST_LINES: Final = 2_000
_MOST_CHARACTERS: Final = 200_000


_here = threading.local()


@contextmanager
def without_places() -> Iterator[None]:
    """Have code pickled meanwhile, by this thread, without where it stands: to be compared only."""
    before, _here.nowhere = is_nowhere(), True
    try:
        yield
    finally:
        _here.nowhere = before


def is_nowhere() -> bool:
    """Whether this thread pickles code without where it stands."""
    return getattr(_here, "nowhere", False)


def source_of(function: types.FunctionType) -> Source | None:
    """Return the lines that a function stands in; None where nobody knows them."""
    if is_nowhere():
        return None
    code = function.__code__
    first = code.co_firstlineno
    with suppress(Exception):  # a loader of the user's own may raise anything
        lines = linecache.getlines(code.co_filename, function.__globals__)
        found = tuple(lines[first - 1 : min(_last(code), first + _MOST_LINES)])
        if found and sum(map(len, found)) < _MOST_CHARACTERS:
            return _shown(code.co_filename), first, found
    return None


def as_written(code: types.CodeType) -> tuple[Callable[..., types.CodeType], tuple[Any, ...]]:
    """Return how code is made anew under its own file's name, as of ``__reduce__``.

    cloudpickle has had names of its own for that: ``<dynamic-code>`` since 3.1.3. Texts and tuples
    are copies, since a pickle tells whether two of them are one, which differs between processes.
    So does the order of a set.
    """
    nowhere = is_nowhere()
    sets = tuple(n for n, each in enumerate(code.co_consts) if type(each) is frozenset)
    consts = tuple(
        (*sorted(each, key=repr),) if type(each) is frozenset else each for each in code.co_consts
    )
    terms = (
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_nlocals,
        code.co_stacksize,
        code.co_flags,
        code.co_code,
        consts,
        (*code.co_names,),
        (*code.co_varnames,),
        "" if nowhere else "".join(_shown(code.co_filename)),
        "".join(code.co_name),
        code.co_qualname,
        0 if nowhere else code.co_firstlineno,
        b"" if nowhere else code.co_linetable,
        code.co_exceptiontable,
        (*code.co_freevars,),
        (*code.co_cellvars,),
    )
    return (_with_sets, (sets, *terms)) if sets else (types.CodeType, terms)


def _with_sets(sets: tuple[int, ...], *terms: Any) -> types.CodeType:
    """Make code some of whose constants travelled in the order of their words."""
    code = types.CodeType(*terms)
    consts = [*code.co_consts]
    for each in sets:
        consts[each] = frozenset(consts[each])
    return code.replace(co_consts=tuple(consts))


def _shown(name: str) -> str:
    cell = _CELL.fullmatch(name)
    return name if cell is None else f"<notebook cell {cell[1]}>"


def _last(code: types.CodeType) -> int:
    """Return the last line of a function, and of those inside it."""
    own = max((line for *_, line in code.co_lines() if line), default=code.co_firstlineno)
    inner = (_last(each) for each in code.co_consts if isinstance(each, types.CodeType))
    return max(own, *inner, own)


def made_with_source(source: Source, make: Callable[..., Any], *terms: Any) -> Any:  # noqa: ANN401
    """Make a function whose lines are known from now on."""
    name, first, lines = source
    held = linecache.cache.get(name)
    known = list(held[2]) if held and len(held) > 1 and held[1] is None else []
    if held is None or known:  # else there is such a file here: what it holds is shown
        known += [""] * (first - 1 + len(lines) - len(known))
        known[first - 1 : first - 1 + len(lines)] = lines
        linecache.cache[name] = (sum(map(len, known)), None, known, name)
    return make(*terms)
