"""What the numbers of a page do not count: not judged, not proved, not run, not tried, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from deploy.evidence.gather import Evidence
from deploy.evidence.matrix import Row, Status
from deploy.evidence.testing import named_tests
from environments import ALL as ENVIRONMENTS
from stacks.settings import Pack
from starburst_assurance.proofs.theorems import ALL as THEOREMS

__all__ = ["FEW", "LeftOut", "left_out"]

FEW: Final = 4
"""Names that stand beside their number; more are listed on demand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """Things of one kind that were left out for one reason.

    Attributes:
        what: of which kind, as one and as several.
        why: the reason.
        names: of each.
    """

    what: tuple[str, str]
    why: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        """Return how many of what, why, and which where these are few."""
        named = f" ({', '.join(self.names)})" if len(self.names) <= FEW else ""
        return f"{len(self.names)} {self.what[len(self.names) != 1]}: {self.why}{named}"


def left_out(evidence: Evidence, rows: Sequence[Row]) -> tuple[LeftOut, ...]:
    """Return what was left out, each kind with its reason.

    Args:
        evidence: what was found.
        rows: the same, control by control.
    """
    parts = (
        *_theorems(evidence),
        *_tests(evidence, rows),
        *_judges(evidence, rows),
        *_try_mutants(evidence),
        *_elsewhere(evidence),
    )
    return tuple(each for each in parts if each.names)


def _theorems(evidence: Evidence) -> Iterator[LeftOut]:
    reasons: dict[str, list[str]] = {}
    for verdict in evidence.verdicts:
        if verdict.answer == "left out":
            reasons.setdefault(verdict.why, []).append(verdict.theorem.name)
    for why, names in reasons.items():
        yield LeftOut(what=("theorem", "theorems"), why=why, names=tuple(names))
    asked = {verdict.theorem.name for verdict in evidence.verdicts}
    yield LeftOut(
        what=("theorem", "theorems"),
        why="not asked for this folder",
        names=tuple(each.name for each in THEOREMS if each.name not in asked),
    )


def _tests(evidence: Evidence, rows: Sequence[Row]) -> Iterator[LeftOut]:
    found = evidence.tests
    named = named_tests(row.control for row in rows)
    test = ("test that a control names", "tests that controls name")
    missing = tuple(name for name in named if name not in found)
    yield LeftOut(what=test, why="not run for this folder", names=missing)
    skipped = tuple(name for name in named if name in found and found[name].skipped)
    why = "pytest skipped it, or some of its cases, on the machine that made this folder"
    yield LeftOut(what=test, why=why, names=skipped)


def _judges(evidence: Evidence, rows: Sequence[Row]) -> Iterator[LeftOut]:
    environment = evidence.environment
    yield LeftOut(
        what=("rule pack", "rule packs"),
        why=f"packs of {environment.name} in environments.py leaves them out",
        names=tuple(each for each in get_args(Pack) if each not in environment.packs),
    )
    yield LeftOut(
        what=("feature", "features"),
        why=f"{environment.name} goes without them, as an emulator must",
        names=environment.without,
    )
    judged = {each.path for each in evidence.outcomes}
    kinds = Counter(each.kind for each in evidence.template.all_of())
    seen = {each.kind for each in evidence.template.all_of() if each.path in judged}
    yield LeftOut(
        what=("resource type", "resource types"),
        why="no rule of any judge had something to say of it; theorems read policies, whatever "
        "holds them",
        names=tuple(f"{kind} ({kinds[kind]})" for kind in sorted(kinds) if kind not in seen),
    )
    idle = {
        check.name
        for row in rows
        for check in row.checks
        if check.status is Status.NOT_APPLICABLE and check.kind != "theorem"
    }
    yield LeftOut(
        what=("rule that a control names", "rules that controls name"),
        why="nothing to judge here",
        names=tuple(sorted(idle)),
    )
    for status, why in (
        (Status.NOT_APPLICABLE, "nothing of them is in this environment"),
        (Status.NOT_RUN, "nothing that would check them was run"),
    ):
        yield LeftOut(
            what=("control", "controls"),
            why=why,
            names=tuple(row.control.name for row in rows if row.status is status),
        )
    yield LeftOut(
        what=("control that passed", "controls that passed"),
        why="in part only, since something else that checks it was not run",
        names=tuple(row.control.name for row in rows if row.status is Status.PASSED and row.partly),
    )


def _try_mutants(evidence: Evidence) -> Iterator[LeftOut]:
    if evidence.mutants is None:
        yield LeftOut(
            what=("mutation run", "mutation runs"),
            why="whether theorems would notice a mistake was not tried on this environment",
            names=(f"make mutants ENV={evidence.environment.name}",),
        )
        return
    why = "changed since it was tried whether theorems would notice a mistake in it"
    yield LeftOut(what=("policy", "policies"), why=why, names=tuple(evidence.stale))
    if evidence.mutants.untried:
        yield LeftOut(
            what=("mutation run", "mutation runs"),
            why=f"{evidence.mutants.untried:,} mistakes are still to be tried",
            names=(f"make mutants ENV={evidence.environment.name}",),
        )


def _elsewhere(evidence: Evidence) -> Iterator[LeftOut]:
    yield LeftOut(
        what=("other environment", "other environments"),
        why="in environments.py too; each has a folder of its own",
        names=tuple(each.name for each in ENVIRONMENTS if each.name != evidence.environment.name),
    )
