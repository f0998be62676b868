"""Controls of what runs: containers, image, controller and queues."""

from __future__ import annotations

from typing import Final

from starburst_assurance.controls.model import Area, Control

__all__ = ["WORK"]

_YOURS: Final = "how-to/do-what-stays-yours.md"

WORK: Final = (
    Control(
        name="only-the-controller",
        title="Only the controller starts tasks, passes worker roles and makes queues",
        area=Area.WORK,
        rows=("S2", "S12", "P18", "A24"),
        nist=("AC-5", "AC-6"),
        theorems=(
            "only_the_controller_starts",
            "only_run_task",
            "only_worker_roles_to_ecs",
            "the_controllers_denials_stand_alone",
            "the_controller_reads_no_data",
            "the_controller_writes_status_only",
            "the_controller_keeps_to_three_names",
        ),
        tests=("tests/policies/test_every_role.py::test_only_the_controller_may",),
        kinds=("AWS::IAM::ManagedPolicy", "AWS::Lambda::Function"),
    ),
    Control(
        name="locked-container",
        title="Containers run as a plain user, read-only, without capabilities, each by itself",
        area=Area.WORK,
        rows=("P18", "S31"),
        fsbp=("ECS.3", "ECS.4", "ECS.5", "ECS.17", "ECS.20"),
        nag=("ECSTaskDefinitionUserForHostMode",),
        guard=("CT.ECS.PR.3", "CT.ECS.PR.4", "CT.ECS.PR.6", "CT.ECS.PR.10", "CT.ECS.PR.11"),
        rules=("loose-container",),
        tests=(
            "tests/compute/test_worker_task.py::test_the_container_is_locked_down",
            "tests/compute/test_dockerfile.py::test_the_image_is_pinned_and_its_user_is_a_number",
        ),
    ),
    Control(
        name="no-secrets-in-variables",
        title="A container's variables are names; secrets reach it sealed",
        area=Area.WORK,
        rows=("S1", "G4", "P18"),
        fsbp=("ECS.8",),
        nag=("AwsSolutions-ECS2",),
        guard=("CT.ECS.PR.12",),
        theorems=("secrets_reach_their_workspace_alone",),
        tests=(
            "tests/compute/test_worker_task.py::test_variables_are_names_only",
            "tests/controller/test_start.py::test_the_task_is_private_and_carries_no_secret",
        ),
    ),
    Control(
        name="memory-limit",
        title="The task's size is its limit, and the controller starts none beyond its workspace's",
        area=Area.WORK,
        rows=("S20",),
        guard=("CT.ECS.PR.7",),
        tests=("tests/controller/test_limits.py::test_each_limit_refuses_by_itself",),
    ),
    Control(
        name="pinned-image",
        title="Tasks run an image by its digest, from a repository whose tags never move",
        area=Area.WORK,
        rows=("S31", "S33", "P18"),
        fsbp=("ECR.2", "ECR.3", "ECR.5"),
        nist=("CM-14", "SI-7"),
        guard=("CT.ECR.PR.1", "CT.ECR.PR.3"),
        rules=("unpinned-image",),
        tests=(
            "tests/stacks/test_registry.py::test_no_rule_can_expire_a_release",
            "tests/stacks/test_registry.py::test_candidates_and_untagged_images_go",
        ),
    ),
    Control(
        name="scanned-image",
        title="Images are scanned when pushed, and again when something new is known",
        area=Area.WORK,
        rows=("S32", "P18"),
        fsbp=("ECR.1", "Inspector.2"),
        guard=("CT.ECR.PR.2",),
        tests=("tests/stacks/test_registry.py::test_the_registry_is_scanned_continuously",),
        yours=(f"{_YOURS}#read-what-the-scanners-find",),
        kinds=("AWS::ECR::RegistryScanningConfiguration",),
    ),
    Control(
        name="no-shell",
        title="Nobody opens a shell in a worker, nor starts one that would allow it",
        area=Area.WORK,
        rows=("P18",),
        nist=("AC-17",),
        rules=("open-shell",),
        theorems=("no_shell",),
    ),
    Control(
        name="scratch-is-encrypted",
        title="Workers' disks are encrypted with the environment's key",
        area=Area.WORK,
        rows=("G16",),
        nist=("SC-28",),
        hipaa=("164.312(a)(2)(iv)",),
        rules=("unkeyed-scratch",),
    ),
    Control(
        name="insights",
        title="The cluster reports what its containers use",
        area=Area.WORK,
        rows=("P18",),
        fsbp=("ECS.12",),
        nag=("AwsSolutions-ECS4",),
        guard=("CT.ECS.PR.2",),
        tests=(
            "tests/compute/test_worker_task.py"
            "::test_the_cluster_watches_encrypts_and_would_record_a_shell",
        ),
    ),
    Control(
        name="controller-function",
        title="The controller runs in the VPC on a supported runtime, bounded, loses no event",
        area=Area.WORK,
        rows=("S21", "S22"),
        fsbp=("Lambda.2", "Lambda.3", "Lambda.5"),
        nag=("LambdaInsideVPC", "LambdaConcurrency", "LambdaDLQ", "AwsSolutions-L1"),
        guard=("CT.LAMBDA.PR.3",),
        tests=(
            "tests/compute/test_controller.py::test_only_its_own_rules_may_invoke_it",
            "tests/compute/test_controller.py::test_what_wakes_it_is_bounded",
        ),
    ),
    Control(
        name="queues",
        title="Queues that stacks make are encrypted, and lead to a dead-letter queue",
        area=Area.WORK,
        fsbp=("SQS.1", "SQS.3"),
        nag=("AwsSolutions-SQS2", "AwsSolutions-SQS3"),
        guard=("CT.SQS.PR.1", "CT.SQS.PR.2"),
    ),
    Control(
        name="session-queues",
        title="Queues that the controller makes are encrypted, and open to one user and workspace",
        area=Area.WORK,
        rows=("P10",),
        nist=("AC-3", "SC-28"),
        theorems=("queues_refuse_other_workers", "own_queue_only"),
        tests=("tests/controller/test_start.py::test_the_queue_is_encrypted_and_closed_to_others",),
    ),
    Control(
        name="topics",
        title="Topics are encrypted with the environment's key",
        area=Area.WORK,
        rows=("S19",),
        fsbp=("SNS.1",),
        nag=("SNSEncryptedKMS",),
    ),
)
"""What runs, from what, and what it may."""
