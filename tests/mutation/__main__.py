"""``make mutation MODULES=limits``: would the tests notice a mistake in the runtime?"""

from __future__ import annotations

import argparse
import difflib
import os
import signal
import sys
import time
from pathlib import Path

from tests.mutation.accepted import Accepted
from tests.mutation.baseline import Baselines
from tests.mutation.log import Log
from tests.mutation.playing.copies import ROOT
from tests.mutation.playing.jobs import Jobs
from tests.mutation.record import records_of, write
from tests.mutation.run import Played, Run
from tests.mutation.table import subjects

__all__ = ["main"]

_NEWS_SECONDS = 15.0
_KEPT = Path("build") / "mutation"


def main() -> int:
    """Play mutants; print each that no test notices, and write the record of modules."""
    parser = argparse.ArgumentParser(prog="mutation", description=__doc__)
    parser.add_argument("--modules", default="", help="words of their paths (default: all)")
    parser.add_argument("--only", default="", help="mutants whose name has this in it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at once")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds of tests for each")
    parser.add_argument("--survivors", action="store_true", help="those alone that lived")
    parser.add_argument("--sample", type=int, default=0, help="so many of each module at most")
    parser.add_argument("--fresh", action="store_true", help="forget what the log knows")
    parser.add_argument("--root", type=Path, default=ROOT, help="of the tree (default: this one)")
    words = parser.parse_args()
    root = words.root.resolve()
    for number in (signal.SIGINT, signal.SIGTERM):  # what runs in the background is deaf to Ctrl-C
        signal.signal(number, signal.default_int_handler)
    chosen = subjects(words.modules)
    if not chosen:
        parser.error(f"no module of the table has any of {words.modules!r} in its path")
    run = Run(
        root,
        log=Log(root / _KEPT / "log.jsonl"),
        baselines=Baselines(root / _KEPT / "baselines", root),
        chosen=chosen,
        budget=words.budget,
        fresh=words.fresh,
        only=words.only,
        survivors=words.survivors,
        sample=words.sample,
    )
    accepted = Accepted.read(root / "tests" / "mutation" / "accepted")
    tally = _Tally(run, accepted)
    try:
        with Jobs(root, words.jobs) as jobs:
            _learn(run, jobs)
            jobs.warm(run.imports)
            for played in run.play(jobs):
                tally.take(played)
    except KeyboardInterrupt:  # what was played is in the log
        print("interrupted; the next run goes on here")
    records = records_of(tally.played, accepted, names=run.names)
    print(*records, sep="\n")
    if words.only or words.survivors:
        return 0
    whole = [each for each in records if each.played == len(run.mutants[each.module])]
    if root == ROOT:
        write(whole, root / "docs" / "mutation.json")
    if len(whole) < len(chosen):
        return 130
    wrong = [sentence for record in records for sentence in record.wrong]
    print("\n".join(wrong) or "every mutant is noticed, or may live")
    return 1 if wrong else 0


def _learn(run: Run, jobs: Jobs) -> None:
    began = time.monotonic()
    files = run.files()
    for number, learnt in enumerate(run.learn(jobs), 1):
        print(f"{number} of at most {len(files)} test files run without a mistake", flush=True)
        for test in learnt.failed:
            print(f"  fails by itself, and is left out: {test}")
    print(f"{len(files)} test files known after {time.monotonic() - began:,.0f} s", flush=True)


class _Tally:
    """What came of the mutants so far."""

    def __init__(self, run: Run, accepted: Accepted) -> None:
        self.played: list[Played] = []
        self._run = run
        self._mutants = sum(map(len, run.mutants.values()))
        self._accepted = accepted
        self._began = self._told = time.monotonic()
        self._alive = self._new = 0

    def take(self, played: Played) -> None:
        self.played.append(played)
        fate = played.fate
        if not fate.noticed and not self._accepted.reason(fate.module, fate.what):
            self._alive += 1
            print(self._shown(played))
        now = time.monotonic()
        self._new += not played.known
        if now - self._told > _NEWS_SECONDS:
            self._told = now
            left = (now - self._began) / max(1, self._new) * (self._mutants - len(self.played))
            print(
                f"{len(self.played):,} of {self._mutants:,} mutants, {self._alive:,} alive "
                f"without a reason; about {left:,.0f} s more"
            )
        sys.stdout.flush()

    def _shown(self, played: Played) -> str:
        mutant = played.mutant
        before, after = self._run.text_of(mutant.module).splitlines(), mutant.text.splitlines()
        changed = [
            f"    {line}"
            for line in difflib.unified_diff(before, after, n=0, lineterm="")
            if not line.startswith(("---", "+++", "@@"))
        ]
        head = f"{played.fate.end}: {mutant.module}:{mutant.line}"
        return "\n".join([head, f"  {mutant.what}", *changed])


if __name__ == "__main__":
    sys.exit(main())
