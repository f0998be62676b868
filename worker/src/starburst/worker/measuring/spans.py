"""A child's clock: when each task ran and how much memory its process had, short ones together."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from starburst._protocol.sealed.spans import Span

__all__ = ["Spans"]

_LONG_SECONDS: Final = 0.05
"""A task that took this long is told by itself; shorter ones together until they took as long."""

_RESET_PEAK: Final = "5"
"""What the kernel takes as a wish to forget the highest memory of a process so far.

Source: https://docs.kernel.org/filesystems/proc.html (clear_refs).
"""


class Spans:
    """What is written down of tasks that run one after the other.

    Args:
        now: seconds since the epoch.
        peak: returns the most memory since it was last asked, MiB.
    """

    def __init__(
        self, *, now: Callable[[], float] = time.time, peak: Callable[[], int] | None = None
    ) -> None:
        self._now = now
        self._peak = peak or _peak
        self._spans: list[Span] = []
        self._open: tuple[int, float] | None = None
        self._count = 0
        self._retries = 0
        self._running: tuple[int, float] = (0, 0.0)

    def begin(self, index: int) -> None:
        """Note that a task begins, for the first time or again."""
        self._running = (index, self._now())
        if self._open is None:
            self._open = self._running

    def retry(self) -> None:
        """Note that the task is to run once more."""
        self._retries += 1

    def end(self, said: Callable[[], str]) -> None:
        """Note that the task has ended.

        Args:
            said: returns its input in short; asked only where it took long.
        """
        now, (index, began) = self._now(), self._running
        if now - began >= _LONG_SECONDS or self._retries:
            if self._count:  # short ones before it
                self._close(began, peak=0)
            self._open, self._count = (index, began), 1
            self._close(now, peak=self._peak(), retries=self._retries, said=said())
            self._retries = 0
            return
        self._count += 1
        if self._open is not None and now - self._open[1] >= _LONG_SECONDS:
            self._close(now, peak=self._peak())

    def _close(self, now: float, *, peak: int, retries: int = 0, said: str = "") -> None:
        if self._open is None:
            return
        first, began = self._open
        self._spans.append(
            Span(
                first=first,
                count=self._count,
                began=began,
                seconds=round(max(0.0, now - began), 6),
                peak=peak,
                retries=retries,
                input=said,
            )
        )
        self._open, self._count = None, 0

    def take(self) -> list[list[object]]:
        """Return what was noted since, as it travels."""
        if self._count:
            self._close(self._now(), peak=self._peak())
        taken, self._spans = [span.to_data() for span in self._spans], []
        return taken


def _peak() -> int:
    """Return the most memory that this process had since this was last asked, MiB; 0 if unknown."""
    with suppress(OSError, ValueError, IndexError):  # only Linux tells
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        found = int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) // 1024
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text(_RESET_PEAK, encoding="ascii")
        return found
    return 0
