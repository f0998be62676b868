"""Shared memory in which a worker sees which task its child is in, and asks it to stop.

It outlives the child, so that a task which kills its process is named even when it could not speak.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import Final

__all__ = ["SharedState"]

_LAYOUT: Final = struct.Struct("<qdq")
_BEGUN, _DONE, _BYTES, _TOKEN = 3, 4, 5, 48
_SIZE: Final = 64
_IDLE: Final = -1


class SharedState:
    """Numbers in shared memory: the running task, when it began, whether to stop; what was read.

    Times are of ``time.monotonic()``, which processes of one machine share.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._memory = mmap.mmap(fd, _SIZE)
        self._numbers = memoryview(self._memory)[:_TOKEN].cast("q")

    @classmethod
    def create(cls) -> SharedState:
        """Make one to hand to a child as an inherited file descriptor."""
        fd = os.memfd_create("starburst-state", 0)
        os.ftruncate(fd, _SIZE)
        state = cls(fd)
        state.clear()
        return state

    def clear(self) -> None:
        """Say that no task runs, and that the child need not stop."""
        _LAYOUT.pack_into(self._memory, 0, _IDLE, 0.0, 0)

    def enter(self, task: int, now: float) -> None:
        """Say that ``task`` begins at ``now`` (the child's side)."""
        struct.pack_into("<qd", self._memory, 0, task, now)

    def leave(self) -> None:
        """Say that no task runs (the child's side)."""
        struct.pack_into("<q", self._memory, 0, _IDLE)

    def running(self) -> tuple[int, float] | None:
        """Return the running task and when it began; None between tasks."""
        task, began, _ = _LAYOUT.unpack_from(self._memory)
        return None if task == _IDLE else (task, began)

    def ask_to_stop(self) -> None:
        """Ask the child to return after the task that it is in."""
        struct.pack_into("<q", self._memory, 16, 1)

    def allow(self) -> None:
        """Take the request to stop back."""
        struct.pack_into("<q", self._memory, 16, 0)

    @property
    def stop_asked(self) -> bool:
        """Whether the child should return after the task that it is in."""
        return bool(struct.unpack_from("<q", self._memory, 16)[0])

    @property
    def token(self) -> bytes:
        """What marks the end of a task in its output; empty where nobody reads that."""
        return self._memory[_TOKEN:_SIZE].strip(b"\0")

    @token.setter
    def token(self, token: bytes) -> None:
        self._memory[_TOKEN:_SIZE] = token

    def begin_reading(self) -> None:
        """Say that output is about to be taken from its pipe (the worker's side)."""
        self._numbers[_BEGUN] += 1

    def end_reading(self, nbytes: int) -> None:
        """Say how much output was taken."""
        self._numbers[_BYTES] += nbytes
        self._numbers[_DONE] = self._numbers[_BEGUN]

    @property
    def reading(self) -> tuple[int, int, int]:
        """How often output was taken, how often that was begun, and how many bytes came of it."""
        numbers = self._numbers
        done = numbers[_DONE]
        nbytes = numbers[_BYTES]
        return done, numbers[_BEGUN], nbytes

    def close(self) -> None:
        """Release the memory."""
        self._numbers.release()
        self._memory.close()
        os.close(self.fd)
