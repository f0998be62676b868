"""Whose CPU time a burst takes: the client's, the workers', their tasks', or the emulator's.

The emulator stands in for AWS, on the same two cores as all the rest: its share is no cost in
the cloud, and without it the other numbers could not be read.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["Shares", "counted"]

_PROC: Final = Path("/proc")
_KINDS: Final = {
    "starburst.local.emulation": "emulator",
    "starburst.worker.child.runner": "tasks",
    "starburst.worker": "workers",
}


class Shares:
    """CPU seconds by who used them; empty where the system does not tell."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.wall = 0.0

    def __str__(self) -> str:
        """Return one line."""
        if not self.seconds:
            return "not measured on this system"
        total = sum(self.seconds.values())
        most = sorted(self.seconds.items(), key=lambda item: -item[1])
        parts = [f"{name} {used / total:.0%}" for name, used in most]
        return f"{total:.1f} CPU seconds in {self.wall:.1f} s: {', '.join(parts)}"


@contextmanager
def counted() -> Iterator[Shares]:
    """Count what this process and its descendants use inside the block."""
    shares = Shares()
    before, began = _used(), time.perf_counter()
    yield shares
    shares.wall = time.perf_counter() - began
    shares.seconds = {name: used - before.get(name, 0.0) for name, used in _used().items()}


def _used() -> dict[str, float]:
    used: dict[str, float] = defaultdict(float)
    for folder in _PROC.glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if folder.name == str(os.getpid()):
            kind: str | None = "client"
        else:
            kind = next((name for module, name in _KINDS.items() if module in words), None)
        if kind is not None and _is_ours(folder.name):
            used[kind] += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def _is_ours(pid: str) -> bool:
    """Whether a process is this one, or descends from it."""
    while pid not in (str(os.getpid()), "0", "1"):
        try:
            pid = (_PROC / pid / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            return False
    return pid == str(os.getpid())
