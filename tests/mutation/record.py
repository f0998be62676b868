"""The results of mutation testing: numbers by module for programs, and a page for readers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.mutation.accepted import Accepted
from tests.mutation.run import Played

__all__ = ["GOAL", "Record", "load", "records_of", "write"]

GOAL: Final = 0.9
"""Of a module's mutants, those apart that may live, so many must be noticed."""

_HEAD: Final = """\
# Would the tests notice a mistake in the runtime?

<!-- Written by `make mutation`; the numbers are in mutation.json. -->

`make mutation` makes one small mistake at a time in a module of the protocol and runs the tests
that are to notice: a bound moved by one, a condition that always or never holds, a part of it
dropped, a sign turned, a number doubled, a default or a keyword argument left out, a list cut to
its first item, a statement left out, two neighbours in the wrong order, an `except` that handles
nothing, a lock forgotten. What is said (docstrings, messages, logs), annotations and imports stay
as they are.

```console
$ make mutation MODULES="limits sweep" JOBS=2          # modules with such a word in their path
$ make mutation MODULES=limits SURVIVORS=1 BUDGET=60   # those that lived, with more tests each
$ make mutation ONLY="_roomier:" FRESH=1               # by name, whatever is known of them
$ make mutation SAMPLE=40                              # so many of each module, always the same
```

Each mutant that lives is printed with its name and the changed lines. It is killed by a test, or
accepted with a reason in a TOML file where `tests/mutation/accepted.py` looks:

```toml
[[accepted]]
module = "worker/src/starburst/controller/limits.py"
mutants = ["judge: `one` as `another`"]
reason = "Why nobody could notice, or nobody has to."
```

A run fails where fewer than nine of ten are noticed, those apart that are accepted, and where one
that is accepted is killed or gone.

A mutant is written to disk in a private copy of the tree, so that child processes run it too, and
a fork of a process that has imported everything else runs the tests. They are those of the
module's row in `tests/mutation/table.py` that run the changed lines, as one run with coverage
tells; those first that noticed a neighbour, are quick, or run lines near the mistake that few
others run, and no more than take `BUDGET` seconds of a core. A test that takes ten times as long
as without the mistake, and 20 seconds more, has noticed.

`build/mutation/` keeps what was found, so an interrupted run goes on. A kill stands while the
module's text and the file of the test that noticed are as they were, a survivor while no test file
that reaches it has changed. What changes in a third place is not seen; `FRESH=1` forgets. Logs of
several clones may be put together with `cat`. It runs on Linux.

The table below has the last record of each module: where it says *15 of 190*, a sample was played,
and tests that came later may notice more of those that are listed as alive.

Libraries tried: mutmut 3.8 takes only code that stands in `./`, `src/` or `source/`, mutates
messages, and neither leaves out statements nor swaps them. cosmic-ray 8.7 depends on packages that
have no wheels, and wheels alone are installed here.

## Results
"""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What became of a module's mutants.

    Attributes:
        module: its path.
        mutants: how many there are, of which a sample may be all that was played.
        killed: how many a test noticed.
        hung: how many a test did not outlast, which counts as noticed.
        accepted: those that live with a reason.
        alive: those that live without one.
        stale: those that are accepted, and killed or not there.
    """

    module: str
    mutants: int
    killed: int
    hung: int
    accepted: Mapping[str, str] = field(default_factory=dict)
    alive: Sequence[str] = ()
    stale: Sequence[str] = ()

    @property
    def played(self) -> int:
        """How many were played."""
        return self.killed + self.hung + len(self.accepted) + len(self.alive)

    @property
    def share(self) -> str:
        """How many were played, of how many where those are not all."""
        part = "" if self.played == self.mutants else f" of {self.mutants}"
        return f"{self.played}{part}"

    @property
    def rate(self) -> float:
        """Which part was noticed of those that have to be."""
        noticed = self.killed + self.hung
        return noticed / (noticed + len(self.alive)) if noticed else 0.0

    @property
    def wrong(self) -> Iterator[str]:
        """What has to be changed, in sentences."""
        if self.rate < GOAL:
            yield f"{self.module}: {self.rate:.1%} are noticed; the goal is {GOAL:.0%}"
        for what in self.stale:
            yield f"{self.module}: accepted, but killed or gone: {what}"

    def __str__(self) -> str:
        """Return it in a line."""
        return (
            f"{self.module}: {self.share} mutants, {self.killed} killed, {self.hung} hung, "
            f"{len(self.accepted)} accepted, {len(self.alive)} alive; {self.rate:.1%} noticed"
        )


def records_of(
    played: Sequence[Played], accepted: Accepted, *, names: Mapping[str, Sequence[str]]
) -> list[Record]:
    """Return the records of the modules that were played.

    Args:
        played: their mutants.
        accepted: those that may live.
        names: of all mutants of each module.
    """
    found: list[Record] = []
    ordered = sorted(played, key=lambda one: one.fate.module)
    for module, group in groupby(ordered, key=lambda one: one.fate.module):
        fates = [one.fate for one in group]
        gone = set(accepted.of(module)) - set(names[module])
        noticed = {fate.what for fate in fates if fate.noticed}
        living = sorted(fate.what for fate in fates if not fate.noticed)
        reasons = {what: accepted.reason(module, what) for what in living}
        found.append(
            Record(
                module=module,
                mutants=len(names[module]),
                killed=sum(fate.end == "killed" for fate in fates),
                hung=sum(fate.end == "hung" for fate in fates),
                accepted={what: reason for what, reason in reasons.items() if reason},
                alive=[what for what, reason in reasons.items() if not reason],
                stale=sorted(gone | (set(accepted.of(module)) & noticed)),
            )
        )
    return found


def load(path: Path) -> list[Record]:
    """Read records; none where there is no file."""
    return [Record(**each) for each in json.loads(path.read_text())] if path.exists() else []


def write(records: Sequence[Record], path: Path) -> None:
    """Write records in the place of older ones of their modules, and the page beside them.

    Args:
        records: of modules.
        path: ends in ``.json``.
    """
    known = {each.module: each for each in (*load(path), *records)}
    ordered = [known[module] for module in sorted(known)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(each) for each in ordered], indent=1) + "\n")
    path.with_suffix(".md").write_text("\n".join(_lines(ordered)) + "\n")


def _lines(records: Sequence[Record]) -> Iterator[str]:
    yield _HEAD
    yield "| module | mutants | killed | hung | accepted | alive | noticed |"
    yield f"|{'---|' * 7}"
    for each in records:
        yield (
            f"| `{each.module}` | {each.share} | {each.killed} | {each.hung} | "
            f"{len(each.accepted)} | {len(each.alive)} | {each.rate:.1%} |"
        )
    if any(each.alive for each in records):
        yield "\n## Alive\n\n| module | mistake |\n|---|---|"
        for each in records:
            yield from (f"| `{Path(each.module).name}` | {_cell(what)} |" for what in each.alive)
    if any(each.accepted for each in records):
        yield "\n## May live\n\n| module | mistake | why |\n|---|---|---|"
        for each in records:
            for what, reason in each.accepted.items():
                yield f"| `{Path(each.module).name}` | {_cell(what)} | {_cell(reason)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
