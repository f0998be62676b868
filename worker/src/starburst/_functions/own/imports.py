"""What a compiled function imports as it runs, read off its code."""

from __future__ import annotations

import dis
import types
import weakref
from collections.abc import Iterator
from dataclasses import dataclass

from .source import DYNAMIC, Imported

__all__ = ["CodeImports", "imports_of"]


@dataclass(frozen=True, slots=True)
class CodeImports:
    """The import statements of a piece of code, and whether it imports more than they say."""

    imports: tuple[Imported, ...]
    dynamic: bool


_found: weakref.WeakKeyDictionary[types.CodeType, CodeImports] = weakref.WeakKeyDictionary()


def imports_of(code: types.CodeType) -> CodeImports:
    """Return what code imports, with what is nested in it."""
    known = _found.get(code)
    if known is None:
        parts = list(_nested(code))
        known = _found[code] = CodeImports(
            tuple(dict.fromkeys(each for part in parts for each in _imports(part))),
            dynamic=any(not DYNAMIC.isdisjoint(part.co_names) for part in parts),
        )
    return known


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


def _imports(code: types.CodeType) -> Iterator[Imported]:
    before: list[dis.Instruction] = []
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            level = before[-2].argval if len(before) > 1 else 0
            names = before[-1].argval if before else None
            yield Imported(
                level if isinstance(level, int) else 0,
                str(instruction.argval),
                tuple(names) if isinstance(names, tuple) else (),
            )
        before.append(instruction)
