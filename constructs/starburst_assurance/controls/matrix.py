"""A matrix of responsibilities: what a framework tests, whose it is, and what answers it here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from starburst_assurance.controls.spreadsheet import csv_text

__all__ = ["MANUAL", "Line", "MatrixError", "Party", "check_lines", "matrix_csv"]

Party = Literal["AWS", "customer", "not applicable", "shared"]

MANUAL: Final = "manual"
"""What no code answers: a person does it, and keeps the evidence."""

_HEAD: Final = (
    *("requirement", "title", "section", "tests", "responsible_in_source", "responsible_here"),
    *("answered_by", "note", "source"),
)


class MatrixError(ValueError):
    """A line names what does not exist, or leaves a customer's tests without an answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line: a requirement's tests of one party, or a section that its source names.

    Attributes:
        requirement: its number, from 1.
        title: of the requirement.
        section: number within it, such as ``10.5.1``; empty where the line counts tests.
        tests: how many the source counts; None for a section, which counts within its requirement.
        party: whose they are in the source's architecture.
        here: whose they are here.
        answers: what answers them: ``control:``, ``theorem:``, ``test:`` or ``addon:`` and a name
            that exists, or ``manual``.
        note: what is otherwise here, and why.
        source: who says so.
    """

    requirement: int
    title: str
    section: str = ""
    tests: int | None = None
    party: Party
    here: Party
    answers: tuple[str, ...] = ()
    note: str = ""
    source: str


def check_lines(
    lines: Iterable[Line],
    *,
    controls: Collection[str],
    theorems: Collection[str],
    tests: Collection[str],
    addons: Collection[str],
) -> None:
    """Refuse a line whose answer does not exist, and a customer's line without one.

    Args:
        lines: of the matrix.
        controls: names of controls that there are.
        theorems: names of theorems.
        tests: as pytest names them, ``<file>::<function>``.
        addons: names of add-ons.

    Raises:
        MatrixError: with the line, and what it names.
    """
    known = {"control": controls, "theorem": theorems, "test": tests, "addon": addons}
    for line in lines:
        where = f"requirement {line.section or line.requirement}, {line.here}"
        if line.here in ("customer", "shared") and not line.answers:
            raise MatrixError(f"{where}: nothing answers it; name a control, a theorem or {MANUAL}")
        for answer in line.answers:
            kind, _, name = answer.partition(":")
            if answer != MANUAL and name not in known.get(kind, ()):
                raise MatrixError(f"{where}: {answer} does not exist; name what does, or {MANUAL}")


def matrix_csv(lines: Sequence[Line]) -> str:
    """Return the matrix as CSV, a line a row, guarded against formulas."""
    return csv_text(
        _HEAD,
        (
            (
                *(line.requirement, line.title, line.section),
                *("" if line.tests is None else line.tests, line.party, line.here),
                *("; ".join(line.answers), line.note, line.source),
            )
            for line in lines
        ),
    )
