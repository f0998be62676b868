"""Notice a file that was edited and not reloaded: what runs here is not what a worker would run."""

from __future__ import annotations

import importlib.machinery
import types
from collections.abc import Hashable, Iterator
from typing import Any

from starburst.errors import UnpicklableInput

from .source import Source, Stamp

__all__ = ["check_fresh", "is_mock", "unwrapped"]

_codes: dict[str, tuple[Stamp, dict[str, set[Hashable]] | None]] = {}


def check_fresh(module: types.ModuleType, source: Source) -> None:
    """Refuse a loaded module whose file says something else by now.

    Raises:
        UnpicklableInput: names a function that differs.
    """
    written = _written(module, source)
    if written is None:
        return
    for function in _functions(module, source.path):
        code = function.__code__
        if _gist(code) not in written.get(code.co_qualname, ()):
            name = module.__name__
            raise UnpicklableInput(
                f"{source.path} was edited after {name} was imported: {code.co_qualname} is "
                "another one in the file than in this process, so that workers would run another. "
                f"Take the new one: importlib.reload({name}) (and import again what was taken out "
                "of it), or restart; or undo the edit."
            )


def is_mock(value: object) -> bool:
    """Whether a value is a stand-in of ``unittest.mock``."""
    return any(cls.__module__ == "unittest.mock" for cls in type(value).__mro__)


def unwrapped(value: Any) -> Any:  # noqa: ANN401
    """Return the function within what decorators have made of it, as far as they say."""
    for _ in range(20):
        if isinstance(value, types.FunctionType) and not hasattr(value, "__wrapped__"):
            return value
        for name in ("__wrapped__", "__func__", "fget", "func", "py_func"):
            try:
                inner = getattr(value, name, None)
            except Exception:  # an object of the analyst's may raise anything
                inner = None
            if callable(inner) and inner is not value and not is_mock(value):
                value = inner
                break
        else:
            return value
    return value


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
