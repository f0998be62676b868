"""Lithops with its local back end and local storage, protocol version 1: its fastest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import lithops  # pyright: ignore[reportMissingImports]

from benchmarks.sides.serve import Run, serve

_CONFIG = {
    "lithops": {
        "backend": "localhost",
        "storage": "localhost",
        "log_level": "ERROR",
        "telemetry": False,
    },
    "localhost": {"version": 1, "worker_processes": 2, "runtime": sys.executable},
}


@contextmanager
def _start() -> Iterator[Run]:
    with lithops.FunctionExecutor(config=_CONFIG) as executor:
        yield lambda function, inputs: executor.get_result(executor.map(function, list(inputs)))


if __name__ == "__main__":
    serve(_start, package="lithops")
