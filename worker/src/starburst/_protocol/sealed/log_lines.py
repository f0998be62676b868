"""What tasks printed, as it is stored: lines by worker, sealed, each object written once.

An object ``logs/<worker>/<number>`` holds the lines that one worker has read since the object
before. Its header binds the session, the worker and the number; each line says its stream.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from starburst.contract import SessionKeys
from starburst.errors import IntegrityError

from .envelope import Buffer, Header, seal, unseal
from .tables import dump_table, load_table, text, whole

__all__ = [
    "MOST_OBJECTS",
    "Lines",
    "Printed",
    "Stream",
    "log_key",
    "log_name",
    "open_lines",
    "parse_log_key",
    "seal_lines",
]

Stream: TypeAlias = Literal["stdout", "stderr"]

MOST_OBJECTS: Final = 1_000_000
"""Numbers that one worker has for its objects."""

_FOLDER: Final = 12
_STREAMS: Final[tuple[Stream, ...]] = ("stdout", "stderr")
_WORKER: Final = re.compile(rf"[0-9a-f]{{{_FOLDER}}}")
_NAME: Final = re.compile(rf"[0-9a-f]{{{_FOLDER}}}/\d{{6}}")
_MOST_BYTES: Final = 64 << 20
_LINE_FIELDS: Final = 4


@dataclass(frozen=True, slots=True)
class Printed:
    """One line that a task printed.

    Attributes:
        task: its number in the session; None for what no task of this worker's printed.
        stream: ``stdout`` or ``stderr``.
        text: without the end of the line.
        time: when the worker read it, seconds since the epoch.
    """

    task: int | None
    stream: Stream
    text: str
    time: float


@dataclass(frozen=True, slots=True)
class Lines:
    """What one object holds.

    Attributes:
        worker: who read the lines.
        serial: number of these lines; the same in an object that was stored twice.
        lines: in the order in which they were read.
    """

    worker: str
    serial: int
    lines: tuple[Printed, ...]


def log_name(worker: str, number: int) -> str:
    """Return the name below ``logs/`` of a worker's object: of fixed lengths, for IAM to check.

    Two workers whose names begin alike share a folder, and number on in it.

    Example:
        >>> log_name("0123456789abcdef" * 2 + "-42", 7)
        '0123456789ab/000007'
    """
    begun = _WORKER.match(worker)
    folder = begun[0] if begun else hashlib.sha256(worker.encode()).hexdigest()[:_FOLDER]
    return f"{folder}/{number:06d}"


def log_key(keys: SessionKeys, name: str) -> str:
    """Return the S3 key of an object with lines."""
    return f"{keys.logs}{name}"


def parse_log_key(keys: SessionKeys, key: str) -> str | None:
    """Return the name in a key; None for what no worker of ours would have written."""
    name = key.removeprefix(keys.logs)
    return name if key != name and _NAME.fullmatch(name) else None


def seal_lines(found: Lines, *, session: str, name: str, key: bytes) -> bytes:
    """Seal what a worker has read, as the object of that name."""
    lines = [
        [-1 if each.task is None else each.task, each.stream, each.text, each.time]
        for each in found.lines
    ]
    table = dump_table([found.worker, found.serial, lines])
    return bytes(seal([table], key=key, header=_header(session, name)))


def open_lines(sealed: Buffer, *, session: str, name: str, key: bytes) -> Lines:
    """Verify an object, and return its lines.

    Raises:
        IntegrityError: it is not what a worker of this session stored there.
    """
    header = _header(session, name)
    plain = unseal(sealed, key=key, expect=header, max_bytes=_MOST_BYTES)
    try:
        worker, serial, lines = load_table(plain)
        return Lines(text(worker), whole(serial), tuple(_line(each) for each in lines))
    except (TypeError, ValueError) as error:
        raise IntegrityError(f"log {name} of session {session} is malformed: {error}") from None


def _line(fields: Any) -> Printed:  # noqa: ANN401 - whatever a table holds
    if type(fields) is not list or len(fields) != _LINE_FIELDS:
        raise ValueError("a line has four fields")
    task, stream, words, time = fields
    if stream not in _STREAMS or type(time) is not float:
        raise ValueError("a line has a stream and a time")
    number = None if task == -1 else whole(task)
    return Printed(task=number, stream=stream, text=text(words), time=time)


def _header(session: str, name: str) -> Header:
    return Header(session=session, kind="log", name=f"logs/{name}", attempt=0, format="log")
