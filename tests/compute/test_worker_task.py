"""A worker's container can do as little as it needs, and a cluster watches and encrypts it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

import app
from environments import ALL, DEV
from stacks.settings import Environment
from starburst.contract import WORKER_COMMAND, WorkerVariable
from starburst_constructs.compute.workers import WorkerTask
from tests.some import some

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

ENVIRONMENTS = [each.name for each in ALL]


def resources(template: Mapping[str, Any], of: str) -> dict[str, Any]:
    return {
        logical_id: resource
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == of
    }


@pytest.fixture(params=ENVIRONMENTS)
def compute(request: pytest.FixtureRequest, templates: Mapping[str, Any]) -> Mapping[str, Any]:
    return templates[f"{request.param}/compute"]


@pytest.fixture
def tasks(compute: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = [task["Properties"] for task in resources(compute, "AWS::ECS::TaskDefinition").values()]
    assert found
    return found


@pytest.fixture
def containers(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    assert all(len(task["ContainerDefinitions"]) == 1 for task in tasks)
    return [task["ContainerDefinitions"][0] for task in tasks]


def test_the_container_is_locked_down(containers: list[dict[str, Any]]) -> None:
    for container in some(containers):
        assert container["User"] == "10001:10001"
        assert container["ReadonlyRootFilesystem"] is True
        assert container["Privileged"] is False
        assert container["LinuxParameters"] == {
            "Capabilities": {"Drop": ["ALL"]},
            "InitProcessEnabled": True,
        }
        assert container["Command"] == list(WORKER_COMMAND)
        assert container["StopTimeout"] == 120


def test_what_tasks_print_is_copied_to_the_log_only_where_that_was_chosen(
    containers: list[dict[str, Any]], tmp_path: Path
) -> None:
    name = WorkerVariable.TASK_OUTPUT
    for container in some(containers):
        assert name not in {each["Name"] for each in container["Environment"]}
    chosen = replace(DEV, task_output="session and cloudwatch")
    assembly = cast(
        "CloudAssembly", app.build([chosen], outdir=str(tmp_path), validate=False).synth()
    )
    found = json.dumps([stack.template for stack in assembly.stacks_recursively])
    assert f'{{"Name": "{name}", "Value": "session and cloudwatch"}}' in found


def test_scratch_is_the_one_writable_place(
    tasks: list[dict[str, Any]], containers: list[dict[str, Any]]
) -> None:
    for task, container in zip(some(tasks), some(containers), strict=True):
        assert task["Volumes"] == [{"Name": "scratch"}]
        assert container["MountPoints"] == [
            {"ContainerPath": "/tmp", "ReadOnly": False, "SourceVolume": "scratch"}  # noqa: S108
        ]


def test_variables_are_names_only(containers: list[dict[str, Any]]) -> None:
    for container in some(containers):
        assert {variable["Name"] for variable in container["Environment"]} == {
            "STARBURST_ENVIRONMENT",
            "STARBURST_WORKSPACE",
            "STARBURST_BUCKET",
            "STARBURST_KEY_ARN",
            "STARBURST_LONGEST_SECONDS",
            *("AWS_DEFAULT_REGION", "AWS_REGION", "HOME", "LOGNAME", "USER"),
        }
        assert "Secrets" not in container
        assert "EnvironmentFiles" not in container


def test_a_worker_knows_who_and_where_it_is(templates: Mapping[str, Any]) -> None:
    for environment in ALL:
        found = resources(templates[f"{environment.name}/compute"], "AWS::ECS::TaskDefinition")
        for task in some(found.values()):
            [container] = task["Properties"]["ContainerDefinitions"]
            given = {each["Name"]: each["Value"] for each in container["Environment"]}
            assert (given["USER"], given["LOGNAME"]) == ("starburst", "starburst")
            [mount] = container["MountPoints"]
            assert given["HOME"] == mount["ContainerPath"]
            assert {given["AWS_REGION"], given["AWS_DEFAULT_REGION"]} == {environment.region}


def test_the_image_is_pinned_by_digest(containers: list[dict[str, Any]]) -> None:
    for container in some(containers):
        assert re.search(r'@sha256:[0-9a-f]{64}"', json.dumps(container["Image"]))


def test_a_full_log_buffer_never_stops_a_worker(containers: list[dict[str, Any]]) -> None:
    for container in some(containers):
        options = container["LogConfiguration"]["Options"]
        assert options["mode"] == "non-blocking"
        assert options["max-buffer-size"] == "26214400b"


def test_a_task_is_fargates_in_our_network_with_two_roles(tasks: list[dict[str, Any]]) -> None:
    for task in some(tasks):
        assert task["RequiresCompatibilities"] == ["FARGATE"]
        assert task["NetworkMode"] == "awsvpc"
        assert task["TaskRoleArn"] != task["ExecutionRoleArn"]


@pytest.mark.parametrize("environment", ALL, ids=lambda each: each.name)
def test_a_task_has_its_workspaces_size_and_log(
    templates: Mapping[str, Any], environment: Environment
) -> None:
    compute = templates[f"{environment.name}/compute"]
    found = [task["Properties"] for task in resources(compute, "AWS::ECS::TaskDefinition").values()]
    by_family = {task["Family"]: task for task in found}
    assert len(by_family) == len(environment.workspaces)
    for workspace in environment.workspaces:
        task = by_family[f"starburst-{environment.name}-{workspace.name}"]
        size = str(int(workspace.cpu * 1024)), str(int(workspace.memory_gb * 1024))
        assert (task["Cpu"], task["Memory"]) == size
        # Fargate gives 20 GB by itself, and takes no number below 21.
        more = {"EphemeralStorage": {"SizeInGiB": workspace.scratch_gb}}
        assert task.items() >= (more if workspace.scratch_gb > 20 else {}).items()
        [container] = task["ContainerDefinitions"]
        log = container["LogConfiguration"]["Options"]["awslogs-group"]["Ref"]
        group = compute["Resources"][log]["Properties"]
        assert group["LogGroupName"] == f"/aws/ecs/starburst/{environment.name}/{workspace.name}"
        for owned in (task, group):
            tags = {tag["Key"]: tag["Value"] for tag in owned["Tags"]}
            assert tags["starburst-workspace"] == workspace.name
            assert tags["starburst-cost"] == f"{environment.name}/{workspace.name}"


def test_no_old_revision_stays_active(compute: Mapping[str, Any]) -> None:
    """Sessions name the family: after a removal, a revision left behind could still be started."""
    for task in some(resources(compute, "AWS::ECS::TaskDefinition").values()):
        assert {task.get("UpdateReplacePolicy"), task.get("DeletionPolicy")} <= {None, "Delete"}


def test_the_cluster_watches_encrypts_and_would_record_a_shell(compute: Mapping[str, Any]) -> None:
    (cluster,) = (one["Properties"] for one in resources(compute, "AWS::ECS::Cluster").values())
    assert cluster["ClusterSettings"] == [{"Name": "containerInsights", "Value": "enhanced"}]
    assert cluster["CapacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
    # GuardDuty's sidecar could not be pulled, and its endpoint would keep the VPC from going.
    assert {"Key": "GuardDutyManaged", "Value": "false"} in cluster["Tags"]
    configuration = cluster["Configuration"]
    assert configuration["ManagedStorageConfiguration"]["FargateEphemeralStorageKmsKeyId"]
    shell = configuration["ExecuteCommandConfiguration"]
    assert shell["Logging"] == "OVERRIDE"
    assert shell["KmsKeyId"]
    assert shell["LogConfiguration"]["CloudWatchEncryptionEnabled"] is True


def test_logs_are_encrypted_kept_and_masked(compute: Mapping[str, Any]) -> None:
    groups = [one["Properties"] for one in resources(compute, "AWS::Logs::LogGroup").values()]
    for group in some(groups):
        assert "LogsKey" in str(group["KmsKeyId"])
        assert group["RetentionInDays"] >= 1
    masked = [group["LogGroupName"] for group in groups if "DataProtectionPolicy" in group]
    families = [
        one["Properties"] for one in resources(compute, "AWS::ECS::TaskDefinition").values()
    ]
    assert len(masked) == len(families)
    for group in some(groups):
        for statement in group.get("DataProtectionPolicy", {}).get("Statement", ()):
            assert any("EmailAddress" in str(one) for one in statement["DataIdentifier"])


def test_an_image_behind_a_tag_is_refused() -> None:
    stack = cdk.Stack()
    principal = cast(iam.IPrincipal, iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    role = cast(iam.IRole, iam.Role(stack, "Role", assumed_by=principal))
    with pytest.raises(ValueError, match="is not pinned"):
        WorkerTask(
            stack,
            "Task",
            family="starburst-prod-genomics",
            image="111122223333.dkr.ecr.eu-west-1.amazonaws.com/worker:latest",
            cpu_units=256,
            memory_mib=512,
            scratch_gb=21,
            architecture="X86_64",
            task_role=role,
            execution_role=role,
            log=logs.LogGroup(stack, "Log"),
            variables={},
        )


def warned(assembly: CloudAssembly) -> dict[str, str]:
    """Return what is said of missing images, by stack."""
    return {
        stack.hierarchical_id: str(message.entry.data)
        for stack in assembly.stacks_recursively
        for message in stack.messages
        if "no worker image" in str(message.entry.data)
    }


def test_an_environment_without_an_image_is_warned(assembly: CloudAssembly) -> None:
    found = warned(assembly)
    assert set(found) == {"dev/compute", "prod/compute", "regulated/compute"}
    assert "make image ENV=dev" in found["dev/compute"]


def test_an_environment_with_an_image_is_not(tmp_path: Path) -> None:
    chosen = [replace(DEV, image_digest="sha256:" + "ab" * 32)]
    assert not warned(app.build(chosen, outdir=str(tmp_path), validate=False).synth())
