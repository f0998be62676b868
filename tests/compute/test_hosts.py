"""Workers on EC2: instances that nobody can reach, that hold no secret, and of which none rests."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from environments import DEV
from stacks.settings import Ec2Capacity, Environment, Instance, Network, SettingsError, Workspace
from tests.some import some

C7G = Instance(name="c7g.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.33)
M7G = Instance(name="m7g.2xlarge", vcpu=8, memory_gb=32, usd_per_hour=0.37)
EMAILS = ("platform@example.com",)
STUDIES = tuple(Workspace(name=name, budget_emails=EMAILS) for name in ("heart", "brain"))


def hosted(capacity: Ec2Capacity, **fields: Any) -> Environment:
    return replace(
        DEV,
        name="hosted",
        capacity=capacity,
        architecture="ARM64",
        image_digest="sha256:" + "ab" * 32,
        **{"workspaces": STUDIES, "network": Network(cidr="10.77.0.0/20"), **fields},
    )


def synthesized(environment: Environment, outdir: Path) -> dict[str, Mapping[str, Any]]:
    assembly = app.build([environment], outdir=str(outdir), validate=False).synth()
    return {stack.hierarchical_id: stack.template for stack in assembly.stacks_recursively}


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Any]]:
    capacity = Ec2Capacity(instance_types=(C7G, M7G), spot=True, most=12, disk_gb=150)
    return synthesized(hosted(capacity), tmp_path_factory.mktemp("hosted"))


def test_a_zone_without_fargate_is_one_for_instances() -> None:
    place = {"region": "us-west-1", "allowed_regions": ("us-west-1",)}
    network = Network(cidr="10.77.0.0/20", zones=2, named_zones=("usw1-az1", "usw1-az2"))
    chosen = hosted(Ec2Capacity(instance_types=(C7G,)), network=network, **place)
    assert chosen.network.zone_ids == ("usw1-az1", "usw1-az2")
    with pytest.raises(SettingsError, match="usw1-az2"):
        replace(chosen, capacity=None)


def found(template: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == kind
    ]


def test_an_instance_begins_closed_and_encrypted(stacks: Mapping[str, Mapping[str, Any]]) -> None:
    templates = found(stacks["hosted/hosts"], "AWS::EC2::LaunchTemplate")
    assert len(templates) == 2, "one for each workspace"
    for template in templates:
        data = template["LaunchTemplateData"]
        assert data["MetadataOptions"] == {
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 1,
            "InstanceMetadataTags": "disabled",
        }
        (interface,) = data["NetworkInterfaces"]
        assert interface["AssociatePublicIpAddress"] is False
        assert len(interface["Groups"]) == 1
        (disk,) = data["BlockDeviceMappings"]
        assert disk["Ebs"]["Encrypted"] is True
        assert (disk["Ebs"]["VolumeType"], disk["Ebs"]["VolumeSize"]) == ("gp3", 150)
        assert "Key" in json.dumps(disk["Ebs"]["KmsKeyId"])
        assert "KeyName" not in data, "nobody logs in"
        assert "SsmParameterValue" in json.dumps(data["ImageId"])


def test_the_agent_keeps_the_instances_role_from_tasks(
    stacks: Mapping[str, Mapping[str, Any]],
) -> None:
    (first, _) = found(stacks["hosted/hosts"], "AWS::EC2::LaunchTemplate")
    config = base64.b64decode(first["LaunchTemplateData"]["UserData"]).decode()
    for line in (
        "ECS_CLUSTER=starburst-hosted",
        "ECS_AWSVPC_BLOCK_IMDS=true",
        "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true",
        "ECS_DISABLE_PRIVILEGED=true",
    ):
        assert f"\n{line}\n" in config


def test_the_instances_role_joins_the_cluster_and_can_do_nothing_else(
    stacks: Mapping[str, Mapping[str, Any]],
) -> None:
    hosts = stacks["hosted/hosts"]
    (role,) = found(hosts, "AWS::IAM::Role")
    assert role["PermissionsBoundary"]
    (policy,) = found(hosts, "AWS::IAM::ManagedPolicy")
    actions = {
        action
        for statement in policy["PolicyDocument"]["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    assert all(action.startswith("ecs:") for action in actions)
    assert not actions & {"ecs:RunTask", "ecs:StartTask", "ecs:StopTask", "ecs:CreateCluster"}
    anywhere = [
        statement["Action"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Resource"] == "*"
    ]
    assert anywhere == ["ecs:DiscoverPollEndpoint"]


def test_no_instance_rests_and_ecs_fills_and_drains(
    stacks: Mapping[str, Mapping[str, Any]],
) -> None:
    hosts = stacks["hosted/hosts"]
    groups = found(hosts, "AWS::AutoScaling::AutoScalingGroup")
    assert len(groups) == 4, "two workspaces, on demand and on Spot"
    for group in groups:
        assert (group["MinSize"], group["MaxSize"]) == ("0", "12")
        assert "DesiredCapacity" not in group
        assert group["NewInstancesProtectedFromScaleIn"] is True
        policy = group["MixedInstancesPolicy"]
        types = [one["InstanceType"] for one in policy["LaunchTemplate"]["Overrides"]]
        assert types == ["c7g.2xlarge", "m7g.2xlarge"]
    bought = [
        group["MixedInstancesPolicy"]["InstancesDistribution"][
            "OnDemandPercentageAboveBaseCapacity"
        ]
        for group in groups
    ]
    assert sorted(bought) == [0, 0, 100, 100]
    for group, on_demand in zip(groups, bought, strict=True):
        chosen = group["MixedInstancesPolicy"]["InstancesDistribution"]
        # The cheapest Spot instances are those that are taken away first.
        assert chosen["SpotAllocationStrategy"] == "price-capacity-optimized"
        assert group["CapacityRebalance"] is (on_demand == 0)
    for provider in some(found(hosts, "AWS::ECS::CapacityProvider")):
        settings = provider["AutoScalingGroupProvider"]
        assert settings["ManagedTerminationProtection"] == "ENABLED"
        assert settings["ManagedDraining"] == "ENABLED"
        assert settings["ManagedScaling"]["Status"] == "ENABLED"


def test_each_workspace_has_providers_of_its_own_by_the_names_that_the_controller_uses(
    stacks: Mapping[str, Mapping[str, Any]],
) -> None:
    names = {one["Name"] for one in found(stacks["hosted/hosts"], "AWS::ECS::CapacityProvider")}
    assert names == {
        f"starburst-hosted-{workspace}-{bought}"
        for workspace in ("heart", "brain")
        for bought in ("on-demand", "spot")
    }
    (cluster,) = found(stacks["hosted/compute"], "AWS::ECS::Cluster")
    assert "CapacityProviders" not in cluster, "nothing runs on Fargate by mistake"
    (associated,) = found(stacks["hosted/hosts"], "AWS::ECS::ClusterCapacityProviderAssociations")
    assert len(associated["CapacityProviders"]) == 4
    assert associated["DefaultCapacityProviderStrategy"] == []


def test_the_worker_is_the_same_but_for_where_it_runs(
    stacks: Mapping[str, Mapping[str, Any]], templates: Mapping[str, Any]
) -> None:
    hosted_task = found(stacks["hosted/compute"], "AWS::ECS::TaskDefinition")[0]
    fargate_task = found(templates["dev/compute"], "AWS::ECS::TaskDefinition")[0]
    assert hosted_task["RequiresCompatibilities"] == ["EC2"]
    assert hosted_task["NetworkMode"] == "awsvpc"
    assert "RuntimePlatform" not in hosted_task, "an instance has the one that it has"
    assert "EphemeralStorage" not in hosted_task
    assert hosted_task["Volumes"] == fargate_task["Volumes"]
    one, other = hosted_task["ContainerDefinitions"][0], fargate_task["ContainerDefinitions"][0]
    for name in ("Command", "LinuxParameters", "Privileged", "ReadonlyRootFilesystem", "User"):
        assert one[name] == other[name]


def test_agents_reach_ecs_without_an_internet_route(
    stacks: Mapping[str, Mapping[str, Any]], templates: Mapping[str, Any]
) -> None:
    there = json.dumps(found(stacks["hosted/endpoints"], "AWS::EC2::VPCEndpoint"))
    for service in ("ecs-agent", "ecs-telemetry"):
        assert f".{service}" in there
        assert f".{service}" not in json.dumps(templates["dev/endpoints"])


def test_every_endpoint_has_a_policy_that_takes_one(
    stacks: Mapping[str, Mapping[str, Any]],
) -> None:
    """With a policy EC2 would refuse the endpoints of what agents call, and so the stack."""
    without = {
        one["ServiceName"].rpartition(".")[2]
        for one in found(stacks["hosted/endpoints"], "AWS::EC2::VPCEndpoint")
        if "PolicyDocument" not in one
    }
    assert without == {"ecs-agent", "ecs-telemetry"}


def test_instances_and_their_disks_are_booked_on_their_workspace(
    stacks: Mapping[str, Mapping[str, Any]],
) -> None:
    booked = [
        {one["ResourceType"]: one["Tags"] for one in data["TagSpecifications"]}
        for template in found(stacks["hosted/hosts"], "AWS::EC2::LaunchTemplate")
        for data in [template["LaunchTemplateData"]]
    ]
    assert [set(each) for each in booked] == [{"instance", "volume"}] * 2
    for each, name in zip(booked, ("heart", "brain"), strict=True):
        for those in each.values():
            assert {"Key": "starburst-workspace", "Value": name} in those
            assert {"Key": "starburst-cost", "Value": f"hosted/{name}"} in those


def test_clients_are_told_of_the_instances(stacks: Mapping[str, Mapping[str, Any]]) -> None:
    text = json.dumps(stacks["hosted/publishing"]).replace("\\", "")
    assert '"hosts":{"instances":[{"memory_gb":16,"name":"c7g.2xlarge"' in text
    assert '"spot":true' in text


def test_a_warm_pool_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    capacity = Ec2Capacity(instance_types=(C7G,), spot=True, warm=2)
    hosts = synthesized(hosted(capacity), tmp_path)["hosted/hosts"]

    pools = found(hosts, "AWS::AutoScaling::WarmPool")
    assert [(pool["MinSize"], pool["PoolState"]) for pool in pools] == [(2, "Stopped")] * 2
    plain = [
        group
        for group in found(hosts, "AWS::AutoScaling::AutoScalingGroup")
        if "LaunchTemplate" in group
    ]
    assert len(plain) == 2, "a warm pool goes with one launch template only"
