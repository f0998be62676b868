"""Nothing is deployed that would stop half-way: it is told before, with the way round."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from deploy.changing.assembly import described
from deploy.lifecycle import diff, local
from deploy.lifecycle.account import Account, LifecycleError
from deploy.lifecycle.deployed import deployed, template_of
from deploy.lifecycle.up import deploy
from deploy.tools import local as tool
from environments import DEV
from stacks.stage import CORE
from starburst.local import LocalEnvironment
from tests.lifecycle.scene import account
from tests.lifecycle.test_changes import CONTROL, NETWORK, STORAGE, THREE, TWO, Template, bucket
from tests.small_aws.account import SmallAws
from tests.small_aws.belongings import NoParameters
from tests.small_aws.stacks import Stack, StackFormation
from tests.some import some

TOLD = "starburst-dev-network would no longer hand on C as it does"


def aws(templates: Mapping[str, Template]) -> SmallAws:
    stacks = {name: Stack(resources={}, template=template) for name, template in templates.items()}
    services = {"cloudformation": StackFormation(stacks), "ssm": NoParameters()}
    return SmallAws(services=cast(Any, services))


def plan(folder: Path, templates: Mapping[str, Template]) -> Path:
    """Write what synthesis would have: control stands on the network."""
    artifacts = {}
    for name, template in templates.items():
        part = name.rpartition("-")[2]
        (folder / f"{part}.json").write_text(json.dumps(template))
        artifacts[part] = {
            "type": "aws:cloudformation:stack",
            "displayName": f"dev/{part}",
            "dependencies": ["network"] if part == "control" else [],
            "properties": {"stackName": name, "templateFile": f"{part}.json"},
        }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return folder


def hands(templates: Mapping[str, Template], made: list[Sequence[str]]) -> Account:
    return account(aws(templates), cdk=made.append)


@pytest.mark.parametrize("parts", [(), ("network",), ("control",)], ids=str)
def test_what_would_stop_half_way_is_not_begun(tmp_path: Path, parts: Sequence[str]) -> None:
    """Also where a stack is named alone: what it stands on is deployed with it."""
    made: list[Sequence[str]] = []
    with pytest.raises(LifecycleError, match=TOLD) as refusal:
        deploy(hands(THREE, made), assembly=plan(tmp_path, TWO), parts=parts)
    assert "nothing was done. While no session runs, deploy what imports it" in str(refusal.value)
    assert made == []


def test_the_first_of_two_deployments_is_let_through(tmp_path: Path) -> None:
    made: list[Sequence[str]] = []
    options = ("--exclusively",)
    assembly = plan(tmp_path, TWO)
    deploy(hands(THREE, made), assembly=assembly, parts=("control",), options=options)
    deploy(hands({**THREE, CONTROL: TWO[CONTROL]}, made), assembly=assembly)
    assert [one[1] for one in made] == ["dev/control", "dev/*"]


def test_what_was_never_made_holds_nothing(tmp_path: Path) -> None:
    made: list[Sequence[str]] = []
    small = aws(THREE)
    formation = cast(StackFormation, cast(Any, small.services)["cloudformation"])
    formation.stacks[CONTROL].status = "ROLLBACK_COMPLETE"
    deploy(account(small, cdk=made.append), assembly=plan(tmp_path, TWO))
    assert len(made) == 1


def test_what_a_deployment_takes_is_read_from_a_synthesis(synthesis: Path) -> None:
    def named(*parts: str, alone: bool = False) -> set[str]:
        found = described(synthesis, DEV.name, parts=parts, alone=alone)
        assert all(template["Resources"] for template in some(found.values()))
        return {name.removeprefix("starburst-dev-") for name in found}

    assert named() == {*CORE}
    assert named("registry") == {"foundation", "registry"}
    assert named("registry", alone=True) == {"registry"}
    assert described(synthesis, "nobody") == {}


@pytest.fixture
def at_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Let the command meet an account and a plan."""

    def meet(before: Mapping[str, Template], after: Mapping[str, Template]) -> None:
        folder = plan(tmp_path, after)
        monkeypatch.setattr(diff, "judged", lambda *_: folder)
        monkeypatch.setattr(diff, "sign_in", lambda _: aws(before))

    return meet


WORDS = ["--environment", DEV.name]


def test_the_command_says_what_is_refused(at_hand: Any, capsys: pytest.CaptureFixture[str]) -> None:
    at_hand({**THREE, STORAGE: bucket(BucketName="one")}, TWO)
    assert diff.main(WORDS) == 1
    assert capsys.readouterr().out.splitlines() == [
        "starburst-dev-control changes in place 1 of its resources",
        "starburst-dev-network removes 1 of its resources",
        "starburst-dev-storage is described no more; it stays as it is, and is paid for, until "
        "somebody deletes it",
        f"refused: {TOLD}, which starburst-dev-control imports; CloudFormation stops there. While "
        "no session runs, deploy what imports it by itself: .venv/bin/python -m deploy.up "
        "--environment dev control -- --exclusively; then deploy everything",
    ]


def test_the_command_names_what_is_replaced_and_ends_well(
    at_hand: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def queue(name: str) -> dict[str, Template]:
        made = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}
        return {NETWORK: {"Resources": {"Queue": made}}}

    at_hand(queue("one"), queue("two"))
    assert diff.main(WORDS) == 0
    assert "replaces Queue (AWS::SQS::Queue), for its QueueName" in capsys.readouterr().out
    at_hand(queue("one"), queue("one"))
    assert diff.main(WORDS) == 0
    assert capsys.readouterr().out == "nothing would change\n"


def test_a_local_deployment_is_refused_by_the_same_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool, "synthesize", lambda *_, **__: plan(tmp_path, TWO))
    monkeypatch.setattr(tool.Deployment, "diff", lambda _: pytest.fail("it went on"))
    monkeypatch.setattr(local, "account_of", lambda _: hands(THREE, []))
    deployment = tool.Deployment(local=LocalEnvironment(), outdir=tmp_path)  # never started
    with pytest.raises(LifecycleError, match=TOLD):
        local.redeploy(deployment)


def test_an_unknown_environment_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert diff.main(["--environment", "nobody"]) == 1
    assert "no environment is called nobody" in capsys.readouterr().err


def test_a_template_is_read_in_every_form() -> None:
    """CloudFormation gives back what it was sent, and the CDK CLI sends YAML at times."""
    mine = hands(TWO, [])
    whole = TWO[NETWORK]
    for body in (whole, json.dumps(whole), yaml.safe_dump(whole)):
        told = replace(mine, client=lambda _, body=body: _Telling(body))
        assert template_of(told, NETWORK) == whole
    assert {one.name for one in deployed(mine)} == TWO.keys()


class _Telling:
    def __init__(self, body: object) -> None:
        self.body = body

    def get_template(self, **_: str) -> dict[str, object]:
        return {"TemplateBody": self.body}
