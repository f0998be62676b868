"""What of a loaded module differs from what its file says: values that the analyst has changed.

A worker's module is its file. What was assigned to it, or patched into it, since it was imported
here is sent beside it, so that it is there as it is here:

- a name that the file binds to a literal, a ``def``, a ``class`` or an import is sent where it is
  something else now;
- any other name is sent with what it is now, since only running the file would tell whether it was
  changed; what cannot be pickled, such as a lock or a connection, stays the worker's own.
"""

from __future__ import annotations

import ast
import collections
import enum
import sys
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .finding import Found
from .source import Imported, Scope, Source, absolute, read_source
from .stale import check_fresh, is_mock, unwrapped
from .values import equal, is_atom, is_data, is_fixed, is_kept, is_place, is_stateful, state_of

__all__ = ["Change", "changes_of", "imported_too"]

_PYTHONS: Final = frozenset(
    {
        *("__name__", "__doc__", "__package__", "__loader__", "__spec__", "__path__", "__file__"),
        *("__cached__", "__builtins__", "__annotations__", "__warningregistry__", "__module__"),
        *("__dict__", "__weakref__", "__qualname__", "__abstractmethods__", "_abc_impl"),
        *("__static_attributes__", "__firstlineno__", "__orig_bases__", "__parameters__"),
        *("__slots__", "__match_args__", "__hash__", "__annotate_func__", "__annotations_cache__"),
        *("__conditional_annotations__", "__type_params__"),
    }
)
_CONTAINERS: Final = (
    *(dict, list, set, collections.deque, bytearray),
    *(collections.OrderedDict, collections.defaultdict, collections.Counter),
)
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs, or may.

    Attributes:
        module: where.
        path: its name there, after those of the classes that it is in.
        value: what it is now; of a record, its attributes.
        how: ``set``; ``fill`` where the worker's own object takes the contents; ``state`` where it
            takes the attributes; ``like`` where it takes what another object is, if it can;
            ``drop`` where the name is gone.
        sure: whether it is certain that it differs.
    """

    module: str
    path: tuple[str, ...]
    value: object
    how: str
    sure: bool


@dataclass(slots=True)
class _Seen:
    """What a module held when its changes were last looked for.

    Attributes:
        source: its file then.
        fixed: namespaces, how many names each had, and those values that only change by being
            replaced.
        changes: of these.
        open: the names whose values may change in place, or be changed elsewhere.
    """

    source: Source
    fixed: list[tuple[Mapping[str, object], int, list[tuple[str, object]]]]
    changes: list[Change]
    open: list[str]

    def holds(self, source: Source) -> bool:
        """Whether all of that is as it was."""
        return self.source is source and all(
            len(values) == count and all(values.get(name, _ABSENT) is each for name, each in items)
            for values, count, items in self.fixed
        )


_seen: dict[str, tuple[types.ModuleType, _Seen]] = {}


def changes_of(found: Found) -> Iterator[Change]:
    """Yield what of a module that is loaded differs from its file.

    Raises:
        UnpicklableInput: the file was edited, and not loaded again.
    """
    module = sys.modules.get(found.name)
    if module is None or found.file is None or not found.file.endswith(".py"):
        return
    source = read_source(found.file)
    if source is None:
        return
    known = _seen.get(found.name)
    if known is None or known[0] is not module or not known[1].holds(source):
        check_fresh(module, source)
        known = _seen[found.name] = module, _look(module, source)
    yield from known[1].changes
    imports = _bindings(source, found)
    for name in known[1].open:
        if name in vars(module):
            yield from _of_module(found.name, name, vars(module)[name], source, imports)


def _look(module: types.ModuleType, source: Source) -> _Seen:
    """Tell apart what can change in place, and find the changes of the rest."""
    values = vars(module)
    items: list[tuple[str, object]] = []
    seen = _Seen(source, [(values, len(values), items)], [], [])
    for name, value in [*values.items()]:
        own = isinstance(value, type) and value.__module__ == module.__name__
        if name in source.scope.imports or not (is_fixed(value) or own):
            seen.open.append(name)
            continue
        items.append((name, value))
        if own:
            seen.fixed += _fixed_in(value)
        seen.changes += _of_module(module.__name__, name, value, source, {})
    seen.changes += _gone(module.__name__, (), values, source.scope)
    return seen


def _fixed_in(cls: type) -> Iterator[tuple[Mapping[str, object], int, list[tuple[str, object]]]]:
    yield vars(cls), len(vars(cls)), list(vars(cls).items())
    for value in list(vars(cls).values()):
        if isinstance(value, type) and value.__qualname__.startswith(cls.__qualname__ + "."):
            yield from _fixed_in(value)


def _of_module(
    module: str,
    name: str,
    value: object,
    source: Source,
    imports: Mapping[str, Origin],
) -> Iterator[Change]:
    if name in imports:
        yield from _of_import(module, (name,), value, _look_up(imports[name]))
    elif name in source.scope.named:
        yield from _of_name(module, (), name, value, source.scope, plain=True)
    elif name.isidentifier() and name not in _PYTHONS and name not in source.scope.imports:
        yield from _unsure(module, (name,), value)


def _of_class(
    module: str, path: tuple[str, ...], cls: type, scope: Scope, *, plain: bool
) -> Iterator[Change]:
    """Yield the changes of a class.

    Args:
        module: which holds it.
        path: its name there.
        cls: the class.
        scope: what its file says.
        plain: whether nothing but its own statements has made it, as no decorator or metaclass.
    """
    for held, value in [*vars(cls).items()]:
        name, here = _as_written(held, path), (*path, held)
        if name in _PYTHONS:
            continue
        if name in scope.named:
            yield from _of_name(module, path, held, value, scope, plain=plain)
        elif plain and name in scope.others:
            if is_atom(value):
                yield Change(module, here, value, "set", sure=False)
        elif plain and _is_new(value, name):
            yield Change(module, here, value, "set", sure=True)
    if plain:
        yield from _gone(module, path, vars(cls), scope)


def _of_name(
    module: str, path: tuple[str, ...], held: str, value: object, scope: Scope, *, plain: bool
) -> Iterator[Change]:
    """Yield the change of what is bound once, to a literal, by ``def`` or by ``class``."""
    name, here = _as_written(held, path), (*path, held)
    if name in _PYTHONS:
        return
    if name in scope.literals:
        literal = scope.literals[name]
        if not equal(value, literal) and _is_assigned(value, path, plain=plain):
            yield from _changed(module, here, value, literal)
    elif name in scope.classes and isinstance(value, type) and _is_of(value, module, here):
        inner, alone = scope.classes[name]
        plain = alone and type(value) is type and not hasattr(value, "_fields")  # a NamedTuple
        yield from _of_class(module, here, value, inner, plain=plain)
    else:
        decorated = scope.functions.get(name, False) or name in scope.classes
        if not _is_own(value, module, here, decorated=decorated):
            sure = not (decorated and _is_made(value))
            yield Change(module, here, value, "set", sure=sure)


def _gone(
    module: str, path: tuple[str, ...], values: Mapping[str, object], scope: Scope
) -> Iterator[Change]:
    """Yield what was deleted."""
    held = {_as_written(name, path) for name in values}
    for name in scope.named - held - _PYTHONS:
        yield Change(module, (*path, name), None, "drop", sure=True)


def _as_written(name: str, path: tuple[str, ...]) -> str:
    """Return a name as a class's file has it: ``__private`` is held as ``_Class__private``."""
    start = f"_{path[-1].lstrip('_')}__" if path else ""
    return name[len(start) - 2 :] if start and name.startswith(start) else name


def _is_assigned(value: object, path: tuple[str, ...], *, plain: bool) -> bool:
    """Whether somebody has put a value where a literal was, rather than a metaclass."""
    if not path:
        return True
    if isinstance(value, enum.Enum):
        return False
    made = hasattr(type(value), "__get__") and not isinstance(value, types.FunctionType)
    return is_atom(value) or (plain and not made)


def _of_import(
    module: str, here: tuple[str, ...], value: object, expected: object
) -> Iterator[Change]:
    """Yield the change of what an import bound, where that is something else by now."""
    if value is expected or (is_atom(value) and equal(value, expected)):
        return
    if isinstance(value, types.ModuleType):
        if isinstance(expected, types.ModuleType) and value.__name__ != expected.__name__:
            yield Change(module, here, value, "set", sure=True)
        return
    if expected is not _ABSENT or is_atom(value):
        yield Change(module, here, value, "set", sure=expected is not _ABSENT)


def _changed(
    module: str, here: tuple[str, ...], value: object, literal: object
) -> Iterator[Change]:
    """Yield the change of what was a literal; a container of objects may have been filled so."""
    if type(value) is type(literal) and isinstance(value, _CONTAINERS):
        # A register is made anew by those who fill it: modules, as they are imported.
        sure = is_data(value, most=1_000_000) and not _is_register(value)
        yield Change(module, here, value, "fill", sure=sure)
        return
    yield Change(module, here, value, "set", sure=True)


def _is_register(value: Any) -> bool:  # noqa: ANN401
    """Whether a container holds what modules define, as decorators of theirs register it."""
    held = [*value, *value.values()] if isinstance(value, Mapping) else value
    return any(
        isinstance(each, types.FunctionType | type) and each.__module__ != "__main__"
        for each in held
    )


def _unsure(module: str, here: tuple[str, ...], value: object) -> Iterator[Change]:
    """Yield the value of a name of which only running the file would tell what it gets."""
    if is_place(value) or is_kept(value):
        return  # made there, as it was made here
    if isinstance(value, types.FunctionType | types.ModuleType | types.BuiltinFunctionType | type):
        if isinstance(value, types.FunctionType) and value.__module__ == "__main__":
            yield Change(module, here, value, "set", sure=False)  # nobody else has put it there
    elif is_atom(value):
        yield Change(module, here, value, "set", sure=False)
    elif isinstance(value, _CONTAINERS):
        yield Change(module, here, value, "fill", sure=False)
    elif is_stateful(value) and (state := state_of(value)) is not None:
        if state:
            yield Change(module, here, state, "state", sure=False)
    else:
        yield Change(module, here, value, "like", sure=False)


def _is_new(value: object, name: str) -> bool:
    """Whether a class's attribute that its file does not name was put there by hand."""
    if name.startswith("__") and not isinstance(value, types.FunctionType):
        return False
    return is_atom(value) or isinstance(value, types.FunctionType)


def _is_of(value: Any, module: str, path: tuple[str, ...]) -> bool:  # noqa: ANN401
    return getattr(value, "__module__", None) == module and getattr(
        value, "__qualname__", None
    ) == ".".join(path)


def _is_own(value: object, module: str, path: tuple[str, ...], *, decorated: bool) -> bool:
    """Whether what a ``def`` or ``class`` has bound is still there."""
    inner = unwrapped(value)
    if _is_of(inner, module, path):
        return True
    if not decorated:
        return False
    # What a decorator makes may be anything, but no function of another module's, and no mock.
    return not isinstance(value, types.FunctionType) and not is_mock(value)


def _is_made(value: object) -> bool:
    """Whether a function was made inside another one, as decorators make them, and no script's."""
    made = isinstance(value, types.FunctionType) and "<locals>" in value.__qualname__
    return made and value.__module__ != "__main__"


Origin = tuple[str, str]
"""What an import binds: a module, and a name in it; no name for the module itself."""

_bound: dict[str, tuple[Source, Mapping[str, Origin]]] = {}


def imported_too(changes: Sequence[Change], modules: Iterable[Found]) -> list[Change]:
    """Return changes with those of the modules that have imported what they replace.

    ``from model import N`` binds an object. Where the worker's is replaced, it is here too.
    """
    found = list(changes)
    replaced = {(each.module, each.path[0]) for each in found if len(each.path) == 1}
    pending = {
        (each.module, each.path[0]): each.value
        for each in found
        if each.how in ("set", "like") and len(each.path) == 1
    }
    others = [(each, read_source(each.file)) for each in modules if each.file is not None]
    while pending:
        more: dict[Origin, object] = {}
        for each, source in others:
            here = vars(sys.modules[each.name]) if each.name in sys.modules else {}
            for name, origin in _bindings(source, each).items() if source is not None else ():
                same = origin in pending and here.get(name, _ABSENT) is pending[origin]
                if same and (each.name, name) not in replaced:
                    more[each.name, name] = here[name]
        found += [
            Change(module, (name,), each, "like", sure=False)
            for (module, name), each in more.items()
        ]
        replaced |= more.keys()
        pending = more
    return found


def _bindings(source: Source, found: Found) -> Mapping[str, Origin]:
    """Return what each name is that an import at the top of a file binds."""
    known = _bound.get(found.name)
    if known is None or known[0] is not source:
        names = {
            name: origin for name, origin in _origins(source, found) if name in source.scope.imports
        }
        known = _bound[found.name] = source, names
    return known[1]


def _origins(source: Source, found: Found) -> Iterator[tuple[str, Origin]]:
    for statement in source.top:
        if isinstance(statement, ast.ImportFrom):
            base = absolute(Imported(statement.level, statement.module or ""), found.package)
            for alias in statement.names:
                yield alias.asname or alias.name, (base or "", alias.name)
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or name, (name, "")


def _look_up(origin: Origin) -> object:
    """Return what an import would bind now."""
    base, name = origin
    module = sys.modules.get(base, _ABSENT)
    if not name or module is _ABSENT:
        return module
    value = vars(module).get(name, _ABSENT)
    return sys.modules.get(f"{base}.{name}", _ABSENT) if value is _ABSENT else value
