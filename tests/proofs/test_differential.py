"""The encoder answers as plain Python does that was written from AWS's user guide, and only so."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.proofs.differential import __main__ as command
from tests.proofs.differential.comparing import Outcome, compare
from tests.proofs.differential.faults import FAULTS, Fault, made
from tests.proofs.differential.wording import EXPECTED

PAIRS, SEED = 10_000, 1
OFTEN = 100
"""Times that each construct and each answer is met at least."""

FOLDER = Path(__file__).parent / "differential"
REFERENCE = ("statements.py", "decisions.py")


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return compare(PAIRS, SEED)


def test_ten_thousand_pairs_are_answered_alike(outcome: Outcome) -> None:
    assert outcome.pairs == PAIRS
    assert not outcome.differences, "\n\n".join(map(str, outcome.differences))


def test_every_construct_and_every_answer_is_met_often(outcome: Outcome) -> None:
    def rare(counts: Mapping[str, int], wanted: frozenset[str], least: int) -> list[str]:
        return sorted(one for one in wanted if counts[one] < least)

    answers = frozenset({"allowed", "explicitly denied", "implicitly denied"})
    assert not rare(outcome.answers, answers, PAIRS // 8)
    assert not rare(outcome.words, EXPECTED, OFTEN)
    assert outcome.solved >= OFTEN
    # Of three formulas for each four pairs, the encoder may refuse to make one in six.
    assert outcome.refused < PAIRS * 3 // 4 // 6


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.what)
def test_a_fault_in_the_encoder_is_found_by_the_same_pairs(fault: Fault) -> None:
    with made(fault):
        found = compare(PAIRS, SEED, stop=1, shrink=False, first=fault.seen)
    assert found.differences


def test_no_fault_stays_behind() -> None:
    assert not compare(200, SEED).differences


def test_what_differs_is_shown_with_nothing_beside(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["differential", "--count", "40"])
    with made(next(one for one in FAULTS if one.what == "NotAction is Action")):
        assert command.main() == 1
    printed = capsys.readouterr().out
    assert "the encoder says" in printed
    assert "NotAction" in printed
    assert "boundary" not in printed
    monkeypatch.setattr("sys.argv", ["differential", "--count", "40"])
    assert command.main() == 0
    assert "40 pairs of policies and a request (seed 1)" in capsys.readouterr().out


def test_the_second_opinion_shares_nothing_with_the_first() -> None:
    lines = 0
    for name in REFERENCE:
        text = (FOLDER / name).read_text()
        lines += len(text.splitlines())
        found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
        assert not [one.module for one in found if str(one.module).startswith("starburst")]
    assert lines <= 600
