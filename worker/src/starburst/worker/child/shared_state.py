"""The board: shared memory on which a worker sees which task its child is in, and bids it stop.

It outlives the child, so that a task which kills its process is named even when it could not speak.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import Final

__all__ = ["Board"]

_LAYOUT: Final = struct.Struct("<qdq")
_IDLE: Final = -1


class Board:
    """Three numbers in shared memory: the running task, when it began, whether to stop.

    Times are of ``time.monotonic()``, which processes of one machine share.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._memory = mmap.mmap(fd, _LAYOUT.size)

    @classmethod
    def create(cls) -> Board:
        """Make a board to hand to a child as an inherited file descriptor."""
        fd = os.memfd_create("starburst-board", 0)
        os.ftruncate(fd, _LAYOUT.size)
        board = cls(fd)
        board.clear()
        return board

    def clear(self) -> None:
        """No task, and no wish to stop."""
        _LAYOUT.pack_into(self._memory, 0, _IDLE, 0.0, 0)

    def enter(self, task: int, now: float) -> None:
        """Say that ``task`` begins (the child's side)."""
        struct.pack_into("<qd", self._memory, 0, task, now)

    def leave(self) -> None:
        """Say that no task runs (the child's side)."""
        struct.pack_into("<q", self._memory, 0, _IDLE)

    def running(self) -> tuple[int, float] | None:
        """Return the running task and when it began; None between tasks."""
        task, began, _ = _LAYOUT.unpack_from(self._memory)
        return None if task == _IDLE else (task, began)

    def ask_to_stop(self) -> None:
        """Bid the child return after the task that it is in."""
        struct.pack_into("<q", self._memory, 16, 1)

    def allow(self) -> None:
        """Take back the wish to stop."""
        struct.pack_into("<q", self._memory, 16, 0)

    @property
    def stop_asked(self) -> bool:
        """Whether the child should return after the task that it is in."""
        return bool(struct.unpack_from("<q", self._memory, 16)[0])

    def close(self) -> None:
        """Release the memory."""
        self._memory.close()
        os.close(self.fd)
