"""How a task's failure travels: name, text, traceback and data, never the exception itself."""

from __future__ import annotations

import builtins
import os
import re
import traceback as tracebacks
from collections.abc import Iterable, Mapping
from concurrent.futures import CancelledError
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from starburst.errors import (
    InitializerFailed,
    IntegrityError,
    PackagesRefused,
    RemoteTraceback,
    ResultTooLarge,
    StarburstError,
    TaskError,
    TaskTimeout,
    UnpicklableInput,
    UnsafeResult,
    VersionMismatch,
    WorkerLost,
)
from starburst.untrusted.terminal_text import many_lines, one_line

__all__ = ["Failure", "FailureKind", "describe", "qualified_name", "text_of"]

FailureKind = Literal[
    "raised",
    "timeout",
    "lost",
    "unsafe",
    "too_large",
    "unloadable",
    "integrity",
    "cancelled",
    "initializer",
    "packages",
    "versions",
]

_MAX_TEXT: Final = 16 * 1024
_ERRNO: Final = re.compile(r"\[Errno (\d{1,4})\] (.*)", re.DOTALL)
_MAX_NAME: Final = 256
_TRAVELLED: Final = re.compile(r".*/starburst-modules-[^/]*/[^/]*/")
_FIELDS: Final = {"type_name": str, "text": str, "traceback": str, "builtin": bool, "kind": str}
_OWN_CODE: Final = str(Path(__file__).resolve().parents[2]) + os.sep
_SPECIAL: Final[tuple[tuple[type[BaseException], FailureKind], ...]] = (
    (TaskTimeout, "timeout"),
    (InitializerFailed, "initializer"),
    (WorkerLost, "lost"),
    (UnsafeResult, "unsafe"),
    (ResultTooLarge, "too_large"),
    (UnpicklableInput, "unloadable"),
    (IntegrityError, "integrity"),
    (PackagesRefused, "packages"),
    (VersionMismatch, "versions"),
)
_TASK: Final[Mapping[str, type[TaskError]]] = {
    "timeout": TaskTimeout,
    "lost": WorkerLost,
    "initializer": InitializerFailed,
}
_SESSION: Final[Mapping[str, type[StarburstError]]] = {
    "unsafe": UnsafeResult,
    "too_large": ResultTooLarge,
    "unloadable": UnpicklableInput,
    "integrity": IntegrityError,
    "packages": PackagesRefused,
    "versions": VersionMismatch,
}
"""What is no task's own affair, so that an earlier release, which does not know the last two, will
have met them in no session of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why a task has no result.

    Attributes:
        type_name: qualified name of the exception's type, such as ``ValueError`` or ``lib.Broken``.
        text: what ``str()`` of the exception gave.
        traceback: the traceback on the worker, without Starburst's own frames; empty if none.
        builtin: whether the type is one of Python's built-in exceptions.
        kind: ``raised`` by the function, ``timeout``, ``lost`` worker, ``unsafe`` result,
            ``too_large`` result, ``unloadable`` input or function, or one whose ``integrity`` is
            gone, ``cancelled`` before it was done, or not run: since the ``initializer`` raised,
            the session's ``packages`` cannot be had, or the ``versions`` of libraries differ.
        raised: what was raised as data, as :mod:`starburst._codec.exceptions` encodes it; empty
            where there is no more to say than the text.
    """

    type_name: str
    text: str
    traceback: str
    builtin: bool
    kind: FailureKind
    raised: bytes = b""

    def told(self, where: str) -> Failure:
        """Return the failure with a line more below its traceback, if it has one."""
        if not (where and self.traceback):
            return self
        room = max(0, 2 * _MAX_TEXT - len(self.traceback))
        return replace(self, traceback=f"{self.traceback.rstrip()}\n  {where[:room]}\n")

    def to_data(self) -> dict[str, Any]:
        """Return a plain dictionary for the wire."""
        data = asdict(self)
        if not self.raised:
            del data["raised"]
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Failure:
        """Read what :meth:`to_data` gave; raise IntegrityError for anything else."""
        well_formed = (
            isinstance(data, Mapping)
            and data.keys() - {"raised"} == _FIELDS.keys()
            and all(type(data[name]) is kind for name, kind in _FIELDS.items())
            and data["kind"] in get_args(FailureKind)
            and type(data.get("raised", b"")) is bytes
        )
        if not well_formed:
            raise IntegrityError("a task's failure record is malformed; it was not used")
        return cls(**data)

    def rebuild(self) -> BaseException:
        """Return the exception to raise at the client, with the remote traceback as its cause.

        Python prints it where it is not caught, and a worker wrote its words: what could drive a
        terminal is written out in them, and what is too long is cut. Other words stay as they were.
        """
        shown = replace(
            self,
            type_name=one_line(self.type_name, most=_MAX_NAME),
            text=many_lines(self.text, most=_MAX_TEXT),
            traceback=many_lines(self.traceback, most=_MAX_TEXT),
        )
        error = shown._rebuild()
        error.__cause__ = self.remote_traceback()
        return error

    def remote_traceback(self) -> RemoteTraceback:
        """Return the traceback on the worker, fit to be shown; the text where there is none."""
        shown = many_lines(self.traceback, most=_MAX_TEXT)
        return RemoteTraceback(shown or one_line(f"{self.type_name}: {self.text}", most=_MAX_TEXT))

    def _rebuild(self) -> BaseException:
        match self.kind:
            case "timeout" | "lost" | "initializer":
                return _TASK[self.kind](self.text, type_name=self.type_name)
            case "unsafe" | "too_large" | "unloadable" | "integrity" | "packages" | "versions":
                return _SESSION[self.kind](self.text)
            case "cancelled":
                return CancelledError(self.text)
            case "raised":
                rebuilt = _builtin(self.type_name, self.text) if self.builtin else None
                if rebuilt is not None:
                    return rebuilt
                text = f"{self.type_name}: {self.text}" if self.text else self.type_name
                unknown = TaskError(text, type_name=self.type_name)
                unknown.add_note(
                    "Raised on a worker, from where no class of your own travels back: catch "
                    f"starburst.TaskError and look at its type_name, {self.type_name!r}."
                )
                return unknown


def describe(error: BaseException) -> Failure:
    """Describe what a task raised, without trusting the exception to behave.

    Example:
        >>> describe(ValueError("no such gene")).rebuild()
        ValueError('no such gene')
    """
    kind: FailureKind = "raised"
    cls = type(error)
    for special, name in _SPECIAL:
        if issubclass(cls, special):
            kind = name
            break
    return Failure(
        type_name=qualified_name(cls)[:_MAX_NAME],
        text=text_of(error),
        traceback=_cut(_traceback(error)),
        builtin=cls.__module__ == "builtins",
        kind=kind,
    )


def qualified_name(cls: type[BaseException]) -> str:
    """Return the name by which an exception type is known on both sides.

    Example:
        >>> import subprocess
        >>> qualified_name(ConnectionError), qualified_name(subprocess.TimeoutExpired)
        ('ConnectionError', 'subprocess.TimeoutExpired')
    """
    plain = cls.__module__ == "builtins"
    return cls.__qualname__ if plain else f"{cls.__module__}.{cls.__qualname__}"


def _builtin(name: str, text: str) -> Exception | None:
    """Build the built-in exception of that name if one string is all that it takes."""
    cls = getattr(builtins, name, None)
    if not (isinstance(cls, type) and issubclass(cls, Exception)):
        return None
    if issubclass(cls, StopIteration | StopAsyncIteration | Warning):
        # Raised inside a generator these would mean something else at the client.
        return None
    numbered = _ERRNO.fullmatch(text)
    if issubclass(cls, OSError) and numbered:
        return cls(int(numbered[1]), numbered[2])
    try:
        return _quiet_key(text) if cls is KeyError else cls(text)
    except TypeError:  # such as UnicodeDecodeError and ExceptionGroup, which take several arguments
        return None


def _quiet_key(text: str) -> KeyError:
    # str(KeyError("a")) is "'a'": the quotes must not pile up.
    quoted = len(text) > 1 and text[0] == text[-1] == "'" and "\\" not in text
    return KeyError(text[1:-1] if quoted else text)


def text_of(error: BaseException) -> str:
    """Return what an exception says, whatever its class does when it is asked; long text is cut."""
    try:
        if isinstance(error, SystemExit):
            code = "" if error.code is None else repr(error.code)
            return _cut(f"the function called sys.exit({code})")
        return _cut(str(error))
    except Exception as broken:  # the user's __str__ may do anything
        return f"<its __str__ raised {type(broken).__name__}>"


def _traceback(error: BaseException) -> str:
    try:
        described = tracebacks.TracebackException.from_exception(error, limit=-64, compact=True)
        _drop_own_frames(described)
        return "".join(described.format())
    except Exception as broken:  # the same, through __str__ or __notes__
        return f"<no traceback: describing it raised {type(broken).__name__}>"


def _drop_own_frames(described: tracebacks.TracebackException) -> None:
    seen: set[int] = set()
    pending: list[tracebacks.TracebackException | None] = [described]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        current.stack = tracebacks.StackSummary.from_list(_foreign(current.stack))
        pending += [current.__cause__, current.__context__, *(current.exceptions or ())]


def _foreign(stack: Iterable[tracebacks.FrameSummary]) -> list[tracebacks.FrameSummary]:
    found = [frame for frame in stack if not frame.filename.startswith(_OWN_CODE)]
    for frame in found:  # a file that travelled is known by its place in its project
        frame.filename = _TRAVELLED.sub("", frame.filename)
    return found


def _cut(text: str) -> str:
    """Keep the ends of a long text, since both say most, and make it encodable."""
    text = text.encode("utf-8", "backslashreplace").decode()
    if len(text) <= _MAX_TEXT:
        return text
    half = _MAX_TEXT // 2 - 32
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
