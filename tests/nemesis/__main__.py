"""``make nemesis SEEDS=1000``: run the runtime through its faults, seed by seed."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter

from .world import run


def main() -> int:
    """Run the seeds; print each that failed with the command that replays it."""
    parser = argparse.ArgumentParser(prog="nemesis", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first", type=int, default=0, help="from which on")
    words = parser.parse_args()
    began = time.monotonic()
    failed, tasks, played = 0, 0, 0
    struck: Counter[str] = Counter()
    for seed in range(words.first, words.first + words.seeds):
        try:
            history, wrong = run(seed)
        except KeyboardInterrupt:  # what was played counts
            break
        except Exception:  # the next seeds are to be run all the same
            wrong = traceback.format_exc().splitlines()
        else:
            tasks += len(history.outcomes)
            struck.update(history.plan.struck)
        played += 1
        if wrong:
            failed += 1
            print(f"seed {seed} failed; make nemesis SEEDS=1 FIRST={seed} replays it")
            for sentence in wrong:
                print(f"  {sentence}")
        sys.stdout.flush()
    faults = ", ".join(f"{count:,} {fault}" for fault, count in sorted(struck.items()))
    print(f"{played:,} seeds, {tasks:,} tasks, {time.monotonic() - began:,.0f} s: {faults}")
    print(
        f"{failed:,} seeds failed" if failed else "nothing lost, nothing twice, nothing unverified"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
