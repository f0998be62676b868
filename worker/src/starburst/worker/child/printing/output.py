"""What a child prints, read from its pipes and told apart by the task that printed it."""

from __future__ import annotations

import array
import fcntl
import os
import secrets
import select
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeAlias

from starburst._protocol.sealed.log_lines import Stream
from starburst.worker.child.shared_state import SharedState
from starburst.worker.printing.masking import Mask

from .markers import MARK_BYTES, TOKEN_BYTES, number_in

__all__ = ["Output", "Take"]

Take: TypeAlias = Callable[["int | None", Stream, str], None]
"""Takes one line: the task's number in the session, the stream, the text."""

_READ_BYTES: Final = 1 << 16
_LINE_BYTES: Final = 16 << 10
"""A longer line becomes several."""


class Output:
    """Reads one child's output, in a thread of its own.

    Args:
        state: what is shared with the child.
        take: takes the lines; called by one thread at a time.
        mask: takes secrets out of them before.

    Attributes:
        ends: those of the pipes that the child writes into, as ``Popen`` takes them.
    """

    def __init__(self, state: SharedState, take: Take, mask: Mask) -> None:
        self._state = state
        self._take = take
        self._mask = mask
        self._first = 0
        self._lock = threading.Lock()
        self._closed = False
        state.token = token = _token()
        pipes = [os.pipe(), os.pipe()]
        self.ends = {"stdout": pipes[0][1], "stderr": pipes[1][1]}
        self._parts = (
            _Part(pipes[0][0], "stdout", token=token),
            _Part(pipes[1][0], "stderr", token=token),
        )
        for part in self._parts:
            os.set_blocking(part.fd, False)
        self._wake = os.pipe()
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)

    def start(self) -> None:
        """Begin to read; the child has its ends."""
        for end in self.ends.values():
            os.close(end)
        self._thread.start()

    def expect(self, first: int) -> None:
        """Say which number in the session the first task of the child's chunk has."""
        self._first = first

    def look(self) -> None:
        """Take in what has been printed by now."""
        with self._lock:
            if not self._closed:
                self._look()

    def close(self) -> None:
        """Take in the child's last words, and release what it held."""
        with self._lock:
            if self._closed:
                return
            self._look()
            running = self._state.running()
            last = None if running is None else self._first + running[0]
            for part in self._parts:
                self._hand_out(last, part.stream, part.rest())
            self._closed = True
            os.write(self._wake[1], b".")
        self._thread.join()
        for fd in (*self._wake, *(part.fd for part in self._parts)):
            os.close(fd)

    def _run(self) -> None:
        poll = select.poll()
        open_fds = {part.fd for part in self._parts}
        for fd in (*open_fds, self._wake[0]):
            poll.register(fd, select.POLLIN)
        while open_fds:
            events = poll.poll()
            with self._lock:
                if self._closed:
                    return
                self._look()
            for fd, event in events:
                # Nobody can write any more, and all is read.
                if not event & select.POLLIN and fd in open_fds:
                    poll.unregister(fd)
                    open_fds.discard(fd)

    def _look(self) -> None:
        before = self._state.running()
        for part in self._parts:
            for task, text in part.read(self._state):
                self._hand_out(task, part.stream, text)
        # A task before this one has left its mark before this one began. So what stands behind the
        # last mark is of the task that runs, if it runs still.
        if before is not None and before == self._state.running():
            for part in self._parts:
                self._hand_out(self._first + before[0], part.stream, part.whole_lines(self._mask))

    def _hand_out(self, task: int | None, stream: Stream, text: bytes) -> None:
        lines = self._mask(text).split(b"\n")
        if not lines[-1]:
            lines.pop()
        for line in lines:
            shown = _last_drawn(line).rstrip(b"\r")
            for start in range(0, max(1, len(shown)), _LINE_BYTES):
                piece = shown[start : start + _LINE_BYTES]
                self._take(task, stream, piece.decode("utf-8", "backslashreplace"))


class _Part:
    """One of the two streams: what has been read of it, up to where a mark might begin."""

    def __init__(self, fd: int, stream: Stream, *, token: bytes) -> None:
        self.fd = fd
        self.stream: Stream = stream
        self._found = bytearray()
        self._token = token
        self._raw = bytearray()
        self._waiting = array.array("i", [0])

    def read(self, state: SharedState) -> list[tuple[int | None, bytes]]:
        """Read what is there now; return the ends of tasks, each with what stood before it.

        More may come meanwhile, without end: that is the next call's.
        """
        fcntl.ioctl(self.fd, termios.FIONREAD, self._waiting)
        left, ended = self._waiting[0], []
        while left > 0:
            data = b""
            state.begin_reading()
            try:
                with suppress(BlockingIOError):
                    data = os.read(self.fd, min(left, _READ_BYTES))
            finally:
                state.end_reading(len(data))
            if not data:
                break
            left -= len(data)
            self._raw += data
            ended += self._split()
        return ended

    def whole_lines(self, mask: Mask) -> bytes:
        """Take the lines behind the last mark that have ended, or are too long to wait for.

        Of such a one that is kept in which a secret may have begun that has not ended.
        """
        found = self._found
        end = found.rfind(b"\n") + 1
        if not end and len(found) > _LINE_BYTES:
            del found[: len(found) - len(_last_drawn(found))]
            if len(found) > _LINE_BYTES:
                found[:] = mask(bytes(found))
                end = max(0, len(found) - max(0, mask.longest - 1))
        taken = bytes(found[:end])
        del found[:end]
        return taken

    def rest(self) -> bytes:
        """Take all that is left."""
        taken = bytes(self._found + self._raw)
        self._found.clear()
        self._raw.clear()
        return taken

    def _split(self) -> list[tuple[int | None, bytes]]:
        ended: list[tuple[int | None, bytes]] = []
        raw, token = self._raw, self._token
        while (at := raw.find(token)) >= 0 and len(raw) >= at + MARK_BYTES:
            ended.append(
                (number_in(bytes(raw[at : at + MARK_BYTES])), bytes(self._found + raw[:at]))
            )
            self._found.clear()
            del raw[: at + MARK_BYTES]
        if at < 0:
            at = self._safe()
        self._found += raw[:at]
        del raw[:at]
        return ended

    def _safe(self) -> int:
        """Return where the beginning of a mark could stand at the end of what was read."""
        raw, token = self._raw, self._token
        for length in range(min(len(raw), TOKEN_BYTES - 1), 0, -1):
            if raw.endswith(token[:length]):
                return len(raw) - length
        return len(raw)


def _last_drawn(line: bytes | bytearray) -> bytes | bytearray:
    """Return the last state of a line: a bar that draws itself anew is worth no other."""
    return line[line.rfind(b"\r", 0, len(line.rstrip(b"\r"))) + 1 :]


def _token() -> bytes:
    """Return a mark's beginning: a control character, then what nobody guesses."""
    return b"\x01" + bytes(byte or 1 for byte in secrets.token_bytes(TOKEN_BYTES - 1))
