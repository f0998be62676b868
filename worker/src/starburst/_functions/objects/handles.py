"""Handles: a value that is stored once, and travels as a reference."""

from __future__ import annotations

import pickle
import weakref
from typing import TYPE_CHECKING, Any, Generic, Never, Protocol, Self, TypeVar

from starburst._functions.objects.gathering import taking
from starburst.errors import UnpicklableInput

__all__ = ["Handle", "Source", "arrive", "known_here", "resolve", "source_of"]

T_co = TypeVar("T_co", covariant=True)


class Source(Protocol):
    """Where the value of a handle is."""

    def value(self) -> Any:  # noqa: ANN401 - whatever was put
        """Return it."""
        ...


if TYPE_CHECKING:  # it takes the place of any argument
    _Anything = Any
else:
    _Anything = object


class Handle(Generic[T_co], _Anything):  # type: ignore[misc]
    """Stands for a value that :func:`starburst.put` or ``session.put`` took.

    As an argument of a task, alone or anywhere in lists, tuples, dicts and sets, it arrives as the
    value. Code that names the handle, in a closure, a global or an attribute, asks for
    :attr:`value`, on a worker as here.

    Each worker holds one copy. Arrays, tables of numbers and Arrow data are read where they lie
    and cannot be written to; each task gets its own of all else that can be changed.

    Attributes:
        kind: name of the value's type.
        nbytes: how many bytes it takes.
    """

    __slots__ = ("__weakref__", "_source", "kind", "nbytes")

    def __init__(self, source: Source, *, kind: str, nbytes: int) -> None:
        self._source = source
        self.kind = kind
        self.nbytes = nbytes

    @property
    def value(self) -> T_co:
        """The value; arrays in it cannot be written to.

        Raises:
            SessionEnded: it was put into a session that has been erased since.
            UnpicklableInput: it cannot be loaded here.
        """
        try:
            value: T_co = self._source.value()
        except AttributeError as error:  # Python would take it for one of the handle's
            raise UnpicklableInput(f"what was put cannot be loaded here: {error}") from error
        return value

    def __getattr__(self, name: str) -> Never:
        """Say where the attribute may be instead."""
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"a handle has no attribute {name!r}, its value may have one: handle.value.{name}"
        )

    def __copy__(self) -> Self:
        """Return the handle: it never changes."""
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Return the handle: it never changes."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as a name; refuse to be pickled by others, for elsewhere nobody has the value."""
        taken = taking()
        if taken is None:
            raise pickle.PicklingError(
                "a handle travels only to a session's workers, in a function or an argument; "
                "take handle.value instead"
            )
        return arrive, (taken.handle(self), self.kind, self.nbytes)

    def __repr__(self) -> str:
        return f"<starburst handle: {self.kind}, {self.nbytes / 1e6:,.1f} MB>"


Handle.__module__ = "starburst"  # as people call it


def source_of(handle: Handle[Any]) -> Source:
    """Return where the value of a handle is."""
    return handle._source


_sources: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()


def known_here(name: str, source: Source | None = None) -> Source | None:
    """Return the source of this process's handles of an object, if there is one.

    Args:
        name: of the object.
        source: the one from now on, while somebody holds it.
    """
    if source is not None:
        _sources[name] = source
    return _sources.get(name)


class _ByName:
    """The source of a handle whose object is not here, or not yet."""

    def __init__(self, name: str) -> None:
        self.name = name

    def value(self) -> object:
        source = known_here(self.name)
        if source is None:
            raise UnpicklableInput(f"what was put as {self.name} is not in this process")
        return source.value()


def arrive(name: str, kind: str, nbytes: int) -> Handle[Any]:
    """Return a handle: what one is pickled as."""
    return Handle(known_here(name) or _ByName(name), kind=kind, nbytes=nbytes)


def resolve(value: Any) -> Any:  # noqa: ANN401 - whatever arrived
    """Return an argument with the values of handles in their places.

    Lists and dicts are changed in place: they are a task's own.

    Args:
        value: what arrived; built-in containers in it are searched, and named tuples.
    """
    return _resolve(value, {})


def _resolve(value: Any, done: dict[int, Any]) -> Any:  # noqa: ANN401
    if isinstance(value, Handle):
        return value.value
    cls = type(value)
    known = done.get(id(value))
    if known is not None:
        return known[1]
    if cls is list:
        done[id(value)] = value, value
        value[:] = [_resolve(each, done) for each in value]
    elif cls is dict:
        done[id(value)] = value, value
        for key, each in value.items():  # its keys stay, so it may be changed meanwhile
            value[key] = _resolve(each, done)
    elif isinstance(value, tuple) and (cls is tuple or hasattr(value, "_fields")):
        parts = [_resolve(each, done) for each in value]
        if any(new is not old for new, old in zip(parts, value, strict=True)):
            new = tuple(parts) if cls is tuple else cls(*parts)
            done[id(value)] = value, new
            return new
    elif (cls is set or cls is frozenset) and any(isinstance(each, Handle) for each in value):
        return cls(_resolve(each, done) for each in value)
    return value
