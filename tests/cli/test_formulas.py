"""A table that is opened in a spreadsheet runs nothing that a task's input brought."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from starburst.cli.results.files import write_results
from tests.csv_cells import HARMLESS, HOSTILE, NUMBERS


def cells(value: object, column: str = "x") -> tuple[list[list[str]], str]:
    """Return the rows of a CSV file with one result, and what is said of it."""
    count = write_results("out.csv", [(0, {column: value}, None, True)])
    with Path("out.csv").open(newline="") as file:
        return [*csv.reader(file)], str(count)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_formula_becomes_text_and_that_is_said(text: str) -> None:
    rows, said = cells(text)
    assert rows == [["task", "x"], ["0", f"'{text}"]]
    assert said == (
        "1 of 1 results written, 1 text that a spreadsheet would take for a formula begins with "
        "' now; .parquet and .jsonl keep what it was"
    )


def test_no_return_within_a_text_begins_a_row() -> None:
    rows, _ = cells("harmless\r=1+1", "a\rname")
    assert rows == [["task", "a\rname"], ["0", "harmless\r=1+1"]]


def test_a_name_of_a_column_is_no_formula_either() -> None:
    rows, said = cells(1, "=HYPERLINK(1)")
    assert rows[0] == ["task", "'=HYPERLINK(1)"]
    assert "1 text that" in said


@pytest.mark.parametrize(
    "value",
    [-1, -2.5, -1e-9, True, None, Decimal("-7.5"), *NUMBERS, *HARMLESS],
    ids=ascii,
)
def test_numbers_signs_and_other_texts_stay(value: object) -> None:
    rows, said = cells(value)
    assert rows[1] == ["0", "" if value is None else str(value)]
    assert said == "1 of 1 results written"


@pytest.mark.parametrize("kind", ["category", "string", object])
def test_columns_of_every_kind_of_text_are_looked_at(kind: str) -> None:
    frame = pd.DataFrame({"x": pd.Series(["=1", "a", None], dtype=kind), "y": [-1, -2, -3]})
    count = write_results("out.csv", [(0, frame, None, True)])
    table = pd.read_csv("out.csv")
    assert table["x"].tolist()[:2] == ["'=1", "a"]
    assert table["y"].tolist() == [-1, -2, -3]
    assert count.defused == 1
    assert frame["x"].tolist()[0] == "=1"


def test_times_stay() -> None:
    assert cells(dt.timedelta(hours=-1))[1] == "1 of 1 results written"


def test_parquet_keeps_what_it_was() -> None:
    assert write_results("out.parquet", [(0, {"x": "=1"}, None, True)]).defused == 0
    assert pd.read_parquet("out.parquet")["x"].tolist() == ["=1"]
