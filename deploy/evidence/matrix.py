"""What the findings mean for each control: its checks, their results, and its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from deploy.evidence.gather import Evidence
from starburst_assurance.controls import CONTROLS, Control, Reference, references
from starburst_assurance.controls.frameworks import nag_rules
from starburst_assurance.gate.outcomes import Outcome
from starburst_assurance.rules import Verdict
from starburst_assurance.waivers import Waiver

__all__ = ["Check", "Place", "Row", "Status", "failures", "matrix"]


class Status(StrEnum):
    """The result of a check or of a control."""

    PASSED = "passed"
    WAIVED = "waived"
    FAILED = "failed"
    NOT_RUN = "not run"
    YOURS = "yours to do"
    NOT_APPLICABLE = "not applicable"


_ALSO = ", holds at "
_WEIGHT = (Status.FAILED, Status.WAIVED, Status.PASSED, Status.NOT_RUN, Status.YOURS)
"""Which of its checks' results is a control's; what is not applicable counts last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One check of a control.

    Attributes:
        kind: what checks.
        name: of the rule, theorem, test or page.
        status: what came of it.
        detail: in words.
    """

    kind: str
    name: str
    status: Status
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Place:
    """One resource of the templates.

    Attributes:
        path: construct path below the environment.
        kind: CloudFormation type.
        logical_id: in its template.
        file: that template.
    """

    path: str
    kind: str
    logical_id: str
    file: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One control with everything that is known of it.

    Attributes:
        control: what is promised.
        references: ids that it answers.
        places: resources that it is about.
        checks: what checks it.
        status: what came of all of them.
        until: where a waiver counts, the first last day.
        partly: whether something holds beside what is waived, or was not run beside what holds.
    """

    control: Control
    references: tuple[Reference, ...]
    places: tuple[Place, ...]
    checks: tuple[Check, ...]
    status: Status
    until: date | None
    partly: bool


def matrix(evidence: Evidence) -> list[Row]:
    """Return a row for each control."""
    by_rule: dict[str, list[Outcome]] = {}
    for outcome in evidence.outcomes:
        by_rule.setdefault(outcome.rule, []).append(outcome)
    return [_row(control, evidence, by_rule) for control in CONTROLS]


def failures(evidence: Evidence) -> int:
    """Return how much of it failed, whether a control names it or not."""
    return (
        len(evidence.refused)
        + sum(not each.holds for each in evidence.verdicts)
        + sum(each.failed > 0 for each in evidence.tests.values())
    )


def _row(control: Control, evidence: Evidence, by_rule: Mapping[str, list[Outcome]]) -> Row:
    ends: list[date] = []
    checks = [
        *_rules(control, evidence, by_rule, ends),
        *_theorems(control, evidence),
        *_tests(control, evidence),
        *(
            Check(kind="yours to do", name=page, status=Status.YOURS, detail="")
            for page in control.yours
        ),
    ]
    status = next(
        (each for each in _WEIGHT if any(check.status is each for check in checks)),
        Status.NOT_APPLICABLE,
    )
    judged = {outcome.path for name in _names(control) for outcome in by_rule.get(name, ())}
    places = {
        Place(path=each.path, kind=each.kind, logical_id=each.logical_id, file=Path(each.file).name)
        for each in evidence.template.all_of()
        if each.path in judged or each.kind in control.kinds
    }
    return Row(
        control=control,
        references=references(control),
        places=tuple(sorted(places)),
        checks=tuple(checks),
        status=status,
        until=min(ends) if ends else None,
        partly=(
            any(check.status is Status.PASSED or _ALSO in check.detail for check in checks)
            if ends
            else status is Status.PASSED and any(each.status is Status.NOT_RUN for each in checks)
        ),
    )


def _names(control: Control) -> Iterator[str]:
    for name in control.nag:
        yield from nag_rules(name)
    yield from control.guard
    yield from (f"starburst-{name}" for name in control.rules)


def _rules(
    control: Control,
    evidence: Evidence,
    by_rule: Mapping[str, list[Outcome]],
    ends: list[date],
) -> Iterator[Check]:
    kinds = {
        **{rule: "cdk-nag" for name in control.nag for rule in nag_rules(name)},
        **dict.fromkeys(control.guard, "Control Tower"),
        **{f"starburst-{name}": "our rule" for name in control.rules},
    }
    for name, kind in kinds.items():
        found = by_rule.get(name, [])
        broken = [each for each in found if each.verdict is Verdict.NON_COMPLIANT]
        open_ones = [each for each in broken if not each.judged]
        covering = {id(each): _covering(each, evidence.waivers) for each in open_ones}
        bare = [each for each in open_ones if covering[id(each)] is None]
        until = [waiver.expires for waiver in covering.values() if waiver is not None]
        held = len({each.path for each in found} - {each.path for each in open_ones})
        if not found:
            yield Check(
                kind=kind, name=name, status=Status.NOT_APPLICABLE, detail="nothing to judge here"
            )
        elif bare:
            places = ", ".join(sorted({each.path for each in bare}))
            yield Check(kind=kind, name=name, status=Status.FAILED, detail=f"broken at {places}")
        elif open_ones:
            ends.extend(until)
            places = len({each.path for each in open_ones})
            detail = f"waived at {places} until {min(until)}"
            detail += f"{_ALSO}{held}" if held else ""
            yield Check(kind=kind, name=name, status=Status.WAIVED, detail=detail)
        else:
            noun = "resource" if held == 1 else "resources"
            detail = f"holds at {held} {noun}"
            if any(each.judged for each in broken):
                detail = f"each pattern is declared; {held} {noun}"
            yield Check(kind=kind, name=name, status=Status.PASSED, detail=detail)


def _covering(outcome: Outcome, waivers: Iterable[Waiver]) -> Waiver | None:
    for waiver in waivers:
        if waiver.covers(outcome.path, rule=outcome.finding):
            return waiver
    return None


def _theorems(control: Control, evidence: Evidence) -> Iterator[Check]:
    verdicts = {verdict.theorem.name: verdict for verdict in evidence.verdicts}
    for name in control.theorems:
        verdict = verdicts.get(name)
        if verdict is None:
            yield Check(kind="theorem", name=name, status=Status.NOT_RUN, detail="not proved here")
        elif verdict.answer == "left out":
            yield Check(kind="theorem", name=name, status=Status.NOT_APPLICABLE, detail=verdict.why)
        else:
            yield Check(
                kind="theorem",
                name=name,
                status=Status.PASSED if verdict.holds else Status.FAILED,
                detail=f"{verdict.answer}: {verdict.theorem.sentence}",
            )


def _tests(control: Control, evidence: Evidence) -> Iterator[Check]:
    for name in control.tests:
        result = evidence.tests.get(name)
        if result is None:
            yield Check(kind="test", name=name, status=Status.NOT_RUN, detail="not run here")
            continue
        cases = result.passed + result.failed + result.skipped
        detail = f"{result.passed} of {cases} cases passed" if cases > 1 else "passed"
        if not result.holds:
            detail = "failed" if result.failed else "skipped"
        status = Status.PASSED if result.holds else Status.FAILED
        status = Status.NOT_RUN if not result.failed and not result.passed else status
        yield Check(kind="test", name=name, status=status, detail=detail)
