"""The memory of strict workers: what uses more than its container has is ended, as in AWS.

There, the kernel does so for a task's group. Here its processes are looked at ten times a second.
Like the kernel, this ends the process with the highest score, which is that of tasks: the worker
lives on and says why, or ends with exit code 137 where it is its own memory.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["MemoryWatch"]

_LOOK_SECONDS: Final = 0.1
_NEAR: Final = 0.5
"""Below this part of the limit, what processes have for themselves alone says enough."""

_PROC: Final = Path("/proc")
_COUNTED: Final = ("Pss_Anon:", "Pss_Shmem:")


class MemoryWatch:
    """Watches over processes by their session, each of which a container's first process leads."""

    def __init__(self) -> None:
        self._limits: dict[int, int] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, leader: int, limit: int) -> None:
        """Have the processes of a session stay below so many bytes, for as long as there are any.

        Nothing happens where the system tells nothing of its processes: only Linux does.
        """
        if not (_PROC / "self" / "smaps_rollup").exists():
            return
        with self._lock:
            self._limits[leader] = limit
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="memory", daemon=True)
                self._thread.start()

    def _look(self) -> None:
        pause = threading.Event()
        while not pause.wait(_LOOK_SECONDS):
            with self._lock:
                limits = dict(self._limits)
                if not limits:
                    self._thread = None
                    return
            sessions: dict[int, list[int]] = {leader: [] for leader in limits}
            for pid, leader in _processes():
                if leader in sessions:
                    sessions[leader].append(pid)
            for leader, pids in sessions.items():
                if not pids:
                    with self._lock:
                        self._limits.pop(leader, None)
                elif _used(pids, limits[leader]) > limits[leader]:
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(max(pids, key=_score), signal.SIGKILL)


def _processes() -> Iterator[tuple[int, int]]:
    """Yield each process that lives, with its session."""
    for entry in os.scandir(_PROC):
        if not entry.name.isdigit():
            continue
        with suppress(OSError, ValueError, IndexError):
            # The command's name stands in brackets and may hold anything.
            fields = (_PROC / entry.name / "stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                yield int(entry.name), int(fields[3])


def _used(pids: list[int], limit: int) -> int:
    """Return about how much memory processes have; what they share counts once."""
    page, alone = os.sysconf("SC_PAGE_SIZE"), 0
    for pid in pids:
        with suppress(OSError, ValueError):
            _, resident, *_ = map(int, (_PROC / str(pid) / "statm").read_text().split())
            alone += resident * page
    if alone < _NEAR * limit:
        return alone
    return sum(map(_own, pids))


def _own(pid: int) -> int:
    with suppress(OSError, ValueError):
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(_COUNTED))
    return 0


def _score(pid: int) -> int:
    with suppress(OSError, ValueError):
        return int((_PROC / str(pid) / "oom_score").read_text())
    return -1
