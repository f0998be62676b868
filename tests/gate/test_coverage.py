"""Nothing reaches CloudFormation without a judge, and no code waves a finding through."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sqs as sqs

from starburst_assurance.gate.gate import GatedStage, install_gates

TODAY = date(2026, 11, 22)


def synthesize(outdir: Path, attack: Callable[[cdk.App, cdk.Stage, cdk.Stack], object]) -> None:
    """Judge an app with one topic-less stack by the packs, after an attack on it."""
    app = cdk.App(outdir=str(outdir))
    stage = cdk.Stage(app, "judged")
    stack = cdk.Stack(stage, "stack")
    cdk.CfnWaitConditionHandle(stack, "Harmless")
    attack(app, stage, stack)
    gated = GatedStage(stage=stage, packs=("AwsSolutions",), waivers=())
    install_gates(app, stages=[gated], rules=(), today=TODAY)
    app.synth()


def test_the_cdks_own_validator_is_strict() -> None:
    flags = json.loads((Path(__file__).parents[2] / "cdk.json").read_text())["context"]
    assert flags["@aws-cdk/core:validateAgainstDefaultRules"] is True
    assert flags["@aws-cdk/core:annotationsInValidationReport"] is True


def test_what_is_judged_and_open_passes(tmp_path: Path) -> None:
    synthesize(tmp_path, lambda *_: None)


@pytest.mark.parametrize(
    "attack",
    [
        lambda app, stage, stack: sqs.Queue(cdk.Stack(app, "beside"), "Queue"),
        lambda app, stage, stack: sqs.Queue(cdk.Stack(cdk.Stage(app, "other"), "stack"), "Queue"),
        lambda app, stage, stack: sqs.Queue(cdk.Stack(cdk.Stage(stage, "in"), "stack"), "Queue"),
    ],
    ids=["beside-the-stages", "in-another-stage", "in-a-stage-within"],
)
def test_a_stack_outside_the_judged_stages_is_refused(
    tmp_path: Path, attack: Callable[..., object]
) -> None:
    with pytest.raises(RuntimeError, match="no gate judges this template"):
        synthesize(tmp_path, attack)


@pytest.mark.parametrize(
    "attack",
    [
        lambda app, stage, stack: sqs.Queue(cdk.NestedStack(stack, "Nested"), "Queue"),
        lambda app, stage, stack: stack.add_transform("AWS::Serverless-2016-10-31"),
        lambda app, stage, stack: cdk.CfnResource(
            stack, "Module", type="Acme::Queue::Open::MODULE", properties={}
        ),
        lambda app, stage, stack: cdk.CfnResource(
            stack,
            "Included",
            type="AWS::SQS::Queue",
            properties={"Fn::Transform": {"Name": "AWS::Include", "Parameters": {}}},
        ),
    ],
    ids=["nested-stack", "transform", "module", "include"],
)
def test_a_template_that_is_completed_elsewhere_is_refused(
    tmp_path: Path, attack: Callable[..., object]
) -> None:
    with pytest.raises(RuntimeError, match="nobody judges them"):
        synthesize(tmp_path, attack)


def acknowledge(construct: cdk.App | cdk.Stage | cdk.Stack, rule: str) -> None:
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=rule, reason="trust me"))


@pytest.mark.parametrize(
    "rule",
    [
        "AwsSolutions::AwsSolutions-SQS3",
        "AwsSolutions-SQS3",
        "Annotation::AwsSolutions-SQS3",
        "annotation::AwsSolutions-SQS3",
        "PCI.DSS.321-S3BucketReplicationEnabled",
        "starburst::starburst-weak-tls",
        "ControlTower::CT.SQS.PR.1",
        "starburst-coverage::starburst-acknowledgment-without-waiver",
    ],
)
@pytest.mark.parametrize("at", [0, 1, 2], ids=["app", "stage", "stack"])
def test_an_acknowledgment_in_code_is_refused_wherever_it_is(
    tmp_path: Path, rule: str, at: int
) -> None:
    def attack(*constructs: cdk.App | cdk.Stage | cdk.Stack) -> None:
        acknowledge(constructs[at], rule)
        acknowledge(constructs[at], "starburst-coverage::starburst-acknowledgment-without-waiver")

    with pytest.raises(RuntimeError, match="no owner, no last day"):
        synthesize(tmp_path, attack)


def test_a_warning_of_an_aspect_may_be_acknowledged(tmp_path: Path) -> None:
    synthesize(tmp_path, lambda app, stage, stack: acknowledge(stack, "starburst:no-worker-image"))
