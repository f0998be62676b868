"""The gate fails on a finding without a waiver and on a waiver without a finding."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import get_args

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from aws_cdk.cx_api import CloudAssembly

from stacks.settings import Pack
from starburst_assurance.gate.gate import PACKS, UNUSED, GatedStage, install_gates
from starburst_assurance.gate.table import open_findings, table
from starburst_assurance.packs.packs import plain
from starburst_assurance.rules import RULES, Rule
from starburst_assurance.waivers import Waiver, WaiverError
from starburst_constructs.policies.wildcards import Wildcard, declare_wildcards

MOST_COLUMNS = 150
TODAY = date(2026, 11, 22)
FINDINGS = ("AwsSolutions-SQS3", "AwsSolutions-SQS4")


def waiver(*rules: str, resource: str = "stack/Queue", expires: date = TODAY) -> Waiver:
    return Waiver(
        rules=rules,
        resources=(resource,),
        reason="A queue that this test breaks on purpose.",
        owner="tests",
        expires=expires,
    )


def synthesize(
    outdir: Path,
    *waivers: Waiver,
    packs: tuple[str, ...] = ("AwsSolutions",),
    rules: Sequence[Rule] = (),
) -> CloudAssembly:
    """Judge a queue without TLS policy and dead-letter queue: two findings of AwsSolutions."""
    app = cdk.App(outdir=str(outdir))
    stage = cdk.Stage(app, "judged")
    sqs.Queue(cdk.Stack(stage, "stack"), "Queue")
    gated = GatedStage(stage=stage, packs=packs, waivers=waivers)
    install_gates(app, stages=[gated], rules=rules, today=TODAY)
    return app.synth()


def test_a_finding_without_a_waiver_fails_the_synthesis(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as caught:
        synthesize(tmp_path)
    text = str(caught.value)
    assert "judged/stack/Queue/Resource" in text
    assert all(rule in text for rule in FINDINGS)


def test_our_rules_judge_a_stage_without_packs(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as caught:
        synthesize(tmp_path, packs=(), rules=RULES)
    text = str(caught.value)
    assert "judged/stack/Queue/Resource" in text
    assert "starburst-open-perimeter" in text
    assert "Suggested fix: Deny every action" in text


def test_a_waiver_of_our_own_rule_holds_for_that_rule_only(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as caught:
        synthesize(tmp_path, waiver("starburst-weak-tls"), packs=(), rules=RULES)
    assert "starburst-weak-tls" not in str(caught.value)
    assert "starburst-open-perimeter" in str(caught.value)


def test_control_tower_judges_and_its_findings_are_waived_likewise(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as caught:
        synthesize(tmp_path / "refused", packs=("ControlTower",))
    assert "ControlTower::CT.SQS.PR.1" in str(caught.value)
    synthesize(tmp_path / "passed", waiver("CT.SQS.PR.1", "CT.SQS.PR.2"), packs=("ControlTower",))


def test_the_report_becomes_one_table_with_the_way_to_fix_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        synthesize(tmp_path, rules=RULES)
    found = open_findings(tmp_path)
    assert {each.resource for each in found} == {"judged/stack/Queue/Resource"}
    text = table(found)
    for heading in ("Control", "Resource", "What is wrong", "How to fix it"):
        assert heading in text.splitlines()[0]
    assert "starburst-weak-tls (FSBP" in text
    assert all(len(line) <= MOST_COLUMNS for line in text.splitlines())


def test_a_declared_wildcard_is_handed_over_and_an_undeclared_one_is_not(tmp_path: Path) -> None:
    def build(outdir: Path, *declared: Wildcard) -> CloudAssembly:
        app = cdk.App(outdir=str(outdir))
        stage = cdk.Stage(app, "judged")
        policy = iam.ManagedPolicy(
            cdk.Stack(stage, "stack"),
            "Policy",
            statements=[iam.PolicyStatement(actions=["sqs:ListQueues"], resources=["*"])],
        )
        declare_wildcards(policy, declared)
        gated = GatedStage(stage=stage, packs=("AwsSolutions",), waivers=())
        install_gates(app, stages=[gated], rules=(), today=TODAY)
        return app.synth()

    declared = Wildcard(
        resource="*",
        reason="The action has no resource to name.",
        actions=("sqs:ListQueues",),
    )
    assembly = build(tmp_path / "declared", declared)
    report = (Path(assembly.directory) / "validation-report.json").read_text()
    assert "Judged by rule starburst-undeclared-wildcard" in report
    with pytest.raises(RuntimeError) as caught:
        build(tmp_path / "undeclared")
    assert "starburst-undeclared-wildcard" in str(caught.value)
    with pytest.raises(RuntimeError) as caught:
        build(tmp_path / "other", replace(declared, actions=("sqs:ListQueues", "sqs:GetQueueUrl")))
    assert "does not allow sqs:GetQueueUrl" in str(caught.value)


def test_every_finding_needs_its_own_waiver(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as caught:
        synthesize(tmp_path, waiver(FINDINGS[0]))
    text = str(caught.value)
    assert FINDINGS[0] not in text
    assert FINDINGS[1] in text


def test_waived_findings_pass_and_are_on_record_with_their_reason(tmp_path: Path) -> None:
    assembly = synthesize(tmp_path, *(waiver(rule) for rule in FINDINGS))
    report = json.loads((Path(assembly.directory) / "validation-report.json").read_text())
    judged = next(each for each in report["pluginReports"] if each["pluginName"] == "AwsSolutions")
    assert judged["violations"] == []
    assert {each["ruleName"] for each in judged["suppressedViolations"]} == set(FINDINGS)
    assert "breaks on purpose" in json.dumps(judged["suppressedViolations"])


@pytest.mark.parametrize(
    "useless",
    [
        waiver("AwsSolutions-S1"),
        waiver("AwsSolutions-SQS3", resource="stack/NoQueue"),
        waiver("AwsSolutions-SQS3[Resource::*]"),
        waiver("AwsSolutions-SQS2", "AwsSolutions-S1"),
        waiver("starburst-weak-tls"),
    ],
)
def test_a_waiver_that_no_finding_needs_fails_the_synthesis(
    tmp_path: Path, useless: Waiver
) -> None:
    with pytest.raises(
        RuntimeError, match=f"no finding needs {re.escape(useless.rules[-1])}"
    ) as caught:
        synthesize(tmp_path, *(waiver(rule) for rule in FINDINGS), useless)
    assert UNUSED in str(caught.value)


def test_an_expired_waiver_fails_before_synthesis(tmp_path: Path) -> None:
    with pytest.raises(WaiverError, match="expired"):
        synthesize(tmp_path, waiver(FINDINGS[0], expires=date(2026, 11, 21)))


def test_a_waiver_of_a_pack_that_does_not_judge_is_refused(tmp_path: Path) -> None:
    foreign = "PCI.DSS.321-S3BucketReplicationEnabled"
    for rules in ([foreign], [FINDINGS[0], foreign]):
        with pytest.raises(WaiverError, match=f"{foreign} at .* no pack of judged has that rule"):
            synthesize(tmp_path, *(waiver(one) for one in FINDINGS), waiver(*rules, resource="a/b"))


@pytest.mark.parametrize("which", [0, 1])
def test_each_of_several_stages_is_judged(tmp_path: Path, which: int) -> None:
    app = cdk.App(outdir=str(tmp_path))
    gated = []
    for number in range(2):
        stage = cdk.Stage(app, f"stage{number}")
        stack = cdk.Stack(stage, "stack")
        if number == which:
            sqs.Queue(stack, "Queue")
        gated.append(GatedStage(stage=stage, packs=("AwsSolutions",), waivers=()))
    install_gates(app, stages=gated, rules=(), today=TODAY)
    with pytest.raises(RuntimeError) as caught:
        app.synth()
    assert f"stage{which}/stack/Queue/Resource" in str(caught.value)
    assert {each.rule for each in open_findings(tmp_path)} == set(FINDINGS)


def test_settings_and_gate_know_the_same_packs() -> None:
    assert set(PACKS) == set(get_args(Pack))


def test_a_generated_export_is_printed_by_its_construct() -> None:
    rule = "X-IAM5[Resource::a-b:ExportsOutputFnGetAttData666C94C7Arn0D7E21B7/x/*]"
    assert plain(rule) == "X-IAM5[Resource::<Data.Arn>/x/*]"
    assert plain("X-IAM5[Resource::*]") == "X-IAM5[Resource::*]"
