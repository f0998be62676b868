"""What writes CSV, in Lambda or beside a person, writes no formula: all by one table of cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from starburst.admin import MonthlyReport, ReportRow
from starburst_assurance.controls.spreadsheet import csv_text
from tests.addons.lambda_folder import lambda_folder
from tests.csv_cells import HARMLESS, HOSTILE, NUMBERS, as_written

ADDONS = Path(__file__).resolve().parents[2] / "stacks/addons"

Write = Callable[[Sequence[str]], list[str]]
"""Writes cells, one below another, and returns what a reader of CSV makes of them."""


def column(text: str, name: str) -> list[str]:
    return [row[name] for row in csv.DictReader(io.StringIO(text, newline=""), strict=True)]


def findings(cells: Sequence[str]) -> list[str]:
    file = io.BytesIO()
    with lambda_folder(ADDONS / "security_hub_findings/report") as modules:
        writer = modules["columns"].Writer(file)
        for cell in cells:
            writer.write({"Title": cell, "Resources": [{"Id": cell or "?"}]})
        writer.end()
    text = file.getvalue().decode("utf-8-sig")
    titles = column(text, "Title")
    assert column(text, "ResourceId") == [title or "?" for title in titles]
    return titles


def governance(cells: Sequence[str]) -> list[str]:
    with lambda_folder(ADDONS / "identity_governance/report") as modules:
        body = modules["files"].as_csv(["name", "same"], [[cell, cell] for cell in cells])
    text = body.decode("utf-8-sig")
    assert column(text, "name") == column(text, "same")
    return column(text, "name")


def review(cells: Sequence[str]) -> list[str]:
    said: dict[str, Any] = {"at": "", "roles": [], "findings": [], "untold": {}}
    found: list[str] = []
    with lambda_folder(ADDONS / "access_review/review") as modules:
        for cell in cells:
            body = modules["record"].as_csv({**said, "quarter": cell, "unread": [cell]})
            text = body.decode("utf-8-sig")
            assert column(text, "quarter") == column(text, "why")
            found += column(text, "why")
    return found


def month(cells: Sequence[str]) -> list[str]:
    """Of the command line, whose tables of results have the same guard."""
    rows = [
        ReportRow(
            workspace=cell,
            analyst=cell,
            sessions=1,
            still_running=0,
            failed=0,
            worker_hours=1,
            usd_at_list_price=1,
        )
        for cell in cells
    ]
    report = MonthlyReport(
        environment="prod", month="2026-11", rows=tuple(rows), at=0, over=True, unread={}
    )
    assert column(report.to_csv(), "workspace") == column(report.to_csv(), "analyst")
    return column(report.to_csv(), "analyst")


def compliance(cells: Sequence[str]) -> list[str]:
    return column(csv_text(["name", "number"], [[cell, 1] for cell in cells]), "name")


WRITERS: dict[str, Write] = {
    each.__name__: each for each in (findings, governance, review, month, compliance)
}
RESULTS = {"month"}


def wrong(write: Write, *, numbers_stay: bool) -> Iterator[str]:
    """Yield cells that are not written as they must be."""
    expected = {
        **dict(zip(HOSTILE, as_written(HOSTILE), strict=True)),
        **{cell: cell for cell in HARMLESS},
        **{cell: cell if numbers_stay else f"'{cell}" for cell in NUMBERS},
    }
    cells = [*expected]
    for cell, found in zip(cells, write(cells), strict=True):
        if found != expected[cell]:
            yield cell


@pytest.mark.parametrize("name", WRITERS)
def test_no_cell_is_a_formula_and_no_other_cell_changes(name: str) -> None:
    assert [*wrong(WRITERS[name], numbers_stay=name in RESULTS)] == []


def unguarded(cells: Sequence[str]) -> list[str]:
    return [*cells]


def by_its_first_character(cells: Sequence[str]) -> list[str]:
    return [f"'{cell}" if cell[:1] in {*"=+-@\t\r"} - {""} else cell for cell in cells]


def every_cell(cells: Sequence[str]) -> list[str]:
    return as_written(cells)


@pytest.mark.parametrize("write", [unguarded, by_its_first_character, every_cell])
def test_a_guard_that_does_less_or_more_is_found(write: Write) -> None:
    assert [*wrong(write, numbers_stay=False)] != []
