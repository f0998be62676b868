"""The process of a child, which tells at its end how much memory it took, and no other did."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

__all__ = ["Peak", "Spawned"]

_KIB: Final = 1024
_RISE_KIB: Final = 16 * 1024
"""A peak that has risen by less is not worth a look at the next task."""
_RESET: Final = b"5"
"""What ``/proc/self/clear_refs`` takes for the peak of resident memory."""


class Spawned:
    """A process, started as ``subprocess.Popen`` does.

    Args:
        words: the command.
        **options: of ``Popen``.

    Attributes:
        pid: its id.
    """

    def __init__(self, words: Sequence[str], **options: Any) -> None:
        # What a process has before it becomes another one counts as that one's: ours, here.
        self._floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB
        self._popen = subprocess.Popen(words, **options)  # noqa: S603 - the worker's own words
        self.pid: int = self._popen.pid
        self._reaping = threading.Lock()
        self._code: int | None = None
        self._peak = 0

    def wait(self) -> int:
        """Wait for its end and return its exit code; negative for a signal."""
        with suppress(ChildProcessError):  # another thread was quicker
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        with self._reaping:
            if self._code is None:
                _, status, usage = os.wait4(self.pid, 0)
                self._code = self._popen.returncode = os.waitstatus_to_exitcode(status)
                self._peak = usage.ru_maxrss * _KIB
            return self._code

    def kill(self) -> None:
        """End it now; harmless once it has ended."""
        with self._reaping, suppress(ProcessLookupError):
            if self._code is None:
                os.kill(self.pid, signal.SIGKILL)

    def memory(self) -> str:
        """Say how much memory it has taken, once it has ended."""
        if self._peak > self._floor:
            return f"it peaked at {self._peak / _KIB**2:,.0f} MiB"
        return f"it took less than {self._floor / _KIB**2:,.0f} MiB"


class Peak:
    """This process's peak of memory, begun anew for each task: the child's side."""

    def __init__(self) -> None:
        self._low = 0

    def begin(self) -> None:
        """Forget what an earlier task took; quick where none took much."""
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss <= self._low + _RISE_KIB:
            return
        with suppress(OSError):  # only Linux knows how, and a container may not let us
            fd = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(fd, _RESET)
            finally:
                os.close(fd)
        self._low = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
