"""Who may do what: every role that people, workers and the controller have, and nothing else."""

from __future__ import annotations

from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.foundation import FoundationStack
from stacks.network import NetworkStack
from stacks.registry import RegistryStack
from stacks.settings import BrokerRole, Environment, MfaUsers, SamlProvider, Workspace
from stacks.storage import StorageStack
from starburst_constructs.identity.endpoint_opening import flipping_statements
from starburst_constructs.identity.roles import (
    KitRole,
    analyst_conditions,
    mfa_conditions,
    task_trust,
)
from starburst_constructs.naming import role_name
from starburst_constructs.policies.analyst import analyst_statements
from starburst_constructs.policies.controller import (
    fleet_statements,
    function_statements,
    passing_statements,
    session_statements,
)
from starburst_constructs.policies.platform import platform_statements
from starburst_constructs.policies.worker import launch_statements, worker_statements

__all__ = ["AccessStack"]

_WORKING_DAY = cdk.Duration.hours(8)


class AccessStack(cdk.Stack):
    """The roles of one environment.

    Args:
        scope: the stage.
        construct_id: its id there.
        environment: whose roles these are.
        foundation: for the boundary and the data key.
        network: for the VPC, outside of which workers' credentials are of no use.
        storage: for the data bucket.
        registry: for the worker image's repository.

    Attributes:
        analyst_roles: by workspace; a person becomes one through the identity provider.
        worker_roles: by workspace; what code on a worker may do.
        execution_roles: by workspace; what ECS may do to start a worker.
        controller_role: the only one that may start tasks, pass roles and make queues.
        platform_role: deploys and reads logs; no data.
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
        self._settings = environment
        self._boundary = foundation.boundary
        self._vpc_id = None if "source-vpce" in environment.without else network.vpc.vpc_id
        self._placement = environment.placement
        self._data = {
            "bucket_arn": storage.data.bucket_arn,
            "key_arn": foundation.data_key.key_arn,
        }
        self._logs_key_arn = foundation.logs_key.key_arn
        self.analyst_roles: dict[str, iam.Role] = {}
        self.worker_roles: dict[str, iam.Role] = {}
        self.execution_roles: dict[str, iam.Role] = {}
        for workspace in environment.workspaces:
            name = workspace.name
            self.analyst_roles[name] = self._analyst(workspace)
            self.worker_roles[name] = self._worker(workspace)
            self.execution_roles[name] = self._launcher(
                workspace, repository_arn=registry.repository.repository_arn
            )
        self.controller_role = self._controller()
        self.platform_role = self._platform(repository_arn=registry.repository.repository_arn)

    def _analyst(self, workspace: Workspace) -> iam.Role:
        environment = self._settings
        return KitRole(
            self,
            f"Analyst-{workspace.name}",
            name=role_name(environment.name, "analyst", workspace.name),
            purpose="analyst",
            workspace=workspace.name,
            trust=cast(
                iam.IPrincipal,
                iam.SessionTagsPrincipal(_login_principal(environment, tags=True)),
            ),
            boundary=self._boundary,
            description=f"Analysts of workspace {workspace.name}",
            session=_WORKING_DAY,
            policies={
                "Analysis": analyst_statements(
                    environment.name,
                    workspace.name,
                    placement=self._placement,
                    **self._data,
                    trusted_cidrs=environment.trusted_cidrs,
                    trusted_vpcs=environment.trusted_vpcs,
                )
            },
        )

    def _worker(self, workspace: Workspace) -> iam.Role:
        environment = self._settings
        return KitRole(
            self,
            f"Worker-{workspace.name}",
            name=role_name(environment.name, "worker", workspace.name),
            purpose="worker",
            workspace=workspace.name,
            trust=task_trust(placement=self._placement),
            boundary=self._boundary,
            description=f"Code on workers of workspace {workspace.name}",
            policies={
                "Work": worker_statements(
                    environment.name,
                    workspace.name,
                    placement=self._placement,
                    **self._data,
                    vpc_id=self._vpc_id,
                )
            },
        )

    def _launcher(self, workspace: Workspace, *, repository_arn: str) -> iam.Role:
        environment = self._settings
        return KitRole(
            self,
            f"Launch-{workspace.name}",
            name=role_name(environment.name, "launch", workspace.name),
            purpose="launch",
            workspace=workspace.name,
            trust=task_trust(placement=self._placement),
            boundary=self._boundary,
            description=f"ECS starting workers of workspace {workspace.name}",
            policies={
                "Launch": launch_statements(
                    environment.name,
                    workspace.name,
                    placement=self._placement,
                    repository_arn=repository_arn,
                )
            },
        )

    def _controller(self) -> iam.Role:
        environment = self._settings
        workspaces = [workspace.name for workspace in environment.workspaces]
        on_demand = environment.network.while_bursting
        passed = [
            role.role_arn
            for roles in (self.worker_roles, self.execution_roles)
            for role in roles.values()
        ]
        return KitRole(
            self,
            "Controller",
            name=role_name(environment.name, "controller"),
            purpose="controller",
            trust=cast(iam.IPrincipal, iam.ServicePrincipal("lambda.amazonaws.com")),
            boundary=self._boundary,
            description="The session controller",
            policies={
                "Sessions": session_statements(
                    environment.name,
                    workspaces,
                    placement=self._placement,
                    **self._data,
                    logs_key_arn=self._logs_key_arn,
                ),
                # Apart, because each holds an ARN or two per workspace and IAM limits a policy.
                "Fleet": fleet_statements(
                    environment.name,
                    workspaces,
                    placement=self._placement,
                    other_architectures=environment.other_architectures,
                ),
                "Passing": passing_statements(passed),
                "Function": function_statements(
                    environment.name,
                    placement=self._placement,
                    in_vpc=not on_demand,
                    vpc_id=self._vpc_id,
                ),
                **(
                    {"Endpoints": flipping_statements(environment.name, placement=self._placement)}
                    if on_demand
                    else {}
                ),
            },
        )

    def _platform(self, *, repository_arn: str) -> iam.Role:
        environment = self._settings
        return KitRole(
            self,
            "Platform",
            name=role_name(environment.name, "platform"),
            purpose="platform",
            trust=_login_principal(environment, tags=False),
            boundary=self._boundary,
            description="The platform team: deploys, pushes images, reads logs, no data",
            session=_WORKING_DAY,
            policies={
                "Operation": platform_statements(
                    environment.name,
                    placement=self._placement,
                    **self._data,
                    logs_key_arn=self._logs_key_arn,
                    repository_arn=repository_arn,
                    qualifier=self.synthesizer.bootstrap_qualifier
                    or cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER,
                )
            },
        )


def _login_principal(environment: Environment, *, tags: bool) -> iam.IPrincipal:
    """Return who may assume a role for people; with ``tags`` it asks for the user's name."""
    conditions = analyst_conditions() if tags else {}
    principal: iam.PrincipalBase
    match environment.identity:
        case SamlProvider(arn=arn, audience=audience):
            principal = iam.FederatedPrincipal(
                arn,
                {**conditions, "StringEquals": {"SAML:aud": audience}},
                "sts:AssumeRoleWithSAML",
            )
        case BrokerRole(arn=arn):
            principal = iam.ArnPrincipal(arn).with_conditions(conditions)
        case MfaUsers(account=account):
            principal = iam.AccountPrincipal(account).with_conditions(
                {**conditions, **mfa_conditions(tags=tags)}
            )
    return cast(iam.IPrincipal, principal)
