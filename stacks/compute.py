"""What workers run on: the cluster, and a task definition and a log for each workspace."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.foundation import FoundationStack
from stacks.network import NetworkStack
from stacks.registry import RegistryStack
from stacks.settings import Environment, Workspace
from stacks.storage import StorageStack
from starburst.contract import (
    COST_TAG,
    SESSION_AND_CLOUDWATCH,
    WORKSPACE_TAG,
    WorkerVariable,
    booked_on,
    log_group_name,
    task_family,
)
from starburst.pricing.fargate import cpu_units, memory_mib
from starburst_constructs.compute.workers import WorkerCluster, WorkerLog, WorkerTask
from starburst_constructs.monitoring.logs import EncryptedLogGroup
from starburst_constructs.monitoring.tampering import TamperingFilter
from starburst_constructs.naming import cluster_name, role_arn

__all__ = ["ComputeStack"]


class ComputeStack(cdk.Stack):
    """The cluster of one environment, and what its workers are.

    Args:
        scope: the stage.
        construct_id: its id there.
        environment: whose cluster this is.
        foundation: for the keys.
        network: for the VPC.
        storage: for the data bucket's name.
        registry: for the worker image.

    Attributes:
        cluster: where the controller starts workers, but those of workspaces with one of their own.
        tasks: task definitions by workspace and architecture.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        foundation: FoundationStack,
        network: NetworkStack,
        storage: StorageStack,
        registry: RegistryStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        kept = {
            "key": foundation.logs_key,
            "days": environment.log_retention_days,
            "placement": environment.placement,
        }
        insights = self._insights("Insights", cluster_name(environment.name), kept=kept)
        hardened: dict[str, Any] = {
            "vpc": network.vpc,
            "scratch_key": foundation.data_key,
            "exec_key": foundation.logs_key,
            "fargate": environment.capacity is None,
            "exec_log": EncryptedLogGroup(
                self, "ExecLog", name=f"/aws/ecs/starburst/{environment.name}/_exec", **kept
            ),
        }
        self.cluster: ecs.Cluster = WorkerCluster(
            self, "Cluster", name=cluster_name(environment.name), **hardened
        )
        self.cluster.node.add_dependency(insights)
        if environment.lacking_image:
            names = ", ".join(environment.lacking_image)
            cdk.Annotations.of(self).add_warning_v2(
                "starburst:no-worker-image",
                f"environment {environment.name} has no worker image yet for {names}: deploy the "
                f"registry, run make image ENV={environment.name}, and set its image_digest",
            )
        self.tasks: dict[tuple[str, str], ecs.TaskDefinition] = {}
        for workspace in environment.workspaces:
            log = WorkerLog(
                self,
                f"Log-{workspace.name}",
                name=log_group_name(environment.name, workspace.name),
                **kept,
            )
            _book(log, environment, workspace)
            if workspace.own_cluster:
                self._set_apart(workspace, environment=environment, kept=kept, hardened=hardened)
            TamperingFilter(
                self, f"Tampering-{workspace.name}", environment=environment.name, log=log
            )
            self._add_tasks(
                workspace,
                environment=environment,
                image=registry.repository.repository_uri_for_digest(
                    environment.image_of(workspace)
                ),
                log=log,
                variables={
                    WorkerVariable.ENVIRONMENT: environment.name,
                    WorkerVariable.WORKSPACE: workspace.name,
                    WorkerVariable.BUCKET: storage.data.bucket_name,
                    WorkerVariable.KEY_ARN: foundation.data_key.key_arn,
                    WorkerVariable.LONGEST_SECONDS: str(workspace.limits.timeout_seconds),
                    **(
                        {WorkerVariable.TASK_OUTPUT: environment.task_output}
                        if environment.task_output == SESSION_AND_CLOUDWATCH
                        else {}
                    ),
                    **({WorkerVariable.FIPS: "true"} if environment.fips else {}),
                    **(
                        {WorkerVariable.SECRETS: ",".join(x.variable for x in workspace.secrets)}
                        if workspace.secrets
                        else {}
                    ),
                },
            )

    def _insights(self, construct_id: str, cluster: str, *, kept: dict[str, Any]) -> Construct:
        """Make what Container Insights would make itself, unencrypted and never expiring."""
        name = f"/aws/ecs/containerinsights/{cluster}/performance"
        return EncryptedLogGroup(self, construct_id, name=name, **kept)

    def _set_apart(
        self,
        workspace: Workspace,
        *,
        environment: Environment,
        kept: dict[str, Any],
        hardened: dict[str, Any],
    ) -> None:
        """Give a workspace a cluster of its own, as hardened as the environment's."""
        name = cluster_name(environment.name, workspace.name)
        insights = self._insights(f"Insights-{workspace.name}", name, kept=kept)
        cluster = WorkerCluster(self, f"Cluster-{workspace.name}", name=name, **hardened)
        cluster.node.add_dependency(insights)
        for owned in (insights, cluster):
            _book(owned, environment, workspace)

    def _add_tasks(
        self,
        workspace: Workspace,
        *,
        environment: Environment,
        image: str,
        log: WorkerLog,
        variables: dict[str, str],
    ) -> None:
        """Define the workspace's worker, once for each architecture that is offered."""
        roles = {
            "task_role": self._role(workspace, "worker", environment=environment),
            "execution_role": self._role(workspace, "launch", environment=environment),
        }
        for architecture in environment.architectures:
            other = None if architecture == environment.architecture else architecture
            task = WorkerTask(
                self,
                f"Task-{workspace.name}" + (f"-{other}" if other else ""),
                family=task_family(environment.name, workspace.name, other),
                image=image,
                cpu_units=int(cpu_units(workspace.cpu)),
                memory_mib=int(memory_mib(workspace.memory_gb)),
                scratch_gb=workspace.scratch_gb,
                architecture=architecture,
                fargate=environment.capacity is None,
                log=log,
                variables=variables,
                secrets=workspace.named_secrets,
                **roles,
            )
            _book(task, environment, workspace)
            self.tasks[workspace.name, architecture] = task

    def _role(self, workspace: Workspace, purpose: str, *, environment: Environment) -> iam.IRole:
        arn = role_arn(environment.name, purpose, workspace.name, account=environment.account)
        # Its policies are complete; CDK's grants would add inline ones.
        return iam.Role.from_role_arn(
            self, f"{purpose.capitalize()}-{workspace.name}", arn, mutable=False
        )


def _book(owned: Construct, environment: Environment, workspace: Workspace) -> None:
    """Say whose it is, and by which budget it is counted."""
    cdk.Tags.of(owned).add(WORKSPACE_TAG, workspace.name)
    cdk.Tags.of(owned).add(COST_TAG, booked_on(environment.name, workspace.name))
