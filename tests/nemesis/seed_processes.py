"""Processes that play one seed after another; what ends a process fails the seed that it played."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Final

__all__ = ["Played", "play"]

_LONGEST_SECONDS: Final = 900.0
_SEEDS_EACH: Final = 100
"""A process is replaced after so many, that what they leave in memory stays small."""


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of a seed.

    Attributes:
        seed: which.
        wrong: what broke an invariant, in words.
        tasks: how many there were.
        struck: how often each fault struck.
        late: by how many seconds workers outlived the deadline of a session that was abandoned.
    """

    seed: int
    wrong: list[str] = field(default_factory=list)
    tasks: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    late: list[float] = field(default_factory=list)


def play(
    seeds: Sequence[int], *, jobs: int, serve: Callable[[Connection], None] | None = None
) -> Iterator[Played]:
    """Play seeds, so many at once, and yield each as soon as it has ended.

    Args:
        seeds: which.
        jobs: how many at once.
        serve: what a process does; by default it plays.
    """
    act = _serve if serve is None else serve
    waiting = iter(seeds)
    processes: list[_SeedProcess] = []
    try:
        for seed in waiting:
            processes.append(_SeedProcess(seed, act))
            if len(processes) == jobs:
                break
        while processes:
            for process in _settled(processes):
                yield process.played()
                seed = next(waiting, None)
                if seed is None:
                    processes.remove(process)
                    process.end()
                elif process.worn:
                    processes.remove(process)
                    process.end()
                    processes.append(_SeedProcess(seed, act))
                else:
                    process.begin(seed)
    finally:
        for process in processes:
            process.end()


def _settled(processes: Sequence[_SeedProcess]) -> list[_SeedProcess]:
    """Wait until a process has answered, has died, or has had its time."""
    while True:
        ready = wait([process.link for process in processes], timeout=1.0)
        now = time.monotonic()
        found = [p for p in processes if p.link in ready or now - p.began > _LONGEST_SECONDS]
        if found:
            return found


class _SeedProcess:
    """A process, and the seed that it plays."""

    def __init__(self, seed: int, act: Callable[[Connection], None]) -> None:
        spawned = multiprocessing.get_context("spawn")
        self.link, theirs = spawned.Pipe()
        self._process: BaseProcess = spawned.Process(target=act, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._count = 0
        self.begin(seed)

    @property
    def worn(self) -> bool:
        """Whether this process should play no more."""
        return self._count >= _SEEDS_EACH or not self._process.is_alive()

    def begin(self, seed: int) -> None:
        """Have the process play a seed."""
        self._count += 1
        self._seed = seed
        self.began = time.monotonic()
        with contextlib.suppress(BrokenPipeError):  # its death is found when it is asked
            self.link.send(seed)

    def played(self) -> Played:
        """Return what came of the seed."""
        if not self.link.poll():
            self._process.kill()
            self._process.join()
            return Played(seed=self._seed, wrong=[f"no end after {_LONGEST_SECONDS:g} s"])
        try:
            return self.link.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            code = self._process.exitcode
            return Played(seed=self._seed, wrong=[f"its process ended with code {code}"])

    def end(self) -> None:
        """End the process."""
        self.link.close()
        self._process.terminate()
        self._process.join()


def _serve(link: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that waits for us ends us
    from .world import run  # noqa: PLC0415 - costs a second that who only waits need not spend

    with contextlib.suppress(EOFError):
        while True:
            seed = link.recv()
            try:
                history, wrong = run(seed)
            except Exception:  # the next seeds are to be played all the same
                link.send(Played(seed=seed, wrong=traceback.format_exc().splitlines()))
            else:
                struck, tasks = history.plan.struck, len(history.outcomes)
                late = history.late
                link.send(Played(seed=seed, wrong=wrong, tasks=tasks, struck=struck, late=late))
