"""Notice a file that was edited and not reloaded: what runs here is not what a worker would run."""

from __future__ import annotations

import importlib.machinery
import sys
import types
from collections.abc import Hashable, Iterator

from starburst.errors import UnpicklableInput

from .changes import unwrapped
from .finding import Found
from .source import Source, Stamp, read_source

__all__ = ["check_fresh"]

_codes: dict[str, tuple[Stamp, dict[str, set[Hashable]] | None]] = {}
_checked: dict[str, tuple[Stamp, list[types.CodeType]]] = {}


def check_fresh(found: Found) -> None:
    """Refuse a loaded module whose file says something else by now.

    Raises:
        UnpicklableInput: names a function that differs.
    """
    module = sys.modules.get(found.name)
    if module is None or found.file is None or not found.file.endswith(".py"):
        return
    source = read_source(found.file)
    if source is None:
        return
    functions = list(_functions(module, found.file))
    codes = [function.__code__ for function in functions]
    known = _checked.get(found.name)
    if (
        known is not None
        and known[0] == source.stamp
        and len(known[1]) == len(codes)
        and all(map(_is_same, known[1], codes))
    ):
        return
    written = _written(module, source)
    if written is None:
        return
    for function in functions:
        code = function.__code__
        if _gist(code) not in written.get(code.co_qualname, ()):
            raise UnpicklableInput(
                f"{found.file} was edited after {found.name} was imported: "
                f"{code.co_qualname} is another one in the file than in this process, so that "
                f"workers would run another. Take the new one: importlib.reload({found.name}) (and "
                "import again what was taken out of it), or restart; or undo the edit."
            )
    _checked[found.name] = source.stamp, codes


def _is_same(one: types.CodeType, other: types.CodeType) -> bool:
    return one is other


def _functions(module: types.ModuleType, file: str) -> Iterator[types.FunctionType]:
    """Yield the functions that a module and its classes hold and that its file defines."""
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            held: list[object] = list(vars(value).values())
        else:
            held = [value]
        for each in held:
            if isinstance(each, types.ModuleType | str | int | float | list | dict):
                continue
            function = unwrapped(each)
            if type(function) is types.FunctionType and function.__code__.co_filename == file:
                yield function


def _written(module: types.ModuleType, source: Source) -> dict[str, set[Hashable]] | None:
    """Return the gist of each function in a file; None where another loader has made them."""
    loader = getattr(module, "__loader__", None)
    if not isinstance(loader, importlib.machinery.SourceFileLoader):
        return None
    known = _codes.get(source.path)
    if known is not None and known[0] == source.stamp:
        return known[1]
    try:
        code = loader.source_to_code(source.data, source.path)
    except (SyntaxError, ValueError):
        found: dict[str, set[Hashable]] | None = {}
    else:
        found = {}
        for each in _nested(code):
            found.setdefault(each.co_qualname, set()).add(_gist(each))
    _codes[source.path] = source.stamp, found
    return found


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _nested(constant)


def _gist(code: types.CodeType) -> Hashable:
    """Return what a piece of code does, wherever it stands."""
    constants = tuple(map(_constant, code.co_consts))
    return (
        *(code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars),
        *(code.co_cellvars, code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount),
        code.co_flags,
    )


def _constant(value: object) -> Hashable:
    if isinstance(value, types.CodeType):
        return _gist(value)
    text = repr(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)
    return type(value), text
