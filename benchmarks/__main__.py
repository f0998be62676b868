"""``make bench``: every workload beside its peers, in one run; writes ``results.md``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from starburst.local import ensure

from . import (
    adopters,
    arrays,
    first_result,
    memory,
    requests,
    short_tasks,
    startup,
    trivial,
    uneven,
)
from .harness import Row
from .payloads import packages, sharing
from .report import machine, table, write

_RESULTS = Path(__file__).parent / "results.md"


def main() -> int:
    """Measure, print, write; 0 even where a goal is missed: this is no test."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="WORKLOAD", help="and write no file")
    parser.add_argument("--no-peers", action="store_true", help="ours alone; write no file")
    words = parser.parse_args()
    began, load = time.monotonic(), os.getloadavg()[0]
    local, beside = ensure(), not words.no_peers
    workloads: dict[str, Callable[[], list[Row]]] = {
        "startup": startup.measure,
        "packages": lambda: packages.measure(local),
        "first_result": first_result.measure,
        "requests": lambda: requests.measure(local),
        "memory": memory.measure,
        "trivial": lambda: trivial.measure(peers=trivial.PEERS if beside else ()),
        "arrays": lambda: arrays.measure(local),
        "sharing": sharing.measure,
        "short_tasks": lambda: short_tasks.measure(peers=short_tasks.PEERS if beside else ()),
        "uneven": lambda: uneven.measure(peers=uneven.PEERS if beside else ()),
        "adopters": adopters.measure,
    }
    chosen = words.only or list(workloads)
    unknown = set(chosen) - set(workloads)
    if unknown:
        parser.error(f"no workload {', '.join(sorted(unknown))}: there are {', '.join(workloads)}")
    print(f"{machine()}; load average {load:.1f}", flush=True)
    rows: list[Row] = []
    for name in chosen:
        print(f"{name} …", file=sys.stderr, flush=True)
        rows += workloads[name]()
    print(table(rows))
    if chosen == list(workloads) and beside:
        seconds = time.monotonic() - began
        write(_RESULTS, rows, command="make bench", load=load, seconds=seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
