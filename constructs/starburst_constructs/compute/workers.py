"""Where workers run: the cluster, and one task definition and log per workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from starburst.contract import WORKER_COMMAND
from starburst.contract.times import STOP_SECONDS
from starburst_constructs.monitoring.logs import EncryptedLogGroup
from starburst_constructs.named_secrets import NamedSecret
from starburst_constructs.placement import Placement

__all__ = [
    "MASKED",
    "SCRATCH",
    "WORKER_UID",
    "WORKER_USER",
    "WorkerCluster",
    "WorkerLog",
    "WorkerTask",
]

WORKER_UID: Final = "10001"
"""User and group of the worker's process: a number, which no image can make another user."""

WORKER_USER: Final = "starburst"
"""What that user is called, in the image and to libraries that ask the environment first."""

SCRATCH: Final = "/tmp"  # noqa: S108 - the one writable folder of a container of our own
"""The only folder that a worker can write to: a volume on the task's encrypted scratch disk."""

FREE_SCRATCH_GB: Final = 20
"""What every Fargate task has; the task definition names a size only above it."""

MASKED: Final = (
    logs.DataIdentifier.ADDRESS,
    logs.DataIdentifier.AWSSECRETKEY,
    logs.DataIdentifier.CREDITCARDNUMBER,
    logs.DataIdentifier.EMAILADDRESS,
    logs.DataIdentifier.OPENSSHPRIVATEKEY,
    logs.DataIdentifier.PKCSPRIVATEKEY,
)
"""What a worker's log does not show to a reader without ``logs:Unmask``."""


class WorkerLog(EncryptedLogGroup):
    """The log of a workspace's workers: analysts' code prints here, so it is masked (S25).

    Args:
        scope: parent construct.
        construct_id: its id there.
        name: physical name.
        key: encrypts it.
        days: retention.
        placement: of the environment: whether the log outlives its stack.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        key: kms.Key,
        days: int,
        placement: Placement,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            name=name,
            key=key,
            days=days,
            placement=placement,
            masks=logs.DataProtectionPolicy(
                name="starburst-worker",
                description="Credentials and personal data that analysts' code prints",
                identifiers=list(MASKED),
            ),
        )


class WorkerCluster(ecs.Cluster):
    """A Fargate cluster that is watched, encrypts scratch disks and would record any shell.

    Shells are denied to every role. The logging is there for a role that is not ours.

    GuardDuty's Runtime Monitoring is told to leave it alone. Its agent is a sidecar from a registry
    of AWS's own account, which neither the launch role nor the endpoints let a task reach, and it
    would report through an endpoint that workers' security group does not reach. GuardDuty would
    put that endpoint and a group of its own into the VPC, which could then not be deleted. A task
    whose sidecar cannot be pulled starts without it.

    https://docs.aws.amazon.com/guardduty/latest/ug/managing-gdu-agent-ecs-automated.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-guard-duty-troubleshooting.html

    Args:
        scope: parent construct.
        construct_id: its id there.
        name: physical name; the data key's policy holds it.
        vpc: where tasks run.
        scratch_key: encrypts tasks' scratch disks.
        exec_log: where a shell would be recorded.
        exec_key: encrypts a shell's traffic.
        fargate: whether tasks run on Fargate; else the add-on with the instances associates them.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        vpc: ec2.IVpc,
        scratch_key: kms.Key,
        exec_log: logs.ILogGroup,
        exec_key: kms.Key,
        fargate: bool = True,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            cluster_name=name,
            vpc=vpc,
            container_insights_v2=ecs.ContainerInsights.ENHANCED,
        )
        # The L2 properties would widen both keys' policies from here, in other stacks.
        cluster = self.node.default_child
        assert isinstance(cluster, ecs.CfnCluster)  # noqa: S101 - narrows jsii's type
        cluster.configuration = ecs.CfnCluster.ClusterConfigurationProperty(
            execute_command_configuration=ecs.CfnCluster.ExecuteCommandConfigurationProperty(
                kms_key_id=exec_key.key_arn,
                logging="OVERRIDE",
                log_configuration=ecs.CfnCluster.ExecuteCommandLogConfigurationProperty(
                    cloud_watch_log_group_name=exec_log.log_group_name,
                    cloud_watch_encryption_enabled=True,
                ),
            ),
            managed_storage_configuration=ecs.CfnCluster.ManagedStorageConfigurationProperty(
                fargate_ephemeral_storage_kms_key_id=scratch_key.key_id
            ),
        )
        if fargate:
            cluster.capacity_providers = ["FARGATE", "FARGATE_SPOT"]
        cdk.Tags.of(self).add("GuardDutyManaged", "false")


class WorkerTask(ecs.TaskDefinition):
    """What a workspace's workers are: one container that can do as little as it needs (P18).

    Args:
        scope: parent construct.
        construct_id: its id there.
        family: physical name of the task definition.
        image: ``repository@sha256:…``; a tag could come to mean something else.
        cpu_units, memory_mib: default size; the controller overrides it per session.
        scratch_gb: size of the scratch disk; on an instance a folder of the shared disk.
        architecture: ``X86_64`` or ``ARM64``.
        task_role: what code on the worker may do; complete, so nothing is added to it here.
        execution_role: what ECS may do to start it; complete too.
        log: of the workspace.
        variables: environment of the container, beside who and where it is; never a secret (G4).
        secrets: what ECS reads with the execution role and gives the container as variables: the
            definition, which many may describe, has their ARNs alone.
        fargate: whether it runs on Fargate; else on an EC2 instance.

    Raises:
        ValueError: the image is not pinned by digest.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        family: str,
        image: str,
        cpu_units: int,
        memory_mib: int,
        scratch_gb: int,
        architecture: str,
        task_role: iam.IRole,
        execution_role: iam.IRole,
        log: logs.ILogGroup,
        variables: Mapping[str, str],
        secrets: Sequence[NamedSecret] = (),
        fargate: bool = True,
    ) -> None:
        if "@sha256:" not in image:
            raise ValueError(
                f"{family}: image {image} is not pinned; write it as …@sha256:<digest>"
            )
        super().__init__(
            scope,
            construct_id,
            family=family,
            compatibility=ecs.Compatibility.FARGATE if fargate else ecs.Compatibility.EC2,
            network_mode=ecs.NetworkMode.AWS_VPC,
            cpu=str(cpu_units),
            memory_mib=str(memory_mib),
            ephemeral_storage_gib=(
                scratch_gb if fargate and scratch_gb > FREE_SCRATCH_GB else None
            ),
            # An instance has the architecture that it has; only Fargate must be told.
            runtime_platform=(
                ecs.RuntimePlatform(
                    cpu_architecture=ecs.CpuArchitecture.of(architecture),
                    operating_system_family=ecs.OperatingSystemFamily.LINUX,
                )
                if fargate
                else None
            ),
            task_role=task_role,
            execution_role=execution_role,
        )
        self.add_volume(name="scratch")
        limits = ecs.LinuxParameters(self, "Limits", init_process_enabled=True)
        limits.drop_capabilities(ecs.Capability.ALL)
        container = self.add_container(
            "worker",
            image=ecs.ContainerImage.from_registry(image),
            command=list(WORKER_COMMAND),
            environment={**variables, **_who_and_where(cdk.Stack.of(self).region)},
            secrets={each.variable: _from_manager(self, each) for each in secrets} or None,
            essential=True,
            user=f"{WORKER_UID}:{WORKER_UID}",
            readonly_root_filesystem=True,
            privileged=False,
            linux_parameters=limits,
            stop_timeout=cdk.Duration.seconds(STOP_SECONDS),
            # A worker that waits for its log to drain is a lost worker; a full buffer drops lines.
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix="worker",
                log_group=log,
                mode=ecs.AwsLogDriverMode.NON_BLOCKING,
                max_buffer_size=cdk.Size.mebibytes(25),
            ),
        )
        container.add_mount_points(
            ecs.MountPoint(container_path=SCRATCH, source_volume="scratch", read_only=False)
        )


def _from_manager(scope: Construct, named: NamedSecret) -> ecs.Secret:
    """Return a secret as a container takes it; its role is complete, so nothing is granted."""
    secret = secretsmanager.Secret.from_secret_complete_arn(
        scope, f"Secret-{named.variable}", named.arn
    )
    return ecs.Secret.from_secrets_manager(secret, named.json_key or None)


def _who_and_where(region: str) -> dict[str, str]:
    """Return what ``getpass.getuser``, ``Path.home`` and AWS's SDKs ask the environment for.

    Fargate says the Region by itself; agents of ECS on instances have done so for some time only:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-environment-variables.html
    """
    return {
        "USER": WORKER_USER,
        "LOGNAME": WORKER_USER,
        "HOME": SCRATCH,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }
