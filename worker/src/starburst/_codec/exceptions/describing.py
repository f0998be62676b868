"""On the worker: an exception as data, with all that it led from and all that it groups.

::

    [[names of its classes, text, arguments, members, attributes, notes, message,
      cause, context, suppressed, group], …]

The exceptions that others refer to come first, so what was raised is the last. A value is
``[format, data, text]``; without a format it is its text alone, because it is no data or too large.
"""

from __future__ import annotations

import reprlib
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from starburst._codec import encode
from starburst._codec.stored import is_special, stored
from starburst._protocol.sealed import failure
from starburst._protocol.sealed.failure import Failure, text_of
from starburst._protocol.sealed.tables import dump_table
from starburst.errors import UnsafeResult

from .classes import CLASSES, lineage, named_classes
from .members import read_members

if TYPE_CHECKING:
    from starburst._protocol.manifest import ResultMode

__all__ = ["MAX_EXCEPTIONS", "describe"]

_MAX_BYTES: Final = 1 << 20
MAX_EXCEPTIONS: Final = 1000
_MAX_DEPTH: Final = 100
_ATOMS: Final = frozenset({type(None), bool, int, float, str, bytes})
_PLAIN: Final[dict[str, Any]] = {
    name: vars(BaseException)[name]
    for name in ("args", "__dict__", "__cause__", "__context__", "__suppress_context__")
}
"""How Python itself reads these, whatever a class says."""


def describe(error: BaseException, *, mode: ResultMode) -> Failure:
    """Describe what a task raised, without trusting the exception to behave.

    Args:
        error: what it raised.
        mode: what the session accepts as results, and so as arguments of exceptions.
    """
    described = failure.describe(error)
    if described.kind != "raised":
        return described
    with suppress(Exception):  # then its text has to do
        return replace(described, raised=dump_table(_Describer(mode).describe(error)))
    return described


class _Describer:
    def __init__(self, mode: ResultMode) -> None:
        self._mode: ResultMode = mode
        self._left = _MAX_BYTES
        self._places: dict[int, int] = {}
        self._order: list[BaseException] = []
        self._open: set[int] = set()
        self._short = reprlib.Repr()
        self._short.maxstring = self._short.maxother = 500

    def describe(self, error: BaseException) -> list[list[object]]:
        self._visit(error, 0)
        # What was raised has the first right to the room that there is.
        return [self._one(each) for each in reversed(self._order)][::-1]

    def _visit(self, error: BaseException, depth: int) -> None:
        """Give an exception its place, behind all that it refers to."""
        known = id(error) in self._places or id(error) in self._open
        if known or depth > _MAX_DEPTH or len(self._order) + len(self._open) >= MAX_EXCEPTIONS:
            return
        self._open.add(id(error))
        for other in (*_links(error), *_group(error)):
            if other is not None:
                self._visit(other, depth + 1)
        self._open.discard(id(error))
        self._places[id(error)] = len(self._order)
        self._order.append(error)

    def _one(self, error: BaseException) -> list[object]:
        group = _group(error)
        args = () if group else _PLAIN["args"].__get__(error)
        dictionary = _PLAIN["__dict__"].__get__(error)
        attributes = {
            name: value
            for name, value in stored(error, dictionary).items()
            if not is_special(name) and not name.startswith("_starburst")
        }
        notes = dictionary.get("__notes__")
        notes = notes if isinstance(notes, list | tuple) else ()
        place = self._places[id(error)]
        cause, context = (self._place(other, before=place) for other in _links(error))
        members = [self._place(other, before=place) for other in group]
        return [
            lineage(type(error)),
            text_of(error),
            [self._value(arg) for arg in args],
            {name: self._value(value) for name, value in read_members(error).items()},
            {name: self._value(value) for name, value in attributes.items()},
            [_written(note) for note in notes if type(note) is str and self._fits(len(note))],
            _message(error) if group else "",
            cause,
            context,
            bool(_PLAIN["__suppress_context__"].__get__(error)),
            [each for each in members if each is not None],
            sum(each is None for each in members),
        ]

    def _place(self, error: BaseException | None, *, before: int) -> int | None:
        place = None if error is None else self._places.get(id(error))
        return place if place is not None and place < before else None

    def _fits(self, size: int) -> bool:
        if size > self._left:
            return False
        self._left -= size
        return True

    def _value(self, value: object) -> list[object]:
        shown = ""
        if type(value) not in _ATOMS:
            with suppress(Exception):  # a value of the user's own class may do anything
                shown = _written(self._short.repr(value))
            shown = shown or f"<{type(value).__qualname__}>"
        try:
            if classes := named_classes(value):
                return [CLASSES, dump_table(classes), shown]
            encoded = encode(value, mode=self._mode)
            size = sum(memoryview(part).nbytes for part in encoded.parts)
            if self._fits(size):
                return [encoded.format, b"".join(encoded.parts), shown]
        except UnsafeResult:
            pass
        return ["", b"", shown or _written(self._short.repr(value))]


def _links(error: BaseException) -> tuple[BaseException | None, BaseException | None]:
    return _PLAIN["__cause__"].__get__(error), _PLAIN["__context__"].__get__(error)


def _group(error: BaseException) -> tuple[BaseException, ...]:
    if not issubclass(type(error), BaseExceptionGroup):
        return ()
    members: tuple[BaseException, ...] = vars(BaseExceptionGroup)["exceptions"].__get__(error)
    return members


def _message(error: BaseException) -> str:
    message = vars(BaseExceptionGroup)["message"].__get__(error)
    return _written(str(message))


def _written(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
