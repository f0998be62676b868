"""The gate fails on a finding without a waiver and on a waiver without a finding."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import get_args

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sqs as sqs
from aws_cdk.cx_api import CloudAssembly

from stacks.settings import Pack
from starburst_constructs.compliance.gate import (
    PACKS,
    UNUSED,
    GatedStage,
    install_gates,
    plain,
)
from starburst_constructs.compliance.waivers import Waiver, WaiverError

TODAY = date(2026, 11, 22)
RULES = ("AwsSolutions-SQS3", "AwsSolutions-SQS4")


def waiver(rule: str, *, resource: str = "stack/Queue", expires: date = TODAY) -> Waiver:
    return Waiver(
        rule=rule,
        resource=resource,
        reason="A queue that this test breaks on purpose.",
        owner="tests",
        expires=expires,
    )


def synthesize(
    outdir: Path, *waivers: Waiver, packs: tuple[str, ...] = ("AwsSolutions",)
) -> CloudAssembly:
    """Judge a queue without TLS policy and dead-letter queue: two findings."""
    app = cdk.App(outdir=str(outdir))
    stages = [cdk.Stage(app, name) for name in ("judged", "other")]
    for stage in stages:
        sqs.Queue(cdk.Stack(stage, "stack"), "Queue")
    gated = GatedStage(stage=stages[0], packs=packs, waivers=waivers)
    install_gates(app, stages=[gated] if packs else [], today=TODAY)
    return app.synth()


def test_a_finding_without_a_waiver_fails_the_synthesis(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as caught:
        synthesize(tmp_path)
    text = str(caught.value)
    assert "judged/stack/Queue/Resource" in text
    assert all(rule in text for rule in RULES)


def test_a_stage_without_packs_is_not_judged(tmp_path: Path) -> None:
    synthesize(tmp_path, packs=())
    with pytest.raises(RuntimeError) as caught:
        synthesize(tmp_path / "again")
    assert "other/stack/Queue" not in str(caught.value)


def test_every_finding_needs_its_own_waiver(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as caught:
        synthesize(tmp_path, waiver(RULES[0]))
    text = str(caught.value)
    assert RULES[0] not in text
    assert RULES[1] in text


def test_waived_findings_pass_and_are_on_record_with_their_reason(tmp_path: Path) -> None:
    assembly = synthesize(tmp_path, *(waiver(rule) for rule in RULES))
    report = json.loads((Path(assembly.directory) / "validation-report.json").read_text())
    [judged] = report["pluginReports"]
    assert judged["violations"] == []
    assert {each["ruleName"] for each in judged["suppressedViolations"]} == set(RULES)
    assert "breaks on purpose" in json.dumps(judged["suppressedViolations"])


@pytest.mark.parametrize(
    "useless",
    [
        waiver("AwsSolutions-S1"),
        waiver("AwsSolutions-SQS3", resource="stack/NoQueue"),
        waiver("AwsSolutions-SQS3[Resource::*]"),
    ],
)
def test_a_waiver_that_no_finding_needs_fails_the_synthesis(
    tmp_path: Path, useless: Waiver
) -> None:
    with pytest.raises(RuntimeError, match="no finding needs it") as caught:
        synthesize(tmp_path, *(waiver(rule) for rule in RULES), useless)
    assert UNUSED in str(caught.value)


def test_an_expired_waiver_fails_before_synthesis(tmp_path: Path) -> None:
    with pytest.raises(WaiverError, match="expired"):
        synthesize(tmp_path, waiver(RULES[0], expires=date(2026, 11, 21)))


def test_a_waiver_of_a_pack_that_does_not_judge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WaiverError, match="no pack of judged has that rule"):
        synthesize(tmp_path, waiver("PCI.DSS.321-S3BucketReplicationEnabled"))


def test_settings_and_gate_know_the_same_packs() -> None:
    assert set(PACKS) == set(get_args(Pack))


def test_a_generated_export_is_printed_by_its_construct() -> None:
    rule = "X-IAM5[Resource::a-b:ExportsOutputFnGetAttData666C94C7Arn0D7E21B7/x/*]"
    assert plain(rule) == "X-IAM5[Resource::<Data.Arn>/x/*]"
    assert plain("X-IAM5[Resource::*]") == "X-IAM5[Resource::*]"
