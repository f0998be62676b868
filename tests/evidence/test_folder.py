"""The folder holds everything, says what failed, and is the same for the same findings."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import cdk_nag
import pytest
from aws_cdk import aws_sqs as sqs
from bs4 import BeautifulSoup

from deploy.evidence.__main__ import main as command
from deploy.evidence.duties import anchor
from deploy.evidence.facts import REPRODUCIBLE, SUMS, now
from deploy.evidence.folder import write
from deploy.evidence.gather import Evidence
from deploy.evidence.matrix import Row, Status, matrix
from deploy.evidence.testing import CaseCount, RunError, finish_tests, start_tests
from starburst_assurance.controls import CONTROLS, Area, Control
from starburst_assurance.gate.outcomes import nag_outcomes
from starburst_assurance.gate.table import OpenFinding
from starburst_assurance.judge import GatedStage
from starburst_assurance.packs.packs import NagPack, plain
from starburst_assurance.proofs.mutation.record import Record
from starburst_assurance.rules import Verdict


def rows(evidence: Evidence) -> dict[str, Row]:
    return {row.control.name: row for row in matrix(evidence)}


def read(file: Path) -> Any:
    return json.loads(file.read_text())


def page(folder: Path) -> BeautifulSoup:
    return BeautifulSoup((folder / "index.html").read_text(), "html.parser")


def test_every_file_is_hashed_and_nothing_else_is_there(folder: Path) -> None:
    lines = (folder / SUMS).read_text().splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    found = {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file() and file.name != SUMS
    }
    assert listed == found


def test_the_same_findings_write_the_same_bytes(
    evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REPRODUCIBLE, "1795305600")
    assert now().isoformat() == "2026-11-22T00:00:00+00:00"
    stated = replace(evidence, time=now())
    slower = [replace(each, seconds=each.seconds + 1) for each in stated.verdicts]
    write(stated, tmp_path / "one")
    write(replace(stated, verdicts=slower), tmp_path / "two")
    assert (tmp_path / "one" / SUMS).read_text() == (tmp_path / "two" / SUMS).read_text()


def test_nothing_names_a_folder_of_this_machine(folder: Path) -> None:
    home, files = str(Path(__file__).parents[2]), [*folder.rglob("*.*")]
    assert len(files) > 10
    for file in files:
        text = file.read_text()
        assert home not in text, file.name
        assert "/tmp/" not in text or file.suffixes[:1] == [".template"], file.name  # noqa: S108


def test_the_judges_reports_hold_what_complies_too(folder: Path) -> None:
    for name in ("own-rules", "control-tower"):
        results = Counter(each["result"] for each in read(folder / "reports" / f"{name}.json"))
        assert results["compliant"], name
    assert read(folder / "reports" / "cfn-guard.json")[0]["compliant"]
    assert read(folder / "reports" / "cfn-lint.json") == []
    [theorem] = read(folder / "reports" / "theorems.json")
    assert theorem["answer"] == "proved"
    assert theorem["premises"] == "satisfiable"


def test_bills_of_materials_name_what_is_locked(folder: Path) -> None:
    runtime = read(folder / "sbom" / "runtime.cdx.json")
    kit = read(folder / "sbom" / "kit.cdx.json")
    assert runtime["bomFormat"] == kit["bomFormat"] == "CycloneDX"
    names = {each["name"] for each in runtime["components"]}
    assert {"boto3", "cryptography", "numpy"} <= names
    assert not names & {"aws-cdk-lib", "cdk-nag", "pytest"}
    assert "aws-cdk-lib" in {each["name"] for each in kit["components"]}
    assert "pytest" not in {each["name"] for each in kit["components"]}


def test_waivers_say_how_long_they_still_hold(folder: Path, evidence: Evidence) -> None:
    found = read(folder / "waivers.json")
    assert len(found) == len(evidence.waivers)
    for each in found:
        assert each["days_left"] > 0
        assert each["owner"]
        assert each["reason"]


def test_a_control_is_what_the_worst_of_its_checks_is(evidence: Evidence) -> None:
    found = rows(evidence)
    assert found["bucket-events"].status is Status.WAIVED
    assert found["bucket-events"].until == min(each.expires for each in evidence.waivers)
    assert found["owner-enforced"].status is Status.PASSED
    assert {each.kind for each in found["owner-enforced"].places} == {"AWS::S3::Bucket"}
    assert found["training"].status is Status.YOURS
    assert found["replicas"].status is Status.NOT_APPLICABLE, "no pack of it judged"
    assert found["bucket-events"].partly is False
    assert found["access-logs"].partly, "the other buckets log their accesses"
    assert found["cost-estimate"].status is Status.NOT_RUN
    assert found["budgets"].status is Status.PASSED
    assert found["budgets"].partly, "the tag is activated by hand"
    half = found["tls-only"]
    assert (half.status, half.partly) == (Status.PASSED, True), "a theorem of it was not proved"
    assert all(row.status is not Status.FAILED for row in found.values())


def test_taking_a_waiver_away_fails_the_control(evidence: Evidence) -> None:
    found = rows(replace(evidence, waivers=()))
    assert found["bucket-events"].status is Status.FAILED
    assert "storage/AccessLogs/Resource" in found["bucket-events"].checks[0].detail


def test_a_refuted_theorem_and_a_failed_test_fail_their_controls(evidence: Evidence) -> None:
    refuted = [replace(each, answer="refuted") for each in evidence.verdicts]
    assert rows(replace(evidence, verdicts=refuted))["tls-only"].status is Status.FAILED
    failed = {name: CaseCount(passed=1, failed=1) for name in evidence.tests}
    assert rows(replace(evidence, tests=failed))["budgets"].status is Status.FAILED
    skipped = {name: CaseCount(skipped=1) for name in evidence.tests}
    assert rows(replace(evidence, tests=skipped))["budgets"].status is Status.NOT_RUN


def test_the_page_begins_with_what_failed(evidence: Evidence, tmp_path: Path) -> None:
    wrong = "<script>alert(1)</script>"
    finding = OpenFinding(resource="dev/storage", rule="some-rule", wrong=wrong, fix="fix it")
    write(replace(evidence, refused=[finding]), tmp_path / "failed")
    failed = page(tmp_path / "failed")
    lead = failed.select_one("p.lead.failed")
    assert lead is not None
    assert "must not be deployed" in lead.text
    assert {"some-rule", "fix it"} <= {cell.text for cell in failed.select("td, th .id")}
    assert len(failed.find_all("script")) == 1, "what judges say is text, never markup"


def test_the_command_fails_where_something_failed(
    evidence: Evidence,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def gathered(found: Evidence) -> int:
        monkeypatch.setattr("deploy.evidence.gather.gather", lambda *_, **__: found)
        return command(["dev", "--into", str(tmp_path)])

    assert gathered(evidence) == 0
    [made] = tmp_path.iterdir()
    assert made.name == f"dev-{evidence.templates_sha256[:12]}"
    assert "waived" in capsys.readouterr().out
    refuted = [replace(each, answer="refuted") for each in evidence.verdicts]
    assert gathered(replace(evidence, verdicts=refuted)) == 1
    assert "begins with it" in capsys.readouterr().out


def test_the_page_has_every_control_theorem_and_waiver(folder: Path, evidence: Evidence) -> None:
    found = page(folder)
    assert [row["id"] for row in found.select("#matrix tr.control")] == [
        control.name for control in CONTROLS
    ]
    text = " ".join(found.text.split())
    assert CONTROLS
    assert evidence.verdicts
    assert evidence.waivers
    for control in CONTROLS:
        assert control.title in text
    for verdict in evidence.verdicts:
        assert verdict.theorem.sentence in text
    for waiver in evidence.waivers:
        assert waiver.reason in text
    assert "evidence, not certification" in text
    assert "Queues that the controller makes" in text
    assert len(found.select("#checklist + table tbody tr")) == 18


def test_the_page_lists_every_resource_type(folder: Path, evidence: Evidence) -> None:
    text, kinds = page(folder).text, {each.kind for each in evidence.template.all_of()}
    assert "AWS::S3::Bucket" in kinds
    assert all(kind in text for kind in kinds)


def test_the_page_holds_in_full_what_is_yours_to_do(folder: Path) -> None:
    found = page(folder)
    named = {anchor(name) for control in CONTROLS for name in control.yours}
    assert {str(each["id"]) for each in found.select(".duty h3")} == named
    for duty in found.select(".duty"):
        assert len(duty.text) > 100, "more than its title"
        assert not re.search(r"``|\]\(|^- ", duty.text, re.MULTILINE), "no Markdown is left"
    assert {str(each["href"])[1:] for each in found.select("a.yours")} == named


def test_the_page_says_at_once_that_nothing_was_tested_or_can_run(
    evidence: Evidence, tmp_path: Path
) -> None:
    write(replace(evidence, tests={}), tmp_path / "untested")
    lead = page(tmp_path / "untested").select_one("p.lead")
    assert lead is not None
    assert "tests were not run" in lead.text
    write(evidence, tmp_path / "partly")
    lead = page(tmp_path / "partly").select_one("p.lead")
    assert lead is not None
    named = {name for control in CONTROLS for name in control.tests}
    assert f"{len(named) - 1} tests that controls name were not run" in lead.text
    assert "No worker image is set yet" in lead.text


def test_the_page_can_be_read_without_seeing_it(folder: Path) -> None:
    found = page(folder)
    assert found.html is not None
    assert found.html["lang"] == "en"
    assert len(found.find_all("h1")) == 1
    tables, controls = found.find_all("table"), found.select("input, select")
    assert tables
    assert controls
    for table in tables:
        heads = table.find_all("th")
        assert heads
        assert all(head.get("scope") for head in heads)
    for control in controls:
        assert found.select_one(f"label[for={control['id']}]") is not None
    ids = [each["id"] for each in found.select("[id]")]
    assert len(ids) == len(set(ids))
    links = found.select("a[href^='#']")
    assert links
    for link in links:
        assert str(link["href"]).removeprefix("#") in ids


def test_the_page_asks_nothing_of_a_network(folder: Path) -> None:
    found = page(folder)
    asked = [str(each.get("src") or each.get("href")) for each in found.select("[src], link")]
    assert asked == ["data:,"]
    assert not re.search(
        r"url\(|@import|fetch\(|XMLHttpRequest", (folder / "index.html").read_text()
    )
    targets = {str(link["href"]).partition("#")[0] for link in found.select("a[href]")} - {""}
    assert targets
    for target in targets:
        assert (folder / target).exists()


def test_the_page_says_how_many_mistakes_theorems_would_notice(
    evidence: Evidence, tmp_path: Path
) -> None:
    mutants = Record(
        environment="dev",
        theorems=1,
        killed=90,
        refused=7,
        same=[{"policy": "p", "what": "w"}],
        alive=[{"policy": "p", "what": "v", "reason": "because"}],
        unused=[],
        kills={},
        policies={},
    )
    write(replace(evidence, mutants=mutants, stale=("a", "b")), tmp_path / "with-mutants")
    text = " ".join(page(tmp_path / "with-mutants").text.split())
    assert "99 small mistakes were tried" in text
    assert "2 policies have changed since" in text


def test_days_left_are_counted_from_the_stated_day(evidence: Evidence, tmp_path: Path) -> None:
    last = min(each.expires for each in evidence.waivers)
    stated = evidence.time + (last - evidence.time.date()) - timedelta(days=3)
    write(replace(evidence, time=stated), tmp_path / "late")
    assert "the first ends in 3 days" in " ".join(page(tmp_path / "late").text.split())


def test_a_pack_asked_rule_by_rule_finds_what_it_finds_by_itself(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path))
    stage = cdk.Stage(app, "judged")
    stack = cdk.Stack(stage, "stack")
    sqs.Queue(stack, "Open")
    sqs.Queue(stack, "Safe", enforce_ssl=True)
    gated = GatedStage(stage=stage, packs=("AwsSolutions",), waivers=())
    outcomes = list(nag_outcomes(cdk_nag.AwsSolutionsChecks, gated))
    asked = {(each.finding, each.path) for each in outcomes if each.finding}
    found = NagPack(cdk_nag.AwsSolutionsChecks).findings(gated, [])
    assert asked == {(plain(each.rule), each.path) for each in found}
    holds = {(each.rule, each.path) for each in outcomes if each.verdict is Verdict.COMPLIANT}
    assert ("AwsSolutions-SQS4", "stack/Safe/Resource") in holds


def test_tests_that_controls_name_are_run_and_counted(tmp_path: Path) -> None:
    name = "tests/protocol/test_signing.py::test_any_cut_is_refused"
    control = Control(name="cut", title="Cuts are refused", area=Area.DATA, tests=(name,))
    counted = finish_tests(start_tests([control], tmp_path))
    assert counted[name].holds


def test_what_stops_the_tests_is_said_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> Evidence:
        raise RunError("pytest stopped:\nnot found: tests/gone.py")

    monkeypatch.setattr("deploy.evidence.gather.gather", stopped)
    assert command(["dev", "--into", str(tmp_path)]) == 1
    assert "No evidence was written. pytest stopped" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


def test_a_test_that_is_gone_stops_the_evidence(tmp_path: Path) -> None:
    gone = "tests/protocol/test_signing.py::test_that_is_gone"
    control = Control(name="gone", title="It is gone", area=Area.DATA, tests=(gone,))
    with pytest.raises(RunError, match="test_that_is_gone"):
        finish_tests(start_tests([control], tmp_path))
