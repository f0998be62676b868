"""``make bench``: how many AWS requests 10,000 trivial tasks take, counted by the server."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Mapping

import starburst
from starburst.local import LocalEnvironment, ensure
from starburst.prices import load

GOAL = 500


def main() -> int:
    """Print requests by role and action, and their price; 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    words = parser.parse_args()

    local = ensure()
    fleet = {"workers": words.workers, "cpu": 0.25, "memory": 0.5}
    starburst.map(abs, range(10), **fleet)  # so that neither imports nor first uses are counted
    before = counted(local)
    start = time.perf_counter()
    results = starburst.map(abs, range(-words.tasks, 0), **fleet)
    seconds = time.perf_counter() - start
    used = counted(local) - before
    if results != list(range(words.tasks, 0, -1)):
        raise SystemExit("the results are wrong; the requests of a wrong run mean nothing")

    for (role, action), count in sorted(used.items(), key=lambda item: -item[1]):
        print(f"{count:7,}  {action:28} {role.removeprefix('starburst-local-')}")
    total = used.total()
    print(f"{total:7,}  in all, for {words.tasks:,} tasks given one by one ({GOAL} are allowed)")
    print(f"{seconds:7.2f}  s from map to the last result, the start of the workers included")
    million = price(used) / words.tasks * 1e6
    print(f"${million:6.2f}  for the requests of a million such tasks, at {local.region}'s prices")
    return 0 if total < GOAL else 1


def counted(local: LocalEnvironment) -> Counter[tuple[str, str]]:
    """Return how often each role made each request so far."""
    counts: Mapping[str, Mapping[str, int]] = local.request_counts()
    return Counter({(role, a): n for role, actions in counts.items() for a, n in actions.items()})


def price(used: Counter[tuple[str, str]]) -> float:
    """Return what S3 and SQS charge for these requests, USD; other services are not counted."""
    prices = load("eu-west-1")
    usd = 0.0
    for (_, action), count in used.items():
        service, _, name = action.partition(":")
        if service == "sqs":
            usd += count * prices.sqs_million / 1e6
        elif service == "s3" and name.startswith(("Put", "List")):
            usd += count * prices.s3_put_thousand / 1e3
        elif service == "s3" and name.startswith("Get"):
            usd += count * prices.s3_get_thousand / 1e3
    return usd


if __name__ == "__main__":
    sys.exit(main())
