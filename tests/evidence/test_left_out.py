"""What was left out stands in the summary with its reason, so that no number looks too good."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from deploy.evidence.__main__ import main as command
from deploy.evidence.folder import write
from deploy.evidence.gather import Evidence
from deploy.evidence.left_out import LeftOut, left_out
from deploy.evidence.matrix import Status, matrix
from deploy.evidence.testing import CaseCount
from environments import ALL as ENVIRONMENTS
from stacks.risks import Risk
from starburst_assurance.controls import CONTROLS
from starburst_assurance.proofs.mutation.record import Record
from starburst_assurance.proofs.solving.prove import Verdict
from starburst_assurance.proofs.theorems import ALL as THEOREMS

NO_NETWORKS = "dev has no trusted_cidrs"
ASIDE = next(each for each in THEOREMS if each.unless == "trusted-networks")
OPEN = Risk(name="way-out", sentence="code on a worker can send data away: close the network")
TAKEN = Risk(
    name="pickled-results", sentence="pickles are allowed: forbid them", accepted="An old package."
)


@pytest.fixture(scope="module")
def whole(evidence: Evidence) -> Evidence:
    """All theorems proved but one that is left out, and all named tests passed."""
    verdicts = [
        Verdict(theorem=each, answer="proved", seconds=0.1, claims=1)
        if each is not ASIDE
        else Verdict(theorem=each, answer="left out", seconds=0.0, claims=0, why=NO_NETWORKS)
        for each in THEOREMS
    ]
    named = {name for control in CONTROLS for name in control.tests}
    return replace(evidence, verdicts=verdicts, tests={name: CaseCount(passed=1) for name in named})


def found(evidence: Evidence) -> dict[str, LeftOut]:
    return {f"{each.what[1]}: {each.why}": each for each in left_out(evidence, matrix(evidence))}


def summary(evidence: Evidence, folder: Path) -> Tag:
    """Return the page up to what follows the summary: the links to its sections."""
    write(evidence, folder)
    text = (folder / "index.html").read_text()
    return BeautifulSoup(text[: text.index("<nav ")], "html.parser")


def words(tag: Tag) -> str:
    return " ".join(tag.text.split())


def test_a_theorem_that_is_left_out_is_named_at_the_top_with_its_reason(
    whole: Evidence, tmp_path: Path
) -> None:
    said = words(summary(whole, tmp_path / "made"))
    assert f"{len(THEOREMS) - 1} theorems are proved and 1 left out" in said
    assert "every theorem is proved" not in said
    assert f"1 theorem: {NO_NETWORKS}. {ASIDE.name}" in said


def test_theorems_that_nobody_asked_are_no_better_than_left_out(
    evidence: Evidence, tmp_path: Path
) -> None:
    said = words(summary(evidence, tmp_path / "made"))
    assert f"1 theorem is proved and {len(THEOREMS) - 1} left out" in said
    assert f"{len(THEOREMS) - 1} theorems: not asked for this folder" in said
    assert ASIDE.name in said
    none = summary(replace(evidence, verdicts=[]), tmp_path / "none")
    assert "no theorem was proved" in words(none)


def test_tests_that_did_not_run_or_in_part_are_named(whole: Evidence, tmp_path: Path) -> None:
    gone, part, *_ = whole.tests
    tests = {**whole.tests, part: CaseCount(passed=1, skipped=2)}
    del tests[gone]
    said = words(summary(replace(whole, tests=tests), tmp_path / "made"))
    assert "1 test that a control names was not run" in said
    assert f"1 test that a control names: not run for this folder. {gone}" in said
    assert re.search(rf"1 test that a control names: pytest skipped it.* {re.escape(part)}", said)
    tests[gone] = CaseCount(passed=1)
    said = words(summary(replace(whole, tests=tests), tmp_path / "part"))
    assert "1 test that a control names was skipped, or in part" in said
    assert "every test that a control names passed" not in said


def test_controls_that_passed_in_part_are_counted_beside_those_that_passed(
    evidence: Evidence, whole: Evidence, tmp_path: Path
) -> None:
    partly = [
        row.control.name for row in matrix(evidence) if row.status is Status.PASSED and row.partly
    ]
    said = words(summary(evidence, tmp_path / "made"))
    assert f"passed ({len(partly)} in part)" in said
    name = "controls that passed: in part only, since something else that checks it was not run"
    assert list(found(evidence)[name].names) == partly
    assert name not in found(whole)
    assert "in part)" not in words(summary(whole, tmp_path / "whole"))


def test_packs_features_and_other_environments_are_named(whole: Evidence) -> None:
    asked = found(whole)
    packs = asked["rule packs: packs of dev in environments.py leaves them out"]
    assert packs.names == ("AwsSolutions", "HIPAA.Security", "NIST.800-53.R5", "PCI.DSS.321")
    others = asked["other environments: in environments.py too; each has a folder of its own"]
    assert set(others.names) == {each.name for each in ENVIRONMENTS} - {"dev"}
    lacking = replace(whole.environment, without=("query-definitions",))
    features = "features: dev goes without them, as an emulator must"
    assert features not in asked
    assert found(replace(whole, environment=lacking))[features].names == ("query-definitions",)


def test_resource_types_that_no_rule_judged_are_named(whole: Evidence) -> None:
    name = "resource types: no rule of any judge had something to say of it; theorems read "
    name += "policies, whatever holds them"
    before = found(whole)[name].names
    assert before
    assert not any(each.startswith("AWS::S3::Bucket ") for each in before)
    buckets = {each.path for each in whole.template.all_of("AWS::S3::Bucket")}
    outcomes = [each for each in whole.outcomes if each.path not in buckets]
    after = found(replace(whole, outcomes=outcomes))[name].names
    assert set(after) - set(before) >= {f"AWS::S3::Bucket ({len(buckets)})"}


def test_mutants_that_were_not_tried_or_are_old_are_said(whole: Evidence) -> None:
    why = "whether theorems would notice a mistake was not tried on this environment"
    none = f"mutation runs: {why}"
    assert found(whole)[none].names == ("make mutants ENV=dev",)
    mutants = Record(
        environment="dev",
        theorems=1,
        killed=1,
        refused=0,
        same=[],
        alive=[],
        unused=[],
        kills={},
        policies={},
        untried=7,
    )
    asked = found(replace(whole, mutants=mutants, stale=("worker",)))
    assert none not in asked
    assert any("7 mistakes are still to be tried" in each for each in asked)
    [stale] = [each for name, each in asked.items() if name.startswith("policies: changed")]
    assert stale.names == ("worker",)


def test_open_risks_stand_in_the_first_sentences_and_taken_ones_with_their_reason(
    whole: Evidence, tmp_path: Path
) -> None:
    top = summary(replace(whole, risks=[OPEN, TAKEN]), tmp_path / "risky")
    lead = top.select_one("p.lead")
    assert lead is not None
    assert "Its settings take 1 risk that nobody has accepted." in words(lead)
    listed = [words(each) for each in top.select("#risks + ul > li")]
    assert listed == [
        f"Open {OPEN.sentence}. way-out",
        f"Accepted {TAKEN.sentence}. pickled-results Why it is taken: An old package.",
    ]
    calm = summary(replace(whole, risks=[]), tmp_path / "calm")
    assert "risk" not in words(calm)


def test_machines_read_the_same(whole: Evidence, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    said = replace(whole, risks=[TAKEN])
    write(said, folder)
    listed = json.loads((folder / "left-out.json").read_text())
    assert {"what": "theorems", "why": NO_NETWORKS, "names": [ASIDE.name]} in listed
    assert len(listed) == len(left_out(said, matrix(said)))
    [risk] = json.loads((folder / "risks.json").read_text())
    assert (risk["name"], risk["accepted"]) == ("pickled-results", "An old package.")


def test_the_command_says_it_too(
    whole: Evidence,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = replace(whole, risks=[OPEN])
    monkeypatch.setattr("deploy.evidence.gather.gather", lambda *_, **__: told)
    assert command(["dev", "--into", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert f"Left out: 1 theorem: {NO_NETWORKS} ({ASIDE.name})\n" in said
    assert f"Risk, open: {OPEN.sentence}\n" in said
