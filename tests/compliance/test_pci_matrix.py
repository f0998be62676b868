"""The matrix of PCI DSS adds up to AWS's sums, and everything that it names exists."""

from __future__ import annotations

import ast
import csv
import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.tools.addons import shipped
from deploy.tools.controls import main
from starburst_assurance.controls import CONTROLS
from starburst_assurance.controls.matrix import MANUAL, Line, MatrixError, check_lines, matrix_csv
from starburst_assurance.controls.pci import PCI_LINES
from starburst_assurance.controls.spreadsheet import csv_text
from starburst_assurance.proofs.theorems import ALL as THEOREMS
from tests.some import some

ROOT = Path(__file__).resolve().parents[2]

# P19 of the requirements: tests, customer, AWS, not applicable.
SUMS = {
    1: (35, 13, 22, 0),
    2: (27, 16, 11, 0),
    3: (55, 24, 29, 2),
    4: (12, 7, 5, 0),
    5: (25, 4, 21, 0),
    6: (35, 31, 4, 0),
    7: (22, 19, 3, 0),
    8: (52, 43, 6, 3),
    9: (56, 3, 53, 0),
    10: (38, 17, 19, 2),
    11: (51, 22, 23, 6),
    12: (56, 44, 2, 10),
}


def check(lines: tuple[Line, ...]) -> None:
    named = {
        answer.partition(":")[2]
        for line in PCI_LINES
        for answer in line.answers
        if answer.startswith("test:")
    }
    there = {
        f"{file}::{node.name}"
        for file in {name.partition("::")[0] for name in some(named)}
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    check_lines(
        lines,
        controls={each.name for each in CONTROLS},
        theorems={each.name for each in THEOREMS},
        tests=there,
        addons={each.name for each in shipped()},
    )


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader((ROOT / "docs/compliance/pci.csv").read_text().splitlines()))


def test_the_sums_are_those_of_aws() -> None:
    found: dict[int, Counter[str]] = {}
    for row in some(rows()):
        counts = found.setdefault(int(row["requirement"]), Counter())
        counts[row["responsible_in_source"]] += int(row["tests"] or 0)
    parties = ("customer", "AWS", "not applicable")
    read = {
        number: (each.total(), *(each[party] for party in parties))
        for number, each in found.items()
    }
    assert read == SUMS
    assert tuple(map(sum, zip(*read.values(), strict=True))) == (464, 243, 198, 23)


def test_every_line_of_a_customer_names_what_exists() -> None:
    check(PCI_LINES)
    yours = [row for row in rows() if row["responsible_here"] in ("customer", "shared")]
    assert all(row["answered_by"] for row in some(yours))
    assert sum(MANUAL in row["answered_by"] for row in yours) < len(yours)


@pytest.mark.parametrize(
    "answer",
    [
        *("control:no-such-thing", "theorem:nobody_pays", "addon:waf", "rule:endless-log"),
        *("test:tests/addons/test_pci.py::test_nothing", "no-internet", "automatic"),
    ],
)
def test_an_answer_that_does_not_exist_is_refused(answer: str) -> None:
    [first, *others] = PCI_LINES
    with pytest.raises(MatrixError, match="does not exist"):
        check((replace(first, answers=(*first.answers, answer)), *others))


def test_a_customers_line_without_an_answer_is_refused() -> None:
    with pytest.raises(MatrixError, match="requirement 1, customer: nothing answers it"):
        check((replace(PCI_LINES[0], answers=()),))


def test_of_requirement_1_all_is_the_customers_here() -> None:
    first = [row for row in rows() if row["requirement"] == "1"]
    assert {row["responsible_here"] for row in some(first)} == {"customer"}
    [shifted] = [row for row in first if row["tests"] == "22"]
    assert shifted["responsible_in_source"] == "AWS"
    assert "workers on Fargate run in one, which is yours" in shifted["note"]


def test_no_test_of_the_standard_is_numbered_and_each_line_has_a_source() -> None:
    for line in PCI_LINES:
        assert (line.tests is None) == bool(line.section)
        assert line.source.startswith(("https://aws.amazon.com/", "https://docs.aws.amazon.com/"))


def test_the_file_is_what_would_be_written_now(tmp_path: Path) -> None:
    assert main(tmp_path) == 0
    written = (tmp_path / "compliance" / "pci.csv").read_text()
    assert written == (ROOT / "docs/compliance/pci.csv").read_text() == matrix_csv(PCI_LINES)


def test_what_is_no_formula_stays_as_it_is() -> None:
    [_, row] = csv.reader(io.StringIO(csv_text(["a", "b"], [['say "a, b"\nc', 12]])))
    assert row == ['say "a, b"\nc', "12"]
