"""``make demo``: deploy an environment locally, burst a real analysis onto it, tear it down."""

from __future__ import annotations

import os
import sys
import tempfile
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path

import starburst
from deploy.lifecycle.local import take_down
from deploy.tools.local import Deployment, gaps
from examples import tumour_features
from starburst.local import LocalEnvironment, share

TASKS = 4_000
WORKERS = 4
SHOWN = 6


def main() -> int:
    """Run the demo; 0 where the cloud's results equal this process's."""
    began = time.perf_counter()
    say("Starting a local AWS emulator, with IAM and TLS on, and deploying into it:")
    with LocalEnvironment() as local, tempfile.TemporaryDirectory() as outdir:
        deployment = Deployment(
            local=local, outdir=Path(outdir), report=lambda step: say(f"  {step}")
        )
        deployment.up()
        with share(local) as variables:
            os.environ.update(variables)  # so that this process finds it too
            right = burst(local)
        say("\nTearing down:")
        take_down(deployment)
    say("  the emulator and all it ran have stopped; nothing is left behind")
    say("\nWhat this machine could not show:")
    for gap in gaps(local):
        say(textwrap.fill(gap, 100, initial_indent="  - ", subsequent_indent="    "))
    say(f"\nThe whole demo took {time.perf_counter() - began:.1f} s.")
    return 0 if right else 1


def burst(local: LocalEnvironment) -> bool:
    """Run the analysis on workers and here; whether both agree."""
    values, malignant, names = tumour_features.load()
    task = tumour_features.shuffle_test(values, malignant)
    say(
        f"\nWhich of {len(names)} cell features differ between {int(malignant.sum())} malignant "
        f"and {int((~malignant).sum())} benign tumours?\n{TASKS:,} shuffles, given one by one, "
        f"on {WORKERS} workers that run under their own role:"
    )
    expected = starburst.estimate(
        task, range(TASKS), workers=WORKERS, cpu=0.25, memory=0.5, region="eu-west-1"
    )
    before = total(local.request_counts())
    start = time.perf_counter()
    session = starburst.session(workers=WORKERS, cpu=0.25, memory=0.5)
    session.map(task, range(TASKS))
    shuffles = session.collect()
    seconds = time.perf_counter() - start
    ended = session.cleanup(force=True)
    requests = total(local.request_counts()) - before
    for feature in tumour_features.adjusted(values, malignant, names=names, shuffles=shuffles)[
        :SHOWN
    ]:
        verdict = "differs" if feature.p < 0.05 else "may be chance"  # noqa: PLR2004
        say(f"  {feature.name:26} t = {feature.t:7.2f}   p = {feature.p:.4f}   {verdict}")
    say(f"  … and {len(names) - SHOWN} more, all of which differ more clearly")

    start = time.perf_counter()
    here = [task(seed) for seed in range(TASKS)]
    alone = time.perf_counter() - start
    same = here == shuffles
    say(
        f"\n{'Equal' if same else 'NOT EQUAL'}: all {TASKS:,} results "
        f"{'are the same, bit for bit, as' if same else 'differ from'} those computed in this "
        f"process."
    )
    say(
        f"{seconds:.1f} s with the start of {WORKERS} workers, {alone:.1f} s in this process "
        f"alone; {requests:,} AWS requests, {requests / TASKS:.3f} a task."
    )
    say(
        f"\nOn AWS, at list price: estimated {expected.usd:.4f} USD for {expected.hours * 60:.1f} "
        f"minutes, their start included;\nmeasured here: {ended.usd:.4f} USD for "
        f"{WORKERS} workers, each billed for a minute at least."
    )
    return same


def total(counts: Mapping[str, Mapping[str, int]]) -> int:
    """Return how many requests all roles together made."""
    return sum(sum(actions.values()) for actions in counts.values())


def say(text: str) -> None:
    """Print a line at once, so that a waiting reader sees how far it is."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
