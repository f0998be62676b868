"""A workspace with a cluster and a group of its own: as hardened, reached by nothing, removable."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

import app
from deploy.changing.stops import stops
from environments import DEV
from starburst.contract import WORKSPACE_TAG
from starburst_constructs.naming import group_parameter
from tests.some import some
from tests.stacks.reading import Template, named, resources

Templates = dict[str, Template]
NAME = "sandbox"
CLUSTER = f"starburst-dev-{NAME}"
GROUP = group_parameter("dev", NAME)


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Our test environment where its workspace runs apart, by stack."""
    workspaces = tuple(replace(one, own_cluster=one.name == NAME) for one in DEV.workspaces)
    outdir = str(tmp_path_factory.mktemp("apart"))
    built = app.build([replace(DEV, workspaces=workspaces)], outdir=outdir, validate=False).synth()
    return {each.hierarchical_id: each.template for each in built.stacks_recursively}


def test_its_cluster_is_as_hardened_as_the_environments(apart: Templates) -> None:
    found = resources(apart["dev/compute"], "AWS::ECS::Cluster")
    one, other = (dict(value["Properties"]) for value in found.values())
    assert (one.pop("ClusterName"), other.pop("ClusterName")) == ("starburst-dev", CLUSTER)
    tags = [{tag["Key"]: tag["Value"] for tag in each.pop("Tags")} for each in (one, other)]
    assert one == other
    assert tags[1][WORKSPACE_TAG] == NAME
    assert tags[0].items() <= tags[1].items()
    logs = {
        value["Properties"]["LogGroupName"]: value["Properties"]
        for value in resources(apart["dev/compute"], "AWS::Logs::LogGroup").values()
    }
    kept, its = (
        logs[f"/aws/ecs/containerinsights/{name}/performance"]
        for name in ("starburst-dev", CLUSTER)
    )
    assert (kept["KmsKeyId"], kept["RetentionInDays"]) == (its["KmsKeyId"], its["RetentionInDays"])


def test_fargate_may_encrypt_its_disks(apart: Templates) -> None:
    key = named(apart["dev/foundation"], "AWS::KMS::Key", "DataKey")
    said = [
        one["Condition"]["StringEquals"]["kms:EncryptionContext:aws:ecs:clusterName"]
        for one in key["KeyPolicy"]["Statement"]
        if one.get("Sid", "").startswith("FargateScratch")
    ]
    assert said == [["starburst-dev", CLUSTER]] * 2


def test_its_group_reaches_what_the_others_reach_and_nothing_reaches_it(apart: Templates) -> None:
    network = apart["dev/network"]
    groups = resources(network, "AWS::EC2::SecurityGroup")
    [own] = [name for name in groups if name.startswith(f"Workers{NAME}")]
    [shared] = [name for name in groups if name.startswith("Workers") and name != own]
    rules = groups[own]["Properties"]["SecurityGroupEgress"]
    assert some(rules) == groups[shared]["Properties"]["SecurityGroupEgress"]
    assert "SecurityGroupIngress" not in groups[own]["Properties"]
    ingress = resources(network, "AWS::EC2::SecurityGroupIngress").values()
    admitted = [
        json.dumps(one["Properties"]["GroupId"])
        for one in ingress
        if own in json.dumps(one["Properties"]["SourceSecurityGroupId"])
    ]
    assert len(admitted) == 1
    assert "Endpoints" in admitted[0]
    assert not [one for one in ingress if own in json.dumps(one["Properties"]["GroupId"])]


def test_the_controller_is_told_its_group_and_woken_of_its_workers(apart: Templates) -> None:
    control = apart["dev/control"]
    function = named(control, "AWS::Lambda::Function", "Controller")
    told = function["Environment"]["Variables"]["STARBURST_APART"]
    equals, reference = told["Fn::Join"][1]
    assert equals == f"{NAME}="
    assert control["Parameters"][reference["Ref"]] == {
        "Type": "AWS::SSM::Parameter::Value<String>",
        "Default": GROUP,
    }
    parameter = named(apart["dev/network"], "AWS::SSM::Parameter", "Group")
    assert parameter["Name"] == GROUP
    lost = named(control, "AWS::Events::Rule", "WakeWorkerLost")
    watched = lost["EventPattern"]["detail"]["clusterArn"]
    assert watched[1].endswith(f":cluster/{CLUSTER}")


def test_a_start_in_its_cluster_past_the_controller_or_elsewhere_rings(apart: Templates) -> None:
    filters = [
        json.dumps(one["Properties"]["FilterPattern"])
        for one in resources(apart["dev/audit"], "AWS::Logs::MetricFilter").values()
    ]
    assert [one for one in filters if "starburst-dev-*" in one and "ExecuteCommand" in one]
    [own] = [one for one in filters if f"*{CLUSTER}" in one and "securityGroups[0]" in one]
    [reference] = [name for name in apart["dev/audit"]["Parameters"] if name in own]
    assert apart["dev/audit"]["Parameters"][reference]["Default"] == GROUP


def test_it_comes_and_goes_without_a_stack_that_holds_it(
    apart: Templates, templates: Templates
) -> None:
    def by_stack(found: Templates) -> dict[str, Any]:
        return {
            name.replace("dev/", "starburst-dev-"): template
            for name, template in found.items()
            if name.startswith("dev/")
        }

    without, along = by_stack(templates), by_stack(apart)
    assert some(sorted(without)) == sorted(along)
    assert stops(without, along, prefix="starburst-dev-") == []
    assert stops(along, without, prefix="starburst-dev-") == []
    exported = json.dumps([template.get("Outputs", {}) for template in along.values()])
    assert f"Workers{NAME}" not in exported
    assert f"Cluster{NAME}" not in exported


def test_no_template_knows_of_it_where_no_workspace_asks(templates: Templates) -> None:
    assert "/groups/" not in json.dumps(templates)
    assert "STARBURST_APART" not in json.dumps(templates)
