"""``make nemesis SEEDS=1000``: run the runtime through its faults, seed by seed, on all cores."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from starburst.contract.times import GONE_SECONDS

from .seed_processes import Played, play
from .totals import play_totals

__all__ = ["main"]

_NEWS_SECONDS = 20.0


def main() -> int:
    """Run the seeds; print each that failed with the command that replays it."""
    parser = argparse.ArgumentParser(prog="nemesis", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first", type=int, default=0, help="from which on")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at once")
    parser.add_argument(
        "--totals", action="store_true", help="fifty starts at once, rather than whole sessions"
    )
    words = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if words.totals:
        return play_totals(range(words.first, words.first + words.seeds), jobs=words.jobs)
    tally = _Tally(words.seeds)
    try:
        for played in play(range(words.first, words.first + words.seeds), jobs=words.jobs):
            tally.take(played)
    except KeyboardInterrupt:  # what was played counts
        print("interrupted")
    return tally.verdict()


@dataclass
class _Tally:
    """What came of the seeds so far."""

    seeds: int
    began: float = field(default_factory=time.monotonic)
    told: float = field(default_factory=time.monotonic)
    played: int = 0
    failed: int = 0
    tasks: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    late: list[float] = field(default_factory=list)

    def take(self, played: Played) -> None:
        self.played += 1
        self.tasks += played.tasks
        self.struck.update(played.struck)
        self.late += played.late
        if played.wrong:
            self.failed += 1
            print(f"seed {played.seed} failed; make nemesis SEEDS=1 FIRST={played.seed} replays it")
            for sentence in played.wrong:
                print(f"  {sentence}")
        now = time.monotonic()
        if played.wrong or now - self.told > _NEWS_SECONDS:
            self.told = now
            left = (now - self.began) / self.played * (self.seeds - self.played)
            print(
                f"{self.played:,} of {self.seeds:,} seeds, {self.failed:,} failed, "
                f"{now - self.began:,.0f} s; about {left:,.0f} s more"
            )
        sys.stdout.flush()

    def verdict(self) -> int:
        faults = ", ".join(f"{count:,} {fault}" for fault, count in sorted(self.struck.items()))
        took = time.monotonic() - self.began
        print(f"{self.played:,} seeds, {self.tasks:,} tasks, {took:,.0f} s: {faults}")
        if self.late:
            print(
                f"{len(self.late):,} workers whose controller was dead outlived their sessions by "
                f"{max(self.late):,.0f} s at most, {sum(self.late) / 3600:,.1f} hours in all; "
                f"{GONE_SECONDS} s are allowed"
            )
        good = "nothing lost, nothing twice, nothing unverified" if self.played else "none played"
        print(f"{self.failed:,} seeds failed" if self.failed else good)
        return 1 if self.failed else 0


if __name__ == "__main__":
    sys.exit(main())
