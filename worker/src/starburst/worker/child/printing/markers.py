"""Where a task's output ends, told in the output itself, by the process that runs the task.

What a task prints comes to the worker by the same two pipes as what other tasks print, and as what
its own processes and libraries write there. So a mark stands behind a task's output, which nobody
else makes. A task that prints nothing leaves none, and hardly pays: that Python wrote, Python's
streams know. That anything else did, the kernel and the worker know, who are asked after no task of
less than a moment until that has happened once.
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import io
import math
import os
import struct
import sys
import termios
import time
from contextlib import suppress
from typing import Any, Final

from starburst.worker.child.shared_state import SharedState

__all__ = ["MARK_BYTES", "TOKEN_BYTES", "Markers", "mark", "number_in"]

TOKEN_BYTES: Final = 16
_NUMBER: Final = struct.Struct(">q")
MARK_BYTES: Final = TOKEN_BYTES + _NUMBER.size
_STREAMS: Final = (1, 2)
_LOOKS: Final = 3
_LINE_BUFFERED: Final = 1
_MOMENT_SECONDS: Final = 5e-4
"""No process starts and writes within this; C code may, and its first line then stands with a task
that ended within it."""


def mark(token: bytes, task: int | None) -> bytes:
    """Return what stands behind the output of a task; None for that of no task."""
    return token + _NUMBER.pack(-1 if task is None else task)


def number_in(mark_bytes: bytes) -> int | None:
    """Return the task in a mark."""
    number = int(_NUMBER.unpack_from(mark_bytes, TOKEN_BYTES)[0])
    return None if number < 0 else number


class _Seen:
    """Whether anything was written."""

    written = False


class _Noted(io.BufferedWriter):
    """A stream that notes that it was written to."""

    def __init__(self, raw: io.FileIO, seen: _Seen) -> None:
        super().__init__(raw)
        self._seen = seen

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - whatever has bytes
        self._seen.written = True
        return super().write(data)


class Markers:
    """Marks the ends of tasks in what this process writes to its standard streams.

    Args:
        state: what this process shares with its worker; without a token, nothing is marked.

    Attributes:
        fds: of the pipes, which no other process should hold.
    """

    def __init__(self, state: SharedState) -> None:
        self._state = state
        self._token = state.token
        self.fds = [os.dup(fd) for fd in _STREAMS] if self._token else []
        self._unread = array.array("i", [0])
        self._marked = 0
        self._known = 0
        self._by_others = False
        self._seen = _Seen()
        self._looked = math.inf
        self._streams: list[io.TextIOWrapper] = []
        # Python's own are kept: they would close what they stand for.
        self._replaced = (sys.stdout, sys.stderr)
        if self._token:
            self._looked = time.monotonic()
            self._streams = [_stream(fd, self._seen) for fd in _STREAMS]
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = self._streams  # type: ignore[misc]
            _c_by_lines()

    def end(self, task: int | None) -> None:
        """Say that what was written since the last mark, if anything was, is a task's."""
        if not self._seen.written:
            now = time.monotonic()
            if now - self._looked < _MOMENT_SECONDS:
                return
            self._looked = now
            if self._written() == self._known:
                return
            self._by_others = True
        for stream in self._streams:
            with suppress(Exception):  # a task may have closed it
                stream.flush()
        self._seen.written = self._by_others
        written = self._written()
        if written == self._known:
            return
        with suppress(OSError):
            for fd in self.fds:
                self._marked += os.write(fd, mark(self._token, task))
        self._known = -1 if written is None else written

    def _written(self) -> int | None:
        """Return how much was written without the marks; None where that changes as it is asked."""
        state, unread = self._state, self._unread
        out, err = self.fds
        for _ in range(_LOOKS):
            done, begun, taken = state.reading
            fcntl.ioctl(out, termios.FIONREAD, unread)
            waiting = unread[0]
            fcntl.ioctl(err, termios.FIONREAD, unread)
            if done == begun == state.reading[1]:
                return taken + waiting + unread[0] - self._marked
        return None


def _stream(fd: int, seen: _Seen) -> io.TextIOWrapper:
    """Return a standard stream that writes each line as it ends, though this is no terminal."""
    raw = io.FileIO(fd, "wb", closefd=False)
    raw.name = "<stdout>" if fd == 1 else "<stderr>"
    return io.TextIOWrapper(
        _Noted(raw, seen),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
        write_through=True,
    )


def _c_by_lines() -> None:
    with suppress(Exception):
        library = ctypes.CDLL(None)
        library.setvbuf(ctypes.c_void_p.in_dll(library, "stdout"), None, _LINE_BUFFERED, 0)
