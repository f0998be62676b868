"""What becomes of mutants: whether some theorem would notice each mistake.

A mutant is refused when a word in it does not exist, and killed when a theorem that held fails.
One that lives either changes no answer to any request, which is proved, or shows that a theorem
is missing.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.mutation.equivalence import changes_nothing
from starburst_assurance.proofs.mutation.mutants import Mutant
from starburst_assurance.proofs.reading.errors import UnsupportedError
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import Verdict, prove
from starburst_assurance.proofs.solving.theorem import Theorem
from starburst_assurance.proofs.theorems import theorems_in

__all__ = ["End", "Fate", "Log", "MutationRun", "run_mutants", "world_digest"]

PATIENCE = 60.0
"""Seconds for one question about a mutant; generous, since runs go on behind other work."""
_PORTION = 24
"""Mutants of one policy that a process takes at a time."""

End = Literal["killed", "refused", "same", "alive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a mutant.

    Attributes:
        policy: in which it was made.
        what: was changed.
        digest: of the changed policy.
        end: killed by a theorem, refused by the vocabulary, the same for every request, or alive.
        by: the theorem, or what the vocabulary said.
        world: of which policy set, theorems and code this was found.
    """

    policy: str
    what: str
    digest: str
    end: End
    by: str = ""
    world: str = ""

    def __str__(self) -> str:
        """Return which policy it was, and what was wrong with it."""
        return f"{self.policy}: {self.what}"


class Log:
    """Fates in a file, a line each: an interrupted run goes on, a later one knows where to look.

    Args:
        path: of the file, made when something is written; without it nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, Fate] = {}
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                fate = Fate(**json.loads(line))
                self._known[fate.digest] = fate

    def __getitem__(self, mutant: Mutant) -> Fate | None:
        """Return what was last found of a mutant."""
        return self._known.get(mutant.digest)

    def add(self, fate: Fate) -> None:
        """Keep a fate."""
        self._known[fate.digest] = fate
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(json.dumps(asdict(fate)) + "\n")


class MutationRun:
    """Tries mutants of one policy set, quickest theorem first.

    Args:
        policy_set: the unchanged policies.
        theorems: that should notice; those that do not hold of the policy set notice nothing.
    """

    def __init__(self, policy_set: PolicySet, theorems: Sequence[Theorem]) -> None:
        self._policy_set = policy_set
        self._logic = Logic()
        self._theorems = {item.name: item for item in theorems}
        self._base: dict[str, Verdict] = {}
        self._kills: Counter[tuple[str, str]] = Counter()

    def fate(self, mutant: Mutant, *, suspect: str = "") -> Fate:
        """Return what becomes of a mutant.

        Args:
            mutant: of this policy set.
            suspect: a theorem that killed it before.
        """
        said = next(complaints(mutant.policy), None)
        if said is not None:
            return _fate(mutant, "refused", said)
        try:
            return self._tried(mutant, suspect)
        except UnsupportedError as error:
            # So would ``starburst-prove`` refuse it.
            return _fate(mutant, "refused", str(error))

    def _tried(self, mutant: Mutant, suspect: str) -> Fate:
        changed = self._policy_set.with_policy(mutant.policy)
        for name in self._in_order(mutant.policy.name, suspect):
            if not self._held(name).holds:
                continue
            # A loose end counts as noticed only when it is a counterexample or says nothing more.
            if self._prove(self._theorems[name], changed).answer in ("refuted", "vacuous"):
                self._kills[mutant.policy.name, name] += 1
                self._kills["", name] += 1
                return _fate(mutant, "killed", name)
        if changes_nothing(self._policy_set, mutant.policy, logic=self._logic, seconds=PATIENCE):
            return _fate(mutant, "same")
        return _fate(mutant, "alive")

    def _in_order(self, policy: str, suspect: str) -> Iterator[str]:
        """Yield the suspect before anything is known of the others, which costs a proof of each."""
        if suspect in self._theorems:
            yield suspect

        def cost(name: str) -> float:
            kills = 10 * self._kills[policy, name] + self._kills["", name] + 1
            return (0.01 + self._held(name).seconds) / kills

        concerned = [name for name in self._theorems if policy in self._held(name).rests_on]
        yield from sorted({*concerned} - {suspect}, key=cost)

    def _held(self, name: str) -> Verdict:
        """Return whether a theorem holds of the unchanged policy set, and what making it costs."""
        if name not in self._base:
            first = self._prove(self._theorems[name], self._policy_set)
            # Once proved, what a theorem costs is making its claims.
            again = self._prove(self._theorems[name], self._policy_set) if first.holds else first
            self._base[name] = again
        return self._base[name]

    def _prove(self, item: Theorem, policy_set: PolicySet) -> Verdict:
        return prove(item, policy_set, logic=self._logic, check_premises=False, seconds=PATIENCE)


def run_mutants(
    policy_set: PolicySet,
    theorems: Sequence[Theorem],
    chosen: Iterable[Mutant],
    *,
    log: Log | None = None,
    processes: int = 1,
    files: Sequence[str] = (),
) -> Iterator[Fate]:
    """Yield the fate of each mutant.

    Args:
        policy_set: the unchanged policies, of which all theorems hold.
        theorems: that should notice.
        chosen: mutants of this policy set.
        log: what was found before and shall be known afterwards.
        processes: that work at it.
        files: whose theorems are among ``theorems``, beside our own.
    """
    log = log or Log(None)
    world = world_digest(policy_set, theorems)
    waiting: list[tuple[Mutant, str]] = []
    for mutant in chosen:
        known = log[mutant]
        if known is not None and known.world == world:
            yield known
        else:
            waiting.append((mutant, known.by if known and known.end == "killed" else ""))
    portions = [
        items[start : start + _PORTION]
        for _, group in groupby(waiting, key=lambda one: one[0].policy.name)
        for items in [list(group)]
        for start in range(0, len(items), _PORTION)
    ]
    for fates in _worked(policy_set, theorems, portions, processes, files):
        for fate in fates:
            known = Fate(**{**asdict(fate), "world": world})
            log.add(known)
            yield known


def world_digest(policy_set: PolicySet, theorems: Sequence[Theorem]) -> str:
    """Return a digest of all that a fate depends on: policies, theorems, and the prover's code."""
    digest = hashlib.sha256(repr(policy_set).encode())
    digest.update(" ".join(sorted(item.name for item in theorems)).encode())
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        if path.name not in ("command.py", "document.py", "record.py", "accepted.py"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


Portion = Sequence[tuple[Mutant, str]]


def _worked(
    policy_set: PolicySet,
    theorems: Sequence[Theorem],
    portions: Sequence[Portion],
    processes: int,
    files: Sequence[str],
) -> Iterator[list[Fate]]:
    if not portions:
        return
    if processes < 2:  # noqa: PLR2004 - one needs no other
        tester = MutationRun(policy_set, theorems)
        for portion in portions:
            yield [tester.fate(mutant, suspect=suspect) for mutant, suspect in portion]
        return
    names = [item.name for item in theorems]
    with ProcessPoolExecutor(
        max_workers=processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(policy_set, names, files),
    ) as pool:
        yield from pool.map(_work, portions)


_runs: list[MutationRun] = []
"""The one of this process, in a process that works for another."""


def _begin(policy_set: PolicySet, names: Sequence[str], files: Sequence[str]) -> None:
    _runs.append(
        MutationRun(policy_set, [item for item in theorems_in(files) if item.name in names])
    )


def _work(portion: Portion) -> list[Fate]:
    return [_runs[0].fate(mutant, suspect=suspect) for mutant, suspect in portion]


def _fate(mutant: Mutant, end: End, by: str = "") -> Fate:
    return Fate(policy=mutant.policy.name, what=mutant.what, digest=mutant.digest, end=end, by=by)
