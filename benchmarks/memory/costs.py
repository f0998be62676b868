"""What a task costs the client: bytes at its peak and CPU time, each door in a process of its own.

``python -m benchmarks.memory --tasks 10000000`` measures any number. Counted is the process' peak
of resident memory above what it had after a thousand tasks, less what the caller holds of the
results: a list's slot and the number in it, 40 bytes a task. So it includes pickled inputs until
they are sent, what is on its way, and the room that malloc keeps.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import as_completed
from typing import Any, Final

import starburst
from benchmarks.harness import Row

from .instant_fleet import InstantFleet

__all__ = ["DOORS", "main", "measure"]

_GOAL_BYTES: Final = 300
_RESULT_BYTES: Final = 8 + 32
_WORKERS: Final = 8


def _map(fleet: InstantFleet, tasks: int) -> Iterable[int]:
    options: Any = {"environment": fleet.connection, "workers": _WORKERS, "progress": False}
    return starburst.map(_same, range(tasks), **options)


def _imap(fleet: InstantFleet, tasks: int) -> Iterable[int]:
    options: Any = {"environment": fleet.connection, "workers": _WORKERS, "progress": False}
    with starburst.imap(_same, itertools.count(), **options) as results:
        return [sum(itertools.islice(results, tasks))]


def _futures(fleet: InstantFleet, tasks: int) -> Iterable[int]:
    with starburst.session(fleet.connection, workers=_WORKERS, progress=False) as session:
        return [sum(future.result() for future in session.map(_same, range(tasks)))]


def _executor_map(fleet: InstantFleet, tasks: int) -> Iterable[int]:
    with starburst.Executor(fleet.connection, workers=_WORKERS, progress=False) as pool:
        return [sum(pool.map(_same, range(tasks)))]


def _submit(fleet: InstantFleet, tasks: int) -> Iterable[int]:
    with starburst.Executor(fleet.connection, workers=_WORKERS, progress=False) as pool:
        return [sum(f.result() for f in as_completed(pool.submit(_same, x) for x in range(tasks)))]


def _cancel(fleet: InstantFleet, tasks: int) -> Iterable[int]:
    fleet.works = False
    with starburst.session(fleet.connection, workers=_WORKERS, progress=False) as session:
        session.map(_same, range(tasks))
        return [session.cancel()]


DOORS: Final[Mapping[str, Callable[[InstantFleet, int], Iterable[int]]]] = {
    "map": _map,
    "imap": _imap,
    "futures": _futures,
    "executor": _executor_map,
    "submit": _submit,
    "cancel": _cancel,
}
_WHAT: Final = {
    "map": "`map` of {:,} trivial tasks",
    "imap": "{:,} results of `imap` over a generator without end",
    "futures": "`session.map` of {:,}, each future touched once",
    "executor": "`Executor.map` of {:,}",
    "submit": "{:,} times `submit`, all futures held",
    "cancel": "`session.cancel()` of {:,}",
}


def _same(x: int) -> int:
    return x


def measure(
    *,
    tasks: int = 1_000_000,
    many: int = 10_000_000,
    doors: Iterable[str] = ("map", "imap", "futures", "executor", "cancel"),
) -> list[Row]:
    """Return the rows of this workload."""
    runs = [*((door, tasks) for door in doors), ("map", many), ("submit", tasks // 10)]
    return [_row(door, count) for door, count in runs]


def _row(door: str, tasks: int) -> Row:
    said = subprocess.run(  # noqa: S603 - our own interpreter and words
        [sys.executable, "-m", "benchmarks.memory", "--child", door, "--tasks", str(tasks)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    found = json.loads(said)
    each = found["bytes"] / tasks
    limit = door in ("map", "imap")
    return Row(
        workload=f"{_WHAT[door].format(tasks)}, instant fleet",
        goal=f"≤ {_GOAL_BYTES} bytes a task" if limit else "",
        ours=f"{each:,.0f} bytes a task ({found['bytes'] / 1e6:,.0f} MB at the peak), "
        f"{found['cpu'] / tasks * 1e6:,.1f} CPU µs",
        theirs="",
        met=each <= _GOAL_BYTES if limit else None,
    )


def _child(door: str, tasks: int) -> None:
    python = platform.python_version().rpartition(".")[0]
    DOORS[door](InstantFleet(python=python), 1000)
    before, began = _peak(), time.process_time()
    results = DOORS[door](InstantFleet(python=python), tasks)
    cpu = time.process_time() - began
    right = sum(range(tasks)) if door != "cancel" else tasks
    if sum(results) != right:
        raise SystemExit(f"wrong results of {door}")
    held = _RESULT_BYTES * tasks if door == "map" else 0
    print(json.dumps({"bytes": max(0, _peak() - before - held), "cpu": cpu}))


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> int:
    """Print what a task costs through some doors."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--doors", nargs="+", choices=DOORS, default=["map", "imap"])
    parser.add_argument("--child", choices=DOORS, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.child:
        _child(words.child, words.tasks)
        return 0
    rows = [_row(door, words.tasks) for door in words.doors]
    for row in rows:
        print(f"{row.workload}: {row.ours}")
    return 0 if all(row.met is not False for row in rows) else 1
