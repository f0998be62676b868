"""What the tasks of a run do: most behave, some do not; each start is written down."""

from __future__ import annotations

import os
import resource
import signal
import time
from pathlib import Path
from typing import Any, Final

from starburst.errors import (
    IntegrityError,
    ResultTooLarge,
    TaskTimeout,
    UnsafeResult,
    WorkerLost,
)

__all__ = ["EXPECTED", "expected", "fatal", "perform", "starts"]

_TOO_MUCH: Final = 3 << 20
_LONG: Final = 0.3
"""Seconds: what follows such a task in its range is handed on while it runs."""


class Opaque:
    """No data."""


def perform(task: tuple[int, str, str]) -> Any:
    """Do what ``kind`` says, having noted the start in ``directory``."""
    index, kind, directory = task
    note = os.open(f"{directory}/starts", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(note, f"{index}\n".encode())
    os.close(note)
    match kind:
        case "raise":
            raise ValueError(str(index))
        case "unsafe":
            return Opaque()
        case "large":
            return bytes(_TOO_MUCH)
        case "memory":
            return _exhaust()
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(3)
        case "hang":
            time.sleep(600)
        case "slow":
            time.sleep(_LONG)
        case "held":
            _wait_for(Path(directory) / "go")
        case "fatal":
            time.sleep(_LONG * (index % 2))
            fatal(directory, os.getpid()).touch()
            time.sleep(600)
        case "once":
            _die_once(Path(directory) / f"died-{index}")
    return index * index


def _exhaust() -> int:
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, limits[1]))
    try:
        return len(bytearray(16 << 30))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def _wait_for(mark: Path) -> None:
    while not mark.exists():
        time.sleep(0.005)


def _die_once(mark: Path) -> None:
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


EXPECTED: Final[dict[str, type[BaseException]]] = {
    "raise": ValueError,
    "unsafe": UnsafeResult,
    "large": ResultTooLarge,
    "memory": MemoryError,
    "segfault": WorkerLost,
    "exit": WorkerLost,
    "hang": TaskTimeout,
    "fatal": WorkerLost,
    "damaged": IntegrityError,
}


def expected(index: int, kind: str) -> object:
    """Return the value, or the type of the exception, that a task must end with."""
    return EXPECTED.get(kind, index * index)


def fatal(directory: Path | str, process: int) -> Path:
    """Return the mark by which a task in ``process`` takes its whole worker down."""
    return Path(directory, f"fatal-{process}")


def starts(directory: Path) -> list[int]:
    """Return which tasks were started, in order; a task is there as often as it was started."""
    notes = directory / "starts"
    return [int(line) for line in notes.read_text().split()] if notes.exists() else []
