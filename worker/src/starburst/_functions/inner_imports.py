"""Find the user's own modules that a function imports only while it runs, and bring them along.

``import helpers`` inside a function leaves no trace in what cloudpickle sees. Its code names it,
though: the compiled function holds one instruction for each import.
"""

from __future__ import annotations

import contextlib
import dis
import importlib
import importlib.util
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .own_code import is_own_file

__all__ = ["WithModules", "inner_modules"]


class WithModules:
    """A function, and the modules that must be importable where it runs.

    Unpickled, it is the function itself: the modules are put where ``import`` finds them.
    """

    def __init__(
        self, function: Callable[..., Any], modules: Mapping[str, types.ModuleType]
    ) -> None:
        self.function = function
        self.modules = dict(modules)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as a call that installs the modules and returns the function."""
        return _install, (self.modules, self.function)


def _install(
    modules: Mapping[str, types.ModuleType], function: Callable[..., Any]
) -> Callable[..., Any]:
    for name, module in modules.items():
        parent, _, child = name.rpartition(".")
        sys.modules.setdefault(name, module)
        if parent in sys.modules:
            setattr(sys.modules[parent], child, sys.modules[name])
    return function


def inner_modules(function: Callable[..., Any]) -> dict[str, types.ModuleType]:
    """Return the user's own modules that ``function``, or what it calls, imports as it runs.

    They are imported here for that; one that cannot be is left out, and fails where it is used.
    """
    found: dict[str, types.ModuleType] = {}
    pending: list[object] = [function]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        code = getattr(each, "__code__", None)
        if not isinstance(code, types.CodeType):
            continue
        scope = getattr(each, "__globals__", {})
        for part in _nested(code):
            pending += [scope[name] for name in part.co_names if _is_own_function(scope, name)]
            for name in _imports(part, scope):
                for module in _load(name):
                    if module.__name__ not in found:
                        found[module.__name__] = module
                        pending += [v for v in vars(module).values() if callable(v)]
    return found


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


def _is_own_function(scope: Mapping[str, object], name: str) -> bool:
    value = scope.get(name)
    if not isinstance(value, types.FunctionType):
        return False
    return value.__module__ == "__main__" or is_own_file(value.__code__.co_filename)


def _imports(code: types.CodeType, scope: Mapping[str, object]) -> Iterator[str]:
    """Yield the absolute names in a function's import statements."""
    before: list[dis.Instruction] = []
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            level = before[-2].argval if len(before) > 1 else 0
            name = str(instruction.argval)
            names = before[-1].argval if before else None
            if isinstance(level, int) and level > 0:
                package = scope.get("__package__")
                with contextlib.suppress(ImportError, TypeError, ValueError):
                    name = importlib.util.resolve_name("." * level + name, str(package))
            yield name
            yield from (f"{name}.{part}" for part in names or () if part != "*")
        before.append(instruction)


def _load(name: str) -> Iterator[types.ModuleType]:
    """Import ``name`` and its parents where they are the user's own."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        prefix = ".".join(parts[:end])
        module = sys.modules.get(prefix)
        if module is None:
            try:
                spec = importlib.util.find_spec(prefix)
                if spec is None or not is_own_file(spec.origin):
                    return
                module = importlib.import_module(prefix)
            # The module is the user's: importing it may raise anything, here as there.
            except Exception:
                return
        elif not is_own_file(getattr(module, "__file__", None)):
            return
        yield module
