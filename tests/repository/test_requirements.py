"""Every code that the tree cites is in the legend, and the legend is of this tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.tools.legend import LEGEND, SOURCES
from deploy.tools.requirements import citations, cited_in, main, requirements_page
from starburst_assurance.controls import CONTROLS

ROOT = Path(__file__).parents[2]
CODES = [requirement.code for requirement in LEGEND]


@pytest.fixture(scope="module")
def cited() -> frozenset[str]:
    return frozenset(code for codes in cited_in(ROOT).values() for code in codes)


def test_every_code_that_is_cited_is_in_the_legend(cited: frozenset[str]) -> None:
    assert cited <= set(CODES)
    assert {code for control in CONTROLS for code in control.rows} <= set(CODES)


def test_every_code_of_the_legend_is_cited(cited: frozenset[str]) -> None:
    assert set(CODES) <= cited


def test_a_code_has_one_row_and_a_source() -> None:
    assert len(set(CODES)) == len(CODES)
    assert {code[0] for code in CODES} == set(SOURCES)
    assert all(requirement.asks.endswith(".") for requirement in LEGEND)


def test_every_code_is_answered_or_says_why_not() -> None:
    rows = [line.split(" | ") for line in requirements_page().splitlines() if line[:3] != "| |"]
    answers = {row[0].strip("| "): row[2].strip(" |") for row in rows if len(row) == 3}
    assert answers.keys() == set(CODES)
    assert [code for code, answer in answers.items() if answer == ""] == []


def test_the_page_is_what_would_be_written_now(tmp_path: Path) -> None:
    main(tmp_path)
    written = (tmp_path / "requirements.md").read_text()
    assert (ROOT / "docs/requirements.md").read_text() == written, (
        "run: python -m deploy.tools.requirements"
    )


def test_a_file_of_the_tree_that_cites_a_new_code_is_found(tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/new.py").write_text('"""Reads S3 by night (S99, S6 to S8)."""\n')
    (tmp_path / "stacks/none.py").write_text('"""Reads S3 by day."""\n')
    assert cited_in(tmp_path) == {"stacks/new.py": {"S99", "S6", "S7", "S8"}}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Deny (S9): a PUT", {"S9"}),
        ("(P10, S5)", {"P10", "S5"}),
        ("(S6 to S8, S26)", {"S6", "S7", "S8", "S26"}),
        ("from S12 to S13 on", {"S12", "S13"}),
        ('rows=("S1", "S3", "G2")', {"S1", "S3", "G2"}),
        ('    "G9": "no database",', {"G9"}),
        ("- Requirements: S1, S3", {"S1", "S3"}),
        ("a profile (S3)", {"S3"}),
        ("A20 of the list.", {"A20"}),
        ("objects in S3, S3 and SQS", set()),
        ("FSBP S3.11, CT.S3.PR.1, ecs S3:GetObject", set()),
        ("AC-4, AU-9, A100, PS256, python3.11, sha256, V0", set()),
    ],
)
def test_what_counts_as_a_citation(text: str, codes: set[str]) -> None:
    assert citations(text) == codes
