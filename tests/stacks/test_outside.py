"""What settings add from outside: other buckets, clients in the VPC, a workspace's own image."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from deploy.tools.idle_cost import idle_cost
from environments import DEV
from stacks.settings import Environment, Network, Reads, SettingsError, Workspace
from starburst.contract import PackagesDocument
from starburst.pricing.prices import load
from starburst_assurance.rules.open_endpoint import OPEN_ENDPOINT
from starburst_assurance.templates.template import Template as Judged
from tests.some import some
from tests.stacks.reading import Template, documents, resources, statement

STRANGER = "777788889999"
OWN_IMAGE, IMAGE = "sha256:" + "ab" * 32, "sha256:" + "cd" * 32
ALWAYS = replace(DEV, network=Network(), image_digest=IMAGE)
PLAIN: Workspace = DEV.workspaces[0]
READER = replace(PLAIN, name="reader", image_digest=OWN_IMAGE)
READS = (
    "arn:aws:s3:::atlas/panel/*",
    Reads(objects="arn:aws:s3:::press/*", owner="other", account=STRANGER),
)
GROUP = "sg-0a1b2c3d"

Templates = dict[str, Template]


def build(environment: Environment, folder: Path) -> Templates:
    assembly = app.build([environment], outdir=str(folder), validate=False).synth()
    return {
        stack.hierarchical_id.partition("/")[2]: stack.template
        for stack in assembly.stacks_recursively
    }


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Two workspaces that read nothing, and no client in the VPC."""
    return build(replace(ALWAYS, workspaces=(PLAIN, READER)), tmp_path_factory.mktemp("before"))


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """One of them reads, and notebooks run there."""
    chosen = replace(
        ALWAYS,
        workspaces=(PLAIN, replace(READER, reads=READS)),
        network=Network(client_groups=(GROUP,)),
        trusted_cidrs=(),
    )
    return build(chosen, tmp_path_factory.mktemp("after"))


def test_who_reads_nothing_keeps_every_byte_of_its_policies(
    before: Templates, after: Templates
) -> None:
    added = set(after["access"]["Resources"]) - set(before["access"]["Resources"])
    assert len(added) == 1
    assert "Reads" in next(iter(added))
    kept = {
        name: each
        for name, each in after["access"]["Resources"].items()
        if name not in added and each["Type"] == "AWS::IAM::ManagedPolicy"
    }
    assert kept
    for name, each in kept.items():
        assert each == before["access"]["Resources"][name], name


def test_only_network_boundary_and_one_role_change(before: Templates, after: Templates) -> None:
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"access", "endpoints", "foundation", "network"}
    policies = dict(documents(after["foundation"]))
    for name, document in some(documents(before["foundation"])):
        new = [each for each in policies[name]["Statement"] if each not in document["Statement"]]
        assert [each["Sid"] for each in new] == (
            ["ReadsOfOthers0"] if name.startswith("Boundary") else []
        )


def test_the_boundary_and_the_endpoint_let_through_what_is_named_of_others(
    after: Templates,
) -> None:
    [document] = [one for name, one in documents(after["foundation"]) if name.startswith("Bound")]
    ceiling = statement(document, "ReadsOfOthers0")
    [gateway] = resources(after["network"], "AWS::EC2::VPCEndpoint").values()
    passed = statement(gateway["Properties"]["PolicyDocument"], "ReadsOfOthers0")
    for each in (ceiling, passed):
        assert each["Action"] == ["s3:GetObject", "s3:ListBucket"]
        assert each["Resource"] == ["arn:aws:s3:::press", "arn:aws:s3:::press/*"]
    assert ceiling["Condition"] == {"StringEquals": {"aws:ResourceAccount": STRANGER}}
    role = f"arn:aws:iam::{DEV.account}:role/starburst-dev-worker-reader"
    assert passed["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": role},
        "StringEquals": {"aws:PrincipalAccount": DEV.account, "aws:ResourceAccount": STRANGER},
    }


def test_endpoints_admit_workers_the_controller_and_named_clients_alone(
    before: Templates, after: Templates
) -> None:
    def admitted(templates: Templates) -> dict[str, Any]:
        rules = resources(templates["network"], "AWS::EC2::SecurityGroupIngress").values()
        return {
            json.dumps(rule["Properties"]["SourceSecurityGroupId"]): rule["Properties"]
            for rule in rules
        }

    were, are = admitted(before), admitted(after)
    assert len(were) == 2
    assert set(are) - set(were) == {f'"{GROUP}"'}
    for rule in some(are.values()):
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
        assert "CidrIp" not in rule
    groups = resources(after["network"], "AWS::EC2::SecurityGroup")
    for group in some(groups.values()):
        assert "SecurityGroupIngress" not in group["Properties"]


def test_clients_bring_lambdas_endpoint_with_our_policy_and_its_price(
    before: Templates, after: Templates
) -> None:
    old = resources(before["endpoints"], "AWS::EC2::VPCEndpoint")
    new = resources(after["endpoints"], "AWS::EC2::VPCEndpoint")
    [name] = set(new) - set(old)
    properties = new[name]["Properties"]
    assert properties["ServiceName"] == f"com.amazonaws.{DEV.region}.lambda"
    assert properties["PrivateDnsEnabled"] is True
    statement(properties["PolicyDocument"], "OurPrincipalsToOurResources")
    prices = load(DEV.region)
    more = idle_cost(after.values(), prices).usd - idle_cost(before.values(), prices).usd
    assert more == pytest.approx(2 * 730 * prices.need("endpoint_az_hour"))


def test_each_workspace_runs_and_lists_its_own_image(before: Templates) -> None:
    found = {
        task["Properties"]["Family"]: json.dumps(task["Properties"]["ContainerDefinitions"])
        for task in resources(before["compute"], "AWS::ECS::TaskDefinition").values()
    }
    assert OWN_IMAGE in found.pop("starburst-dev-reader")
    [plain] = found.values()
    assert IMAGE in plain
    assert OWN_IMAGE not in plain
    told = {
        each["Properties"]["Name"]: each["Properties"]["Value"]
        for each in resources(before["publishing"], "AWS::SSM::Parameter").values()
    }
    for workspace, digest in (("reader", OWN_IMAGE), (PLAIN.name, IMAGE)):
        text = told[f"/starburst/dev/packages/{workspace}"]
        assert PackagesDocument.from_json(text).image_digest == digest


def test_who_lacks_an_image_is_named() -> None:
    waiting = replace(DEV, workspaces=(PLAIN, READER))
    assert waiting.lacking_image == (PLAIN.name,)
    assert replace(waiting, workspaces=(READER,)).lacking_image == ()
    assert replace(waiting, image_digest=IMAGE).lacking_image == ()


@pytest.mark.parametrize(
    ("environment", "reads", "said"),
    [
        (DEV, 12, "of its workspaces is"),
        (ALWAYS, 20, "workspace sandbox: reads is"),
    ],
    ids=["boundary", "role"],
)
def test_more_than_iam_stores_is_refused_with_the_way_round(
    tmp_path: Path, environment: Environment, reads: int, said: str
) -> None:
    long = "x" * (180 if said.startswith("workspace") else 20)
    owner: dict[str, Any] = {"owner": "other", "account": STRANGER}
    named = tuple(
        f"arn:aws:s3:::atlas/{long}{n}/*"
        if said.startswith("workspace")
        else Reads(objects=f"arn:aws:s3:::atlas/{long}{n}/*", **owner)
        for n in range(reads)
    )
    chosen = replace(environment, workspaces=(replace(PLAIN, reads=named),))
    with pytest.raises(SettingsError, match=said) as refusal:
        build(chosen, tmp_path)
    assert "fewer or shorter ones" in refusal.value.allowed
    assert "6144" in refusal.value.allowed


def test_the_rule_for_endpoints_takes_named_reads_and_nothing_looser(after: Templates) -> None:
    template = Judged.of(after["network"])
    [gateway] = template.all_of("AWS::EC2::VPCEndpoint")
    assert list(OPEN_ENDPOINT.judge(gateway, template) or ()) == []
    loose = json.loads(json.dumps(after["network"]))
    [resource] = resources(loose, "AWS::EC2::VPCEndpoint").values()
    del statement(resource["Properties"]["PolicyDocument"], "ReadsOfOthers0")["Condition"][
        "StringEquals"
    ]["aws:ResourceAccount"]
    judged = Judged.of(loose)
    [gateway] = judged.all_of("AWS::EC2::VPCEndpoint")
    [finding] = list(OPEN_ENDPOINT.judge(gateway, judged) or ())
    assert "ReadsOfOthers0 names no account or organization" in finding
