"""At the client: exceptions from data, without a line of code that the data names.

Neither ``__init__``, ``__new__`` nor ``__setattr__`` of a class written in Python is called, and no
module is imported. Where anything of an exception did not travel, what stands for it is its text,
and its class is one that is made: a ``__str__`` of its own might not bear that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starburst._codec import decode
from starburst._codec.stored import is_special, slots_of
from starburst._protocol.sealed.failure import Failure
from starburst._protocol.sealed.tables import load_table
from starburst.errors import PayloadError, TaskError
from starburst.untrusted.terminal_text import many_lines, one_line

from .classes import CLASSES, TEXT, Lineage, made_class, own_class, read_classes
from .describing import MAX_EXCEPTIONS
from .members import base_of, fitting, set_members

if TYPE_CHECKING:
    from starburst._protocol.manifest import ResultMode

__all__ = ["rebuild"]

_MAX_TEXT: Final = 16 * 1024
_MAX_NAMES: Final = 64
_NAMED: Final = 5
_OWN: Final[dict[str, Any]] = dict(vars(BaseException))
_DICT, _ARGS = _OWN["__dict__"], _OWN["args"]
_CAUSE, _CONTEXT = _OWN["__cause__"], _OWN["__context__"]
_SUPPRESS = _OWN["__suppress_context__"]
"""How Python itself sets these: a class may have a ``__setattr__`` of its own."""


def rebuild(failure: Failure, *, mode: ResultMode | None) -> BaseException:
    """Return the exception to raise at the client, with the remote traceback as its last cause.

    Args:
        failure: what a worker says that a task failed with.
        mode: what the session accepts; None where no result is read.
    """
    if failure.kind != "raised" or not failure.raised:
        return failure.rebuild()
    with contextlib.suppress(Exception):  # malformed: a worker wrote it, and its text has to do
        error = _rebuild(load_table(failure.raised), mode or "data")
        _end_with(error, failure.remote_traceback())
        return error
    return failure.rebuild()


def _rebuild(nodes: Any, mode: ResultMode) -> BaseException:  # noqa: ANN401 - data
    built: list[BaseException] = []
    if len(nodes) > MAX_EXCEPTIONS:
        raise ValueError("more exceptions than a worker describes")
    for node in nodes:
        built.append(_one(_Node(*node), built, mode))
    return built[-1]


@dataclass(frozen=True, slots=True)
class _Node:
    names: Any
    text: str
    args: Any
    members: Any
    attributes: Any
    notes: Any
    message: str
    cause: int | None
    context: int | None
    suppressed: bool
    group: Any
    left_out: int


def _one(node: _Node, built: list[BaseException], mode: ResultMode) -> BaseException:
    error: BaseException
    names: Lineage = tuple((_text(module), _text(name)) for module, name in node.names[:_MAX_NAMES])
    values = _Values(mode)
    args = tuple(values.read(each, f"args[{n}]") for n, each in enumerate(node.args))
    members = {_text(name): values.read(each, name) for name, each in node.members.items()}
    attributes = {_text(name): values.read(each, name) for name, each in node.attributes.items()}
    own = own_class(names)
    fit = fitting(own or made_class(names), members)
    cls = made_class(names) if own is None or values.lost or len(fit) < len(members) else own
    if node.group or issubclass(cls, BaseExceptionGroup):
        inner: Any = [built[_before(each, built)] for each in node.group]
        inner = inner or [TaskError("what this group held was left out on the worker")]
        message = many_lines(_text(node.message), most=_MAX_TEXT)
        kind: Any = cls if issubclass(cls, BaseExceptionGroup) else ExceptionGroup
        error = BaseExceptionGroup.__new__(kind, message, inner)
    else:
        error = base_of(cls).__new__(cls)
        _ARGS.__set__(error, args)
    # What has no place in another base than its own is an attribute, such as an exit's code.
    _set_attributes(error, {**set_members(error, fit), **attributes})
    notes = [*map(_text, node.notes), *values.notes(), *_left_out(node)]
    if isinstance(error, TaskError):
        notes += _describe_made(error, node, names, own=own is not None)
    if notes:
        held: dict[str, object] = _DICT.__get__(error)
        held["__notes__"] = [many_lines(note, most=_MAX_TEXT) for note in notes]
    for link, place in ((_CAUSE, node.cause), (_CONTEXT, node.context)):
        if place is not None:
            link.__set__(error, built[_before(place, built)])
    _SUPPRESS.__set__(error, node.suppressed is True)
    return error


class _Values:
    """Reads the values of one exception, and remembers which came as text alone."""

    def __init__(self, mode: ResultMode) -> None:
        self._mode: ResultMode = mode
        self.lost: list[str] = []

    def read(self, value: Any, name: str) -> object:  # noqa: ANN401 - data
        format_, data, shown = value
        if format_:
            try:
                if format_ == CLASSES:
                    return read_classes(load_table(data))
                return _shown(decode(_text(format_), memoryview(bytearray(data)), mode=self._mode))
            except (PayloadError, LookupError):
                pass
        self.lost.append(name)
        return one_line(_text(shown), most=_MAX_TEXT)

    def notes(self) -> list[str]:
        if not self.lost:
            return []
        more = f" and {len(self.lost) - _NAMED} more" if len(self.lost) > _NAMED else ""
        named = ", ".join(one_line(name, most=_MAX_TEXT) for name in self.lost[:_NAMED])
        return [f"{named}{more}: only text came back from the worker, of what is no data here."]


def _shown(value: object) -> object:
    """Write out what drives a terminal in text that an exception shows as it is."""
    if type(value) is str:
        return many_lines(value, most=max(len(value), 1))
    if type(value) is tuple:
        return tuple(map(_shown, value))
    return value


def _set_attributes(error: BaseException, attributes: Mapping[str, object]) -> None:
    held: dict[str, object] = _DICT.__get__(error)
    for name, value in attributes.items():
        if is_special(name):
            continue
        slot = slots_of(type(error)).get(name)
        if slot is None:
            held[name] = value
        else:
            slot.__set__(error, value)


def _describe_made(error: TaskError, node: _Node, names: Lineage, *, own: bool) -> list[str]:
    """Give an exception of a class that is made its text and name; return what there is to note."""
    module, name = names[0]
    full = one_line(name if module == "builtins" else f"{module}.{name}", most=_MAX_NAMES * 8)
    held: dict[str, object] = _DICT.__get__(error)
    held[TEXT] = many_lines(_text(node.text), most=_MAX_TEXT)
    held["type_name"] = full
    if own:
        return []
    bases = [base.__name__ for base in type(error).__bases__ if base is not TaskError]
    caught = f" or {', '.join(bases)}" if bases else ""
    return [
        f"{full} was raised on a worker and cannot be raised here as such: catch "
        f"starburst.TaskError{caught}, and look at its type_name, {full!r}."
    ]


def _left_out(node: _Node) -> list[str]:
    if type(node.left_out) is not int or not node.left_out:
        return []
    return [f"{node.left_out} more exceptions of this group were left out on the worker."]


def _before(place: object, built: list[BaseException]) -> int:
    if type(place) is not int or not 0 <= place < len(built):
        raise ValueError("an exception refers to one that is not there")
    return place


def _text(value: object) -> str:
    if type(value) is not str:
        raise ValueError("an exception has something else where text belongs")
    return value


def _end_with(error: BaseException, traceback: BaseException) -> None:
    """Put the worker's traceback behind the causes that the task itself gave."""
    while (cause := _CAUSE.__get__(error)) is not None:
        error = cause
    suppressed = _SUPPRESS.__get__(error)
    _CAUSE.__set__(error, traceback)
    _SUPPRESS.__set__(error, suppressed)
