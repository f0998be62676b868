"""``starburst-prove`` prints sentences and answers, and fails when something does not hold."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from starburst_assurance.proofs import command, entry
from starburst_assurance.proofs.document import page
from starburst_assurance.proofs.reading.policies import PolicySet

ROOT = Path(__file__).parents[2]
OWN = ROOT / "examples" / "own_theorem.py"


@pytest.fixture
def synthesized(policy_sets: Mapping[str, PolicySet], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command prove what the test run has synthesized already."""
    monkeypatch.setattr(
        command, "_policy_sets", lambda options, folder: [(policy_sets["prod"], [])]
    )


@pytest.mark.usefixtures("synthesized")
def test_it_prints_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--environment", "prod", "--only", "own_queue"]) == 0
    out = capsys.readouterr().out
    assert "proved" in out
    assert "Nobody uses the queue of another user's session" in out
    assert "1 of 1 theorems proved" in out


@pytest.mark.usefixtures("synthesized")
def test_what_is_left_out_is_named_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--environment", "prod", "--only", "trusted_network"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    names = "people_come_from_trusted_networks, analysts_can_work_from_each_trusted_network"
    assert f"2 left out not claimed, because prod has no trusted_cidrs: {names}" in out


@pytest.mark.usefixtures("synthesized")
def test_it_proves_a_teams_own_theorem(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--theorems", str(OWN), "--only", "results_outlive"]) == 0
    assert "Our own" in capsys.readouterr().out


def test_a_name_that_no_theorem_has_proves_nothing_and_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert entry.main(["--environment", "prod", "--only", "own_quueue"]) == 2
    assert "no theorem has 'own_quueue' in its name" in capsys.readouterr().err


@pytest.mark.usefixtures("synthesized")
def test_a_refuted_theorem_fails_with_the_request(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(OWN.read_text().replace("s3:DeleteObject", "s3:GetObject"))
    assert entry.main(["--theorems", str(wrong), "--only", "results_outlive"]) == 1
    out = capsys.readouterr().out
    assert "refuted" in out
    assert "principal  arn:aws:iam::222233334444:role/starburst-prod-worker-genomics" in out


def test_it_is_a_command_on_a_machine_without_node(tmp_path: Path) -> None:
    name = Path(sys.executable).parent / "starburst-prove"
    found = subprocess.run(  # noqa: S603
        [name, "--help"], capture_output=True, text=True, check=True, env={"PATH": str(tmp_path)}
    )
    assert "--mutants" in found.stdout


def test_the_document_is_in_step() -> None:
    expected = page(OWN.read_text())
    assert (ROOT / "docs" / "theorems.md").read_text() == expected, (
        "run python -m starburst_assurance.proofs.document"
    )
