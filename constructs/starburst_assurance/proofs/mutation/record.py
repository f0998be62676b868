"""The results of mutation testing, as a record that readers and the evidence page share."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from starburst_assurance.proofs.mutation.accepted import ACCEPTED, reason_for
from starburst_assurance.proofs.mutation.testing import Fate
from starburst_assurance.proofs.reading.policies import Policy, PolicySet

__all__ = ["GOAL", "Record", "digest_of", "load", "record", "write"]

GOAL: Final = 0.95
"""Of the mutants that change something, so many must be noticed."""

_FIELDS: Final = {"survivors": "alive"}
"""Fields by their keys in the file, where the two differ."""

_HEAD: Final = """\
# Would the theorems notice a mistake?

<!-- Written by `make mutants`; the numbers are in mutants.json. -->

`make mutants` makes one small mistake at a time in every policy of an environment and asks whether
a theorem fails, or whether the vocabulary refuses it before any proof. A mutant is *the same* when
no theorem fails and the solver proves that every request gets the same answer as before, all other
policies being as they are. One that lives needs a reason.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The outcome of one run over an environment's mutants.

    Attributes:
        environment: whose policies.
        theorems: how many were asked.
        killed: mutants that a theorem noticed.
        refused: mutants in which a word does not exist.
        same: mutants that are proved to change no answer, each with its policy.
        alive: mutants that no theorem noticed, each with policy and reason (``survivors`` in the
            file); the reason is empty where there is none.
        unused: reasons for which no mutant lives any more.
        kills: by theorem.
        policies: digest of every policy that was tried, to tell later whether it has changed.
        untried: mutants that the run did not come to.
    """

    environment: str
    theorems: int
    killed: int
    refused: int
    same: Sequence[Mapping[str, str]]
    alive: Sequence[Mapping[str, str]]
    unused: Sequence[str]
    kills: Mapping[str, int]
    policies: Mapping[str, str]
    untried: int = 0

    @property
    def mutants(self) -> int:
        """How many were tried."""
        return self.killed + self.refused + len(self.same) + len(self.alive)

    @property
    def rate(self) -> float:
        """Which part of those that change something was noticed."""
        noticed = self.killed + self.refused
        return noticed / (noticed + len(self.alive)) if noticed else 0.0

    @property
    def unexplained(self) -> tuple[str, ...]:
        """The mutants that live without a reason."""
        return tuple(f"{one['policy']}: {one['what']}" for one in self.alive if not one["reason"])

    @property
    def holds(self) -> bool:
        """Whether enough were noticed, and all others have a reason that is still needed."""
        return self.rate >= GOAL and not self.unexplained and not self.unused and not self.untried

    def changed_since(self, policy_set: PolicySet) -> tuple[str, ...]:
        """Return the names of policies that are not as they were tried."""
        now = {name: digest_of(policy) for name, policy in policy_set.policies.items()}
        names = {*now, *self.policies}
        return tuple(sorted(name for name in names if now.get(name) != self.policies.get(name)))

    def __str__(self) -> str:
        """Return it in a line."""
        return (
            f"{self.environment}: {self.mutants} mutants; {self.killed} killed by theorems, "
            f"{self.refused} refused by the vocabulary, {len(self.same)} proved to change nothing, "
            f"{len(self.alive)} alive, {len(self.unexplained)} of them without a reason; "
            f"{self.rate:.1%} of those that change something noticed"
        )


def digest_of(policy: Policy) -> str:
    """Return a digest of what a policy says."""
    return hashlib.sha256(repr(policy.statements).encode()).hexdigest()[:16]


def record(
    policy_set: PolicySet, fates: Sequence[Fate], *, theorems: int, untried: int = 0
) -> Record:
    """Return the record of a run.

    Args:
        policy_set: the unchanged policies.
        fates: of their mutants.
        theorems: how many were asked.
        untried: mutants of which there is no fate.
    """
    alive = [(fate, reason_for(fate.policy, fate.what)) for fate in fates if fate.end == "alive"]
    used = {reason for _, reason in alive}
    return Record(
        environment=policy_set.name,
        theorems=theorems,
        killed=sum(fate.end == "killed" for fate in fates),
        refused=sum(fate.end == "refused" for fate in fates),
        same=[_named(fate) for fate in sorted(fates, key=str) if fate.end == "same"],
        alive=[
            {**_named(fate), "reason": reason or ""}
            for fate, reason in sorted(alive, key=lambda one: str(one[0]))
        ],
        unused=[one.reason for one in ACCEPTED if one.reason not in used],
        kills=dict(sorted(Counter(fate.by for fate in fates if fate.end == "killed").items())),
        policies={name: digest_of(policy) for name, policy in sorted(policy_set.policies.items())},
        untried=untried,
    )


def load(path: Path) -> Record:
    """Read a record from its file."""
    said: dict[str, Any] = json.loads(path.read_text())
    return Record(**{_FIELDS.get(key, key): value for key, value in said.items()})


def write(found: Record, path: Path) -> None:
    """Write a record as ``path``, and for readers as the page of the same name.

    Args:
        found: the record.
        path: ends in ``.json``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = {field: key for key, field in _FIELDS.items()}
    said = {keys.get(field, field): value for field, value in asdict(found).items()}
    path.write_text(json.dumps(said, indent=1) + "\n")
    path.with_suffix(".md").write_text("\n".join(_lines(found)) + "\n")


def _lines(found: Record) -> Iterator[str]:
    yield _HEAD
    yield f"Environment `{found.environment}`, {found.theorems} theorems:\n"
    yield "| what became of them | mutants |\n|---|---|"
    yield f"| killed by a theorem | {found.killed} |"
    yield f"| refused by the vocabulary | {found.refused} |"
    yield f"| proved to change nothing | {len(found.same)} |"
    yield f"| alive, each with a reason below | {len(found.alive) - len(found.unexplained)} |"
    yield f"| alive without a reason | {len(found.unexplained)} |"
    yield f"| all that were tried | {found.mutants} |"
    yield f"| not tried | {found.untried} |\n"
    yield f"Of those that change something, {found.rate:.1%} are noticed; the goal is {GOAL:.0%}."
    if found.alive:
        yield "\n## Alive\n\n| policy | mistake | why it may live |\n|---|---|---|"
        yield from (_row(one, one["reason"] or "**no reason known**") for one in found.alive)
    if found.same:
        yield "\n## The same for every request\n\n| policy | mistake |\n|---|---|"
        yield from (_row(one) for one in found.same)
    yield "\n## Which theorem noticed first\n\n| theorem | mutants |\n|---|---|"
    for name, count in sorted(found.kills.items(), key=lambda one: (-one[1], one[0])):
        yield f"| `{name}` | {count} |"


def _row(one: Mapping[str, str], *more: str) -> str:
    cells = [f"`{one['policy']}`", f"`{one['what']}`".replace("|", "\\|"), *more]
    return f"| {' | '.join(cells)} |"


def _named(fate: Fate) -> dict[str, Any]:
    return {"policy": fate.policy, "what": fate.what}
