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
_IDLE: Final = -1


class SharedState:
    """Three numbers in shared memory: the running task, when it began, whether to stop.

    Times are of ``time.monotonic()``, which processes of one machine share.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._memory = mmap.mmap(fd, _LAYOUT.size)

    @classmethod
    def create(cls) -> SharedState:
        """Make one to hand to a child as an inherited file descriptor."""
        fd = os.memfd_create("starburst-state", 0)
        os.ftruncate(fd, _LAYOUT.size)
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

    def close(self) -> None:
        """Release the memory."""
        self._memory.close()
        os.close(self.fd)
