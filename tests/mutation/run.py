"""A run: for each mutant the tests that run its lines, those first that noticed its neighbours."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from tests.mutation.baseline import Baseline, Baselines
from tests.mutation.log import End, Fate, Log
from tests.mutation.mistakes.mutants import Mutant, mutants_of
from tests.mutation.mistakes.required import required_in
from tests.mutation.playing.jobs import Jobs
from tests.mutation.table import TABLE, Subject, subjects

__all__ = ["Played", "Run"]

_SOURCES: Final = ("worker/src", "deploy")
_LEAST_SECONDS: Final = 20.0
_TIMES: Final = 10.0
"""A test hangs when it takes so many times as long as without a mistake, and so many seconds."""

_START_SECONDS: Final = 90.0
_NEAR: Final = 6
"""Lines before and after a mistake."""


@dataclass(frozen=True, kw_only=True)
class Played:
    """One mutant's fate.

    Attributes:
        mutant: which.
        fate: what became of it.
        known: whether it was known before.
    """

    mutant: Mutant
    fate: Fate
    known: bool


class Run:
    """Plays the mutants of some modules.

    Args:
        root: of the repository.
        log: what is known of mutants.
        baselines: what is known of test files.
        chosen: the modules.
        budget: seconds of tests that a mutant gets at most, by their time without a mistake.
        fresh: whether to forget what the log knows.
        only: words of which a mutant's name must have one, where there are any.
        survivors: whether those alone are played that lived when they were last played.
        sample: so many of each module at most, always the same; 0 for all.
    """

    def __init__(
        self,
        root: Path,
        *,
        log: Log,
        baselines: Baselines,
        chosen: Sequence[Subject],
        budget: float,
        fresh: bool = False,
        only: str = "",
        survivors: bool = False,
        sample: int = 0,
    ) -> None:
        self._root = root
        self._log = log
        self._baselines = baselines
        self._chosen = chosen
        self._budget = budget
        self._fresh = fresh
        self._kills: Counter[tuple[str, str]] = Counter()
        self._known: dict[str, Baseline] = {}
        required = required_in(
            ast.parse(path.read_text())
            for source in _SOURCES
            for path in sorted((root / source).rglob("*.py"))
        )
        self.mutants: dict[str, list[Mutant]] = {}
        self.names: dict[str, list[str]] = {}
        for subject in chosen:
            text = self.text_of(subject.module)
            found = list(mutants_of(subject.module, text, required=required))
            self.names[subject.module] = [mutant.what for mutant in found]
            drawn = {mutant.digest for mutant in sorted(found, key=_lot)[: sample or None]}
            self.mutants[subject.module] = [
                mutant
                for mutant in found
                if mutant.digest in drawn
                and (not only or only in mutant.what)
                and (not survivors or not self._noticed_before(mutant))
            ]

    def text_of(self, module: str) -> str:
        """Return a module without a mistake."""
        return (self._root / module).read_text()

    def _noticed_before(self, mutant: Mutant) -> bool:
        return any(fate.noticed for fate in self._log[mutant.digest])

    def files(self) -> list[str]:
        """Return the test files that are asked."""
        return sorted({file for subject in self._chosen for file in subject.files(self._root)})

    def learn(self, jobs: Jobs) -> Iterator[Baseline]:
        """Run the test files that are not known as they are; yield each."""
        every = subjects() if any(each.module in TABLE for each in self._chosen) else self._chosen
        users: dict[str, list[str]] = {}
        for subject in [*every, *(one for one in self._chosen if one.module not in TABLE)]:
            for file in subject.files(self._root):
                users.setdefault(file, []).append(subject.module)
        asked = {each.module for each in self._chosen}
        unknown: list[tuple[str, dict[str, Any]]] = []
        for file in self.files():
            known = self._baselines.get(file, [each for each in users[file] if each in asked])
            if known is None:
                unknown.append((file, self._baselines.order(file, sorted(set(users[file])))))
            else:
                self._known[file] = known
        for file, answer in jobs.each(iter(unknown)):
            self._known[file] = self._baselines.keep(file, sorted(set(users[file])), answer)
            yield self._known[file]

    @property
    def imports(self) -> list[str]:
        """What the tests import of others."""
        return list(dict.fromkeys(name for each in self._known.values() for name in each.imports))

    def play(self, jobs: Jobs) -> Iterator[Played]:
        """Yield the fate of every mutant."""
        waiting: list[tuple[Mutant, Subject, Fate | None]] = []
        for subject in self._chosen:
            for mutant in self.mutants[subject.module]:
                before = [] if self._fresh else self._log[mutant.digest]
                known = next((one for one in before if self._holds(one, mutant, subject)), None)
                if known is not None:
                    self._count(known)
                    yield Played(mutant=mutant, fate=known, known=True)
                else:
                    waiting.append((mutant, subject, next(iter(before), None)))
        # Those first that tell which tests notice much.
        waiting.sort(key=lambda one: (self._chosen.index(one[1]), not one[0].lines))
        for mutant, subject, _ in list(waiting):
            if not self._reaching(mutant, subject):
                waiting = [each for each in waiting if each[0] is not mutant]
                fate = self._fate(mutant, "unreached", tests=self._now(subject))
                yield Played(mutant=mutant, fate=fate, known=False)
        orders = (
            ((mutant, subject), self._order(mutant, subject, known))
            for mutant, subject, known in waiting
        )
        for (mutant, subject), answer in jobs.each(orders):
            fate = self._judged(mutant, subject, answer)
            self._log.add(fate)
            self._count(fate)
            yield Played(mutant=mutant, fate=fate, known=False)

    def _count(self, fate: Fate) -> None:
        if fate.by:
            self._kills[fate.module, fate.by] += 1
            self._kills[f"{fate.module} {_function(fate.what)}", fate.by] += 1

    def _holds(self, fate: Fate, mutant: Mutant, subject: Subject) -> bool:
        """Return whether a fate would be the same today."""
        now = self._now(subject)
        if fate.noticed:
            return all(now.get(file) == digest for file, digest in fate.tests.items())
        if fate.end == "unreached":
            return not self._reaching(mutant, subject)
        files = {test.partition("::")[0] for test in self._reaching(mutant, subject)}
        asked = all(fate.tests.get(file) == now[file] for file in files)
        return asked and fate.budget >= self._budget

    def _now(self, subject: Subject) -> dict[str, str]:
        files = subject.files(self._root)
        return {file: self._baselines.digests.of(file) for file in files}

    def _reaching(self, mutant: Mutant, subject: Subject) -> set[str]:
        """Return the tests that may notice."""
        known = [self._known[file] for file in subject.files(self._root)]
        if mutant.lines and not subject.in_children:
            return {test for each in known for test in each.reaching(mutant.module, mutant.lines)}
        return {test for each in known for test in each.tests}

    def _order(self, mutant: Mutant, subject: Subject, before: Fate | None) -> dict[str, Any]:
        known = [self._known[file] for file in subject.files(self._root)]
        seconds = {test: taken for each in known for test, taken in each.seconds.items()}
        costs = {**seconds, **{test: cost for each in known for test, cost in each.costs.items()}}
        rarity = self._rarity(mutant, known)

        def price(test: str) -> float:
            kills = self._kills[mutant.module, test]
            near = self._kills[f"{mutant.module} {_function(mutant.what)}", test]
            worth = 0.01 + rarity[test] + kills + 10 * near
            return (0.02 + costs[test]) / worth

        ordered = sorted(self._reaching(mutant, subject), key=lambda test: (price(test), test))
        if before is not None and before.by:  # its file has changed since
            file = before.by.partition("::")[0]
            ordered.sort(key=lambda test: (test != before.by, test.partition("::")[0] != file))
        chosen: list[str] = []
        spent = 0.0
        for test in ordered:
            if not chosen or spent + costs[test] <= self._budget:
                chosen.append(test)
                spent += costs[test]
        limits = {test: _LEAST_SECONDS + _TIMES * seconds[test] for test in chosen}
        return {
            "kind": "mutant",
            "module": mutant.module,
            "text": mutant.text,
            "files": list(dict.fromkeys(test.partition("::")[0] for test in chosen)),
            "arguments": ["-x"],
            "tests": limits,
            "limit": _START_SECONDS + sum(limits.values()),
        }

    def _rarity(self, mutant: Mutant, known: Sequence[Baseline]) -> Mapping[str, float]:
        """Return how special the lines are that tests run near a mistake.

        A test of the very branch is worth more than all those that pass it by.
        """
        runs: dict[str, set[str]] = {}
        for each in known:
            for line, tests in each.lines.get(mutant.module, {}).items():
                runs.setdefault(line, set()).update(tests)
        rarity: dict[str, float] = defaultdict(float)
        lines = mutant.lines or (mutant.line,)
        for line in range(lines[0] - _NEAR, lines[-1] + _NEAR):
            tests = runs.get(str(line), ())
            for test in tests:
                rarity[test] += 1 / len(tests)
        return rarity

    def _judged(self, mutant: Mutant, subject: Subject, answer: dict[str, Any]) -> Fate:
        now = self._now(subject)
        if answer["late"] or answer.get("hung"):
            by = answer.get("by", "")
            tests = {file: now[file] for file in [by.partition("::")[0]] if file in now}
            return self._fate(mutant, "hung", by=by, tests=tests, seconds=answer["seconds"])
        if answer["code"] == 0:
            if not answer.get("ran"):
                raise RuntimeError(f"no test was run for {mutant.what}")
            files = {test.partition("::")[0] for test in self._reaching(mutant, subject)}
            tests = {file: now[file] for file in files}
            return self._fate(mutant, "alive", tests=tests, seconds=answer["seconds"])
        # Whatever else: the process ended, or nothing could be imported.
        by = answer.get("by") or "pytest itself"
        tests = {file: now[file] for file in [by.partition("::")[0]] if file in now}
        return self._fate(mutant, "killed", by=by, tests=tests, seconds=answer["seconds"])

    def _fate(self, mutant: Mutant, end: End, **more: Any) -> Fate:
        return Fate(
            digest=mutant.digest,
            module=mutant.module,
            what=mutant.what,
            end=end,
            budget=self._budget,
            **more,
        )


def _lot(mutant: Mutant) -> str:
    """Return what decides whether a sample has a mutant: its name, however its module changes."""
    return sha256(mutant.what.encode()).hexdigest()


def _function(what: str) -> str:
    return what.partition(": ")[0]
