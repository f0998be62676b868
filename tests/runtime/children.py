"""What a worker tells its child, for tests that have no worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starburst._functions.bundle import bundle, read_file
from starburst._functions.capturing import needs_of
from starburst._functions.payload import dump_function, dump_input
from starburst._protocol.sealed.failure import Failure
from starburst.worker.child.process import Child

__all__ = ["run", "tell"]


def tell(child: Child, function: Callable[..., object]) -> None:
    """Have a child know a function as ``f``, with the files of the modules that it needs."""
    data = dump_function(function)
    needed = bundle(needs_of(data))
    header = {
        "do": "function",
        "name": "f",
        "folder": child.modules,
        "paths": [file.path for file in needed.tree.files],
        "entries": list(needed.tree.entries),
    }
    contents = [read_file(file) for file in needed.tree.files]
    child.send(header, [data, needed.changes, *contents])


def run(
    child: Child, function: Callable[[int], object], inputs: Sequence[object] = (0, 1)
) -> tuple[dict[int, Failure], int]:
    """Have a child run a function on two inputs; return what failed, and how many tries more."""
    tell(child, function)
    header = {"do": "run", "function": "f", "lo": 0, "retries": 2, "retry_on": []}
    sent = [dump_input(((value,), {})) for value in inputs]
    child.send({**header, "mode": "data", "max_bytes": 1000}, sent)
    failures: dict[int, Failure] = {}
    count = retries = 0
    final = False
    while not final:
        frame = child.receive(timeout=60)
        assert frame is not None
        answer: dict[str, Any] = frame.header
        failures |= {index: Failure.from_data(data) for index, data in answer["failures"]}
        count, retries = count + answer["count"], retries + answer["retries"]
        final = answer["final"]
    assert count == 2
    return failures, retries
