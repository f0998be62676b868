"""Whether tasks that print nothing pay for those that do: one child read from, and one that is not.

``python -m benchmarks.payloads.quiet_tasks`` prints the ratio of both, in turns in one run.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from starburst._functions.payload import dump_function, dump_input
from starburst.worker.child.printing.output import Take
from starburst.worker.child.process import Child

__all__ = ["ratios"]

_GOAL: Final = 1.03


def ratios(function: Callable[[int], object], *, tasks: int, rounds: int = 9) -> list[float]:
    """Return how much longer tasks take whose output is read, one ratio a round.

    Args:
        function: prints nothing.
        tasks: calls in each measurement.
        rounds: measurements of each kind, in turns.
    """
    found = []
    with _child(None) as plain, _child(lambda *_: None) as read:
        for child in (plain, read):
            _run(child, function, tasks)
        for each in range(rounds):
            pair = (plain, read) if each % 2 else (read, plain)
            took = {child: _run(child, function, tasks) for child in pair}
            found.append(took[read] / took[plain])
    return found


@contextmanager
def _child(take: Take | None) -> Iterator[Child]:
    child = Child(take=take)
    try:
        yield child
    finally:
        child.kill()


def _run(child: Child, function: Callable[[int], object], tasks: int) -> int:
    """Return the nanoseconds of CPU that the tasks took: of the child's, where all is called."""
    header: dict[str, Any] = {"do": "function", "name": "f", "folder": child.modules}
    if "f" not in child.functions:
        child.send({**header, "paths": [], "entries": []}, [dump_function(function), b""])
        child.functions.add("f")
    inputs = [dump_input(((n,), {})) for n in range(tasks)]
    run = {"do": "run", "function": "f", "lo": 0, "first": 0, "retries": 0, "retry_on": []}
    began = _cpu(child)
    child.send({**run, "mode": "data", "max_bytes": 1 << 20}, inputs)
    final = False
    while not final:
        frame = child.receive(60)
        final = frame is not None and frame.header["final"]
    return _cpu(child) - began


def _cpu(child: Child) -> int:
    return int(Path(f"/proc/{child.pid}/schedstat").read_text().split()[0])


def _nothing(number: int) -> int:
    return number


def _little(number: int) -> int:
    return sum(range(2_000)) + number


def _millisecond(number: int) -> int:
    return sum(range(50_000)) + number


def main() -> None:
    """Print a line for each kind of task."""
    for name, function, tasks in (
        ("returns its input", _nothing, 20_000),
        ("about 20 µs", _little, 10_000),
        ("about 1 ms", _millisecond, 500),
    ):
        found = sorted(ratios(function, tasks=tasks))
        middle = statistics.median(found)
        said = "within" if middle <= _GOAL else "beyond"
        print(
            f"{name}: {middle:.3f} times as long ({found[0]:.3f} to {found[-1]:.3f}), {said} "
            f"{_GOAL:g}"
        )


if __name__ == "__main__":
    main()
