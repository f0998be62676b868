"""``make differential COUNT=100000 SEED=7``: compare the encoder with plain Python, at length."""

from __future__ import annotations

import argparse
import sys
import time

from tests.proofs.differential.comparing import compare
from tests.proofs.differential.wording import EXPECTED


def main() -> int:
    """Compare, print, and return 1 where something differs."""
    parser = argparse.ArgumentParser(prog="make differential")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.process_time()
    outcome = compare(options.count, options.seed)
    for difference in outcome.differences:
        sys.stdout.write(f"{difference}\n\n")
    answers = ", ".join(f"{count} {answer}" for answer, count in outcome.answers.most_common())
    rarest = min(EXPECTED, key=outcome.words.__getitem__)
    sys.stdout.write(
        f"{outcome.pairs} pairs of policies and a request (seed {options.seed}): {answers}\n"
        f"{len(EXPECTED)} constructs, the rarest {outcome.words[rarest]} times ({rarest}); "
        f"{outcome.refused} formulas that the encoder refuses to make with unknowns, "
        f"{outcome.solved} put to the solver as well\n"
        f"{len(outcome.differences)} differences in {time.process_time() - started:.0f} CPU "
        "seconds\n"
    )
    return 1 if outcome.differences else 0


if __name__ == "__main__":
    sys.exit(main())
