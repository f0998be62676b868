"""ray on this machine: remote calls, and ``ray.get`` of all of them at once.

It listens on every interface of the machine. Who calls must have a token, which ray would keep in
a file that all may read; ours is in this process alone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.sides.serve import Run, serve

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}

import ray  # pyright: ignore[reportMissingImports]


@contextmanager
def _start() -> Iterator[Run]:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:

        def run(function, inputs):  # noqa: ANN001, ANN202 - a Run
            remote = ray.remote(function)
            return ray.get([remote.remote(x) for x in inputs])

        yield run
    finally:
        ray.shutdown()


if __name__ == "__main__":
    serve(_start, package="ray")
