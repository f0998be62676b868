"""The runtime document says what the client reads, and one that would not fit is refused."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

import app
from environments import ALL, DEV
from stacks.settings import Environment
from starburst.contract import Limits, Rates, RuntimeDocument, Totals, WorkspaceDocument
from starburst.errors import ConfigurationError
from starburst_constructs.runtime_parameter import ADVANCED_BYTES, RuntimeParameter


def text(value: Any) -> str:
    """Render a template value, with each reference as a word of its own."""
    if isinstance(value, str):
        return value
    (function, argument), *_ = value.items()
    if function == "Fn::Join":
        return str(argument[0]).join(text(part) for part in argument[1])
    return f"<{function}>"


def document(workspaces: int) -> RuntimeDocument:
    arn = "arn:aws:iam::222233334444:role/starburst-prod-analyst-genomics"
    return RuntimeDocument(
        environment="prod",
        account="222233334444",
        region="eu-west-1",
        bucket="data",
        key_arn="arn:aws:kms:eu-west-1:222233334444:key/0",
        controller="arn:aws:lambda:eu-west-1:222233334444:function:starburst-prod-controller",
        python="3.11",
        architecture="X86_64",
        workspaces={
            f"study{number:03}": WorkspaceDocument(
                analyst_role_arn=arn,
                task_definition=f"starburst-prod-study{number:03}",
                limits=Limits(),
                worker_role_arn=arn,
            )
            for number in range(workspaces)
        },
    )


@pytest.mark.parametrize("environment", ALL, ids=lambda one: one.name)
def test_a_client_can_read_what_is_published(
    templates: Mapping[str, Any], environment: Environment
) -> None:
    template = templates[f"{environment.name}/publishing"]
    parameters = {
        one["Properties"]["Name"]: one["Properties"]
        for one in template["Resources"].values()
        if one["Type"] == "AWS::SSM::Parameter"
    }
    parameter = parameters[f"/starburst/{environment.name}/runtime"]
    assert parameter["Tier"] == "Standard"
    read = RuntimeDocument.from_json(text(parameter["Value"]))
    assert read.account == environment.account
    assert set(read.workspaces) == {workspace.name for workspace in environment.workspaces}
    totals = environment.effective_totals
    assert (read.totals, read.user_totals) == (totals.environment, totals.user)
    assert {name: one.totals for name, one in read.workspaces.items()} == totals.workspaces
    for workspace in environment.workspaces:
        entry = read.workspaces[workspace.name]
        assert entry.limits == workspace.limits
        assert entry.scratch_gb == workspace.scratch_gb
        account = f"arn:aws:iam::{environment.account}:role/starburst-{environment.name}"
        assert entry.analyst_role_arn == f"{account}-analyst-{workspace.name}"
        assert entry.worker_role_arn == f"{account}-worker-{workspace.name}"
        # The family alone: a revision is replaced with every image, and an export cannot follow.
        assert entry.task_definition == f"starburst-{environment.name}-{workspace.name}"


def test_totals_are_short_and_read_however_they_are_written() -> None:
    own = Totals(sessions=7, workers=120, usd_per_month=99.5)
    usual = replace(document(20), user_totals=own)
    entry = replace(usual.workspaces["study003"], totals=own)
    other = replace(usual, workspaces={**usual.workspaces, "study003": entry}, totals=own)
    written = json.loads(other.to_json())
    assert RuntimeDocument.from_json(other.to_json()) == other
    assert RuntimeDocument.from_json(usual.to_json()) == usual
    # What is usual takes no room, so that as many workspaces fit as ever did.
    assert "totals" not in json.loads(usual.to_json())["workspaces"]["study003"]
    assert written["workspaces"]["study003"]["totals"] == [*asdict(own).values()]
    # An object says the same, and what a later release adds to a list is not for this one.
    written["totals"] = asdict(own)
    written["workspaces"]["study003"]["totals"].append(5)
    assert RuntimeDocument.from_json(json.dumps(written)) == other
    for wrong in ("7", 7, None, [7, "120"], [True], {"sessions": 7.5}):
        text = json.dumps({**written, "totals": wrong})
        with pytest.raises(ValueError, match="runtime document is malformed"):
            RuntimeDocument.from_json(text)


def test_what_the_account_pays_is_published_and_read_again(tmp_path: Path) -> None:
    own = Rates(x86_vcpu_hour=0.031, endpoint_az_hour=0.007)
    usual = document(2)
    paid = replace(usual, prices=own)
    assert "prices" not in json.loads(usual.to_json())
    assert json.loads(paid.to_json())["prices"] == own.known()
    assert RuntimeDocument.from_json(paid.to_json()) == paid
    assert RuntimeDocument.from_json(usual.to_json()).prices is None
    for wrong in ("7", 7, [], {"x86_vcpu_hour": -1}, {"x86_vcpu_hour": "7"}):
        malformed = json.dumps({**json.loads(usual.to_json()), "prices": wrong})
        with pytest.raises(ValueError, match="runtime document is malformed"):
            RuntimeDocument.from_json(malformed)
    assembly = app.build([replace(DEV, prices=own)], outdir=str(tmp_path), validate=False).synth()
    (value,) = (
        one["Properties"]["Value"]
        for stack in assembly.stacks_recursively
        for one in stack.template["Resources"].values()
        if one.get("Properties", {}).get("Name") == "/starburst/dev/runtime"
    )
    assert RuntimeDocument.from_json(text(value)).prices == own


@pytest.mark.parametrize(("workspaces", "tier"), [(2, "Standard"), (14, "Advanced")])
def test_the_tier_follows_the_size(workspaces: int, tier: str) -> None:
    stack = cdk.Stack()
    RuntimeParameter(stack, "Runtime", document=document(workspaces))
    (parameter,) = Template.from_stack(stack).find_resources("AWS::SSM::Parameter").values()
    assert parameter["Properties"]["Tier"] == tier
    assert json.loads(parameter["Properties"]["Value"])["schema"] == 1


def test_workspaces_are_packed_where_a_parameter_would_not_hold_them() -> None:
    """And not before: people and older clients read the plain document."""
    few, many = document(3), document(60)
    assert '"study002":{' in few.to_json()
    stack = cdk.Stack()
    RuntimeParameter(stack, "Few", document=few)
    RuntimeParameter(cdk.Stack(stack, "Beside"), "Many", document=many)
    [value] = [
        one["Properties"]["Value"]
        for one in Template.from_stack(stack.node.find_child("Beside"))  # type: ignore[arg-type]
        .find_resources("AWS::SSM::Parameter")
        .values()
    ]
    assert len(value) < ADVANCED_BYTES < len(many.to_json())
    assert RuntimeDocument.from_json(value) == many
    [plain] = Template.from_stack(stack).find_resources("AWS::SSM::Parameter").values()
    assert plain["Properties"]["Value"] == few.to_json()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("no base64!", "base64"),
        (base64.b64encode(b"plain").decode(), "cannot be read"),
        (base64.b64encode(zlib.compress(b'{"study": 1}')[:-4]).decode(), "end early"),
        (base64.b64encode(zlib.compress(b"0" * 2_000_000)).decode(), "more than 1048576 bytes"),
        (base64.b64encode(zlib.compress(b"[1]")).decode(), "no JSON object"),
    ],
)
def test_packed_workspaces_that_cannot_be_read_are_refused(said: str, why: str) -> None:
    written = {**json.loads(document(1).to_json()), "workspaces": said}
    with pytest.raises(ValueError, match=f"malformed: .*{why}"):
        RuntimeDocument.from_json(json.dumps(written))


def test_too_many_workspaces_are_refused_in_one_sentence() -> None:
    with pytest.raises(ConfigurationError, match="split the workspaces over two environments"):
        RuntimeParameter(cdk.Stack(), "Runtime", document=document(4_000))
