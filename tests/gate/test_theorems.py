"""What is not proved is not synthesized, but in an emergency, which is told, recorded and heard."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import aws_iam as iam

import app
import environments
from environments import LOCAL
from stacks import access
from starburst_assurance.gate import theorems as gate
from starburst_assurance.gate.emergency import (
    LEAST_REASON,
    VARIABLE,
    Emergency,
    EmergencyError,
    overridden,
)
from starburst_assurance.gate.table import OpenFinding, open_findings
from starburst_assurance.proofs.theorems import ALL
from starburst_constructs.monitoring.noticed.evidence_changes import EVIDENCE_CALLS
from starburst_constructs.naming import emergency_path
from starburst_constructs.policies.wildcards import Allow, patterns
from tests.some import some

SMALL = replace(LOCAL, workspaces=LOCAL.workspaces[:1])
DUTY = "every_role_keeps_to_its_duty"
ASKED = tuple(one for one in ALL if one.name == DUTY)
"""Enough to refuse; test_synthesis.py holds that all of them are asked."""

DECLARED = "ana@example.com: nobody can share a result, and INC-4711 waits for it"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the app."""

    code: int
    said: str
    folder: Path

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        """Return what each stack would keep in Parameter Store, by the parameter's name."""
        return {
            each["Properties"]["Name"]: each
            for file in sorted((self.folder / f"assembly-{SMALL.name}").glob("*.template.json"))
            for each in json.loads(file.read_text())["Resources"].values()
            if each["Type"] == "AWS::SSM::Parameter"
            and each["Properties"]["Name"].startswith(emergency_path(SMALL.name))
        }


Runs = Callable[..., Run]


@pytest.fixture
def runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Runs:
    """Runs the app over one small environment, as ``python app.py`` does."""
    shutil.copy(app.HERE / "cdk.json", tmp_path)
    monkeypatch.setattr(app, "HERE", tmp_path)
    monkeypatch.setattr(environments, "ALL", (SMALL,))
    monkeypatch.setattr(gate, "ALL", ASKED)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("CDK_VALIDATION", "false")  # as it was, once the app has taken it away

    def run(declared: str = "") -> Run:
        monkeypatch.setenv(VARIABLE, declared)
        code = app.main()
        streams = capsys.readouterr()
        return Run(code=code, said=streams.err + streams.out, folder=tmp_path / app.OUTPUT)

    return run


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Analysts may share their objects with anybody, which is declared as it should be."""
    honest = access.analyst_statements

    def statements(*names: str, bucket_arn: str, **others: Any) -> Sequence[iam.PolicyStatement]:
        shared = Allow(
            sid="ShareWithAnybody",
            actions=["s3:PutObjectAcl"],
            resources=patterns("Analysts share what they like.", f"{bucket_arn}/sessions/*"),
        )
        return [*honest(*names, bucket_arn=bucket_arn, **others), shared]

    monkeypatch.setattr(access, "analyst_statements", statements)


def test_what_is_proved_is_told_and_not_asked_again(runs: Runs) -> None:
    assert "proved now: local (1 theorems) in " in runs().said
    again = runs()
    assert again.code == 0
    assert "proved before: local (1 theorems), key " in again.said
    needless = runs(DECLARED)
    assert needless.code == 1
    assert "every theorem is proved, so nothing needs an emergency" in needless.said
    assert not (needless.folder / "manifest.json").exists()


@pytest.mark.usefixtures("wide")
def test_a_wide_policy_is_refused_with_the_sentence_and_a_request(runs: Runs) -> None:
    run = runs()
    assert run.code == 1
    assert not (run.folder / "manifest.json").exists(), "a refused synthesis can be deployed"
    [found] = open_findings(run.folder)
    assert (found.rule, found.resource) == (f"theorem-{DUTY}", "local")
    assert found.wrong.startswith(f"{ASKED[0].sentence} It is refuted: ")
    assert "action     s3:PutObjectAcl\n" in found.request
    assert "allowed by access/AnalystdemoAnalysis: ShareWithAnybody\n" in found.request
    assert found.fix.startswith("Take away what allows it.")
    assert found.request.splitlines()[0] in run.said
    assert "Take away what allows it. Where the\n" in run.said, "of the table"


@pytest.mark.usefixtures("wide")
def test_an_emergency_passes_is_told_and_leaves_a_record_in_every_stack(runs: Runs) -> None:
    run = runs(DECLARED)
    assert run.code == 0
    assert (run.folder / "manifest.json").exists()
    assert "EMERGENCY: local is synthesized although it is not proved." in run.said
    assert "because nobody can share a result" in run.said
    assert "action     s3:PutObjectAcl\n" in run.said
    assert f"without theorem-{DUTY}: {ASKED[0].sentence}" in run.said
    stacks = [*(run.folder / f"assembly-{SMALL.name}").glob("*.template.json")]
    assert len(run.records) == len(stacks) > 9
    for record in some(run.records.values()):
        assert (record["DeletionPolicy"], record["UpdateReplacePolicy"]) == ("Retain", "Retain")
        said = json.loads(record["Properties"]["Value"])
        assert said["who"] == "ana@example.com"
        assert said["why"] == "nobody can share a result, and INC-4711 waits for it"
        assert said["unproved"] == [f"theorem-{DUTY}"]
        assert said["when"].startswith(f"{datetime.now(UTC):%Y-%m-}")
    report = json.loads((run.folder / "validation-report.json").read_text())
    [proofs] = [each for each in report["pluginReports"] if each["pluginName"] == gate.NAME]
    assert [each["severity"] for each in proofs["violations"]] == ["warning"]


def test_what_makes_a_record_is_what_the_trail_is_watched_for() -> None:
    """World and traces of tests/monitoring/noticed ring the alarm by these calls and this name."""
    traces = Path(__file__).parents[1] / "monitoring/noticed/traces/record.json"
    rung = {
        (event["eventName"], json.dumps(event["requestParameters"]).partition("emergency/")[0])
        for each in json.loads(traces.read_text())
        for event in each["events"]
        if event["eventSource"] == "ssm.amazonaws.com"
    }
    assert {call for call, _ in rung} == {*EVIDENCE_CALLS["ssm"]}
    prefix = emergency_path("<environment>").removesuffix("emergency/")
    assert all(name.endswith(prefix) for _, name in rung)


@pytest.mark.parametrize(
    "text",
    [
        "because",
        "ana@example.com",
        "ana@example.com: now",
        f"ana@example.com: {'x' * (LEAST_REASON - 1)}",
        f": {'x' * LEAST_REASON}",
        f"somebody else: {'x' * LEAST_REASON}",
        f"ana@example.com: {'x' * 501}",
    ],
)
def test_an_emergency_says_who_and_why(text: str) -> None:
    with pytest.raises(EmergencyError, match="it says who overrides and why"):
        Emergency.declared({VARIABLE: text})


def test_no_emergency_is_declared_by_silence() -> None:
    assert Emergency.declared({}) is None
    assert Emergency.declared({VARIABLE: "  "}) is None


def of(rule: str, environment: str = "prod") -> OpenFinding:
    return OpenFinding(resource=environment, rule=rule, wrong="wrong", fix="")


def test_an_emergency_covers_theorems_alone() -> None:
    emergency = Emergency.declared({VARIABLE: DECLARED})
    assert emergency is not None
    found = [of("theorem-a"), of("theorem-not-asked", "dev"), of("theorem-b")]
    passed = {each.environment: each.rules for each in overridden(emergency, found)}
    assert passed == {"dev": ("theorem-not-asked",), "prod": ("theorem-a", "theorem-b")}
    with pytest.raises(EmergencyError, match="covers theorems alone, and starburst-weak-tls is"):
        overridden(emergency, [*found, of("starburst-weak-tls")])


@pytest.mark.usefixtures("wide")
def test_a_theorem_that_an_emergency_was_not_shown_refuses(runs: Runs) -> None:
    del runs  # for what it prepares
    emergency = Emergency.declared({VARIABLE: DECLARED})
    assert emergency is not None
    shown = overridden(emergency, [of("theorem-another", SMALL.name)])
    built = app.build((SMALL,), overridden=shown)
    with pytest.raises(RuntimeError, match=f"theorem-{DUTY}"):
        built.synth()
