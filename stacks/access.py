"""Who may do what: every role that people, workers and the controller have, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.foundation import FoundationStack
from stacks.network import NetworkStack
from stacks.registry import RegistryStack
from stacks.settings import (
    BrokerRole,
    Environment,
    IdentityCenter,
    MfaUsers,
    SamlProvider,
    Workspace,
)
from stacks.settings.validation import require
from stacks.storage import StorageStack
from starburst_constructs.identity.credentials import users_below
from starburst_constructs.identity.endpoint_opening import flipping_statements
from starburst_constructs.identity.identity_center import (
    center_conditions,
    permission_set_name,
)
from starburst_constructs.identity.roles import (
    KitRole,
    analyst_conditions,
    mfa_conditions,
    task_trust,
)
from starburst_constructs.naming import role_arn, role_name
from starburst_constructs.policies.analyst import analyst_area_statements, analyst_statements
from starburst_constructs.policies.controller import (
    fleet_statements,
    function_statements,
    passing_statements,
    session_statements,
)
from starburst_constructs.policies.platform import platform_statements
from starburst_constructs.policies.reads import MOST_STORED, reading_statements, stored
from starburst_constructs.policies.steward import steward_statements
from starburst_constructs.policies.worker import (
    launch_statements,
    secret_statements,
    worker_area_statements,
    worker_statements,
)

__all__ = ["WORKSPACES_A_STACK", "AccessStack"]

WORKSPACES_A_STACK: Final = 24
"""Workspaces whose roles one stack has: some ten resources and 28 kB of template each.

CloudFormation takes 500 resources and 1 MB. A workspace stays in its stack while none before it in
the settings goes: its roles have names, which only one stack at a time can make.
"""

_WORKING_DAY = cdk.Duration.hours(8)


class AccessStack(cdk.Stack):
    """The roles of one environment, or those of some of its workspaces.

    A stack has room for the roles of so many workspaces; more have stacks of their own, which need
    nothing of the first: roles know each other by name.

    Args:
        scope: the stage.
        construct_id: its id there.
        environment: whose roles these are.
        foundation: for the boundary and the data key.
        network: for the VPC, outside of which workers' credentials are of no use.
        storage: for the data bucket.
        registry: for the worker image's repository.
        first: the place of its first workspace among the environment's; the stack at 0 has the
            roles of the whole environment as well.

    Attributes:
        analyst_roles: by workspace; a person becomes one through the identity provider.
        steward_roles: by workspace; who puts its packages and data.
        worker_roles: by workspace; what code on a worker may do.
        execution_roles: by workspace; what ECS may do to start a worker.
        controller_role: the only one that may start tasks, pass roles and make queues; of the first
            stack alone.
        platform_role: deploys and reads logs; no data; of the first stack alone.
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
        first: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._settings = environment
        self._boundary = foundation.boundary
        self._vpc_id = None if "source-vpce" in environment.without else network.vpc.vpc_id
        # Who lets clients into the VPC lets analysts' credentials work there.
        inside = (network.vpc.vpc_id,) if environment.network.client_groups else ()
        self._trusted_vpcs = tuple(dict.fromkeys((*environment.trusted_vpcs, *inside)))
        self._placement = environment.placement
        self._data = {
            "bucket_arn": storage.data.bucket_arn,
            "key_arn": foundation.data_key.key_arn,
        }
        self._logs_key_arn = foundation.logs_key.key_arn
        self.analyst_roles: dict[str, iam.Role] = {}
        self.steward_roles: dict[str, iam.Role] = {}
        self.worker_roles: dict[str, iam.Role] = {}
        self.execution_roles: dict[str, iam.Role] = {}
        own = environment.workspaces[first : first + WORKSPACES_A_STACK]
        for workspace in own:
            name = workspace.name
            self.analyst_roles[name] = self._analyst(workspace)
            self.steward_roles[name] = self._steward(workspace)
            self.worker_roles[name] = self._worker(workspace)
            self.execution_roles[name] = self._launcher(
                workspace, repository_arn=registry.repository.repository_arn
            )
        if not first:
            self.controller_role = self._controller()
            self.platform_role = self._platform(repository_arn=registry.repository.repository_arn)

    def _analyst(self, workspace: Workspace) -> iam.Role:
        return self._person(
            workspace,
            "analyst",
            {
                "Analysis": analyst_statements(
                    self._settings.name,
                    workspace.name,
                    placement=self._placement,
                    **self._data,
                    trusted_cidrs=self._settings.trusted_cidrs,
                    trusted_vpcs=self._trusted_vpcs,
                ),
                "Areas": analyst_area_statements(
                    workspace.name,
                    bucket_arn=self._data["bucket_arn"],
                    packages=workspace.packages,
                    data_writers=workspace.data_writers,
                    home_links=workspace.home_links,
                ),
            },
        )

    def _steward(self, workspace: Workspace) -> iam.Role:
        return self._person(
            workspace,
            "steward",
            {
                "Stewardship": steward_statements(
                    self._settings.name,
                    workspace.name,
                    placement=self._placement,
                    **self._data,
                    packages=workspace.packages,
                    trusted_cidrs=self._settings.trusted_cidrs,
                    trusted_vpcs=self._trusted_vpcs,
                )
            },
        )

    def _person(
        self,
        workspace: Workspace,
        purpose: str,
        policies: Mapping[str, Sequence[iam.PolicyStatement]],
    ) -> iam.Role:
        """Return a role that people of a workspace log in to, each under a name of their own."""
        principal = _login_principal(self._settings, purpose, workspace.name)
        return KitRole(
            self,
            f"{purpose.capitalize()}-{workspace.name}",
            name=role_name(self._settings.name, purpose, workspace.name),
            purpose=purpose,
            workspace=workspace.name,
            trust=cast(iam.IPrincipal, iam.SessionTagsPrincipal(principal)),
            boundary=self._boundary,
            description=f"{purpose.capitalize()}s of workspace {workspace.name}",
            session=_WORKING_DAY,
            policies=policies,
        )

    def _worker(self, workspace: Workspace) -> iam.Role:
        environment = self._settings
        reads = self._reads(workspace)
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
                ),
                "Areas": worker_area_statements(
                    workspace.name, bucket_arn=self._data["bucket_arn"]
                ),
                # Apart, because it is long as soon as there is any.
                **({"Reads": reads} if reads else {}),
            },
        )

    def _reads(self, workspace: Workspace) -> list[iam.PolicyStatement]:
        """Return what workers read of other buckets; refuse more than IAM stores."""
        found = reading_statements(self._settings.named_reads(workspace), placement=self._placement)
        require(
            stored(found) <= MOST_STORED,
            f"workspace {workspace.name}: reads",
            ", ".join(each.objects for each in workspace.named_reads),
            f"fewer or shorter ones: IAM stores {MOST_STORED} characters of a policy",
        )
        return found

    def _launcher(self, workspace: Workspace, *, repository_arn: str) -> iam.Role:
        environment = self._settings
        secrets = self._secrets(workspace)
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
                ),
                **({"Secrets": secrets} if secrets else {}),
            },
        )

    def _secrets(self, workspace: Workspace) -> list[iam.PolicyStatement]:
        """Return what ECS reads for workers as it starts them; refuse more than IAM stores."""
        found = secret_statements(workspace.named_secrets, placement=self._placement)
        require(
            stored(found) <= MOST_STORED,
            f"workspace {workspace.name}: secrets",
            ", ".join(each.variable for each in workspace.secrets),
            "fewer secrets, of which several variables take a json_key each: IAM stores "
            f"{MOST_STORED} characters of a policy",
        )
        return found

    def _controller(self) -> iam.Role:
        environment = self._settings
        workspaces = [workspace.name for workspace in environment.workspaces]
        on_demand = environment.network.while_bursting
        passed = [
            roles[name].role_arn
            if name in roles
            else role_arn(environment.name, purpose, name, account=environment.account)
            for purpose, roles in (("worker", self.worker_roles), ("launch", self.execution_roles))
            for name in workspaces
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
                    apart=environment.own_clusters,
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
            trust=_login_principal(environment, "platform"),
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


def _login_principal(
    environment: Environment, purpose: str, workspace: str | None = None
) -> iam.IPrincipal:
    """Return who may assume a role for people; one of a workspace asks for the user's name."""
    tags = workspace is not None
    conditions = analyst_conditions() if tags else {}
    principal: iam.PrincipalBase
    match environment.identity:
        case SamlProvider(arn=arn, audience=audience):
            principal = iam.FederatedPrincipal(
                arn,
                {**conditions, "StringEquals": {"SAML:aud": audience}},
                "sts:AssumeRoleWithSAML",
            )
        case BrokerRole(arn=arn, platform_arn=platform_arn):
            apart = platform_arn if not tags and platform_arn is not None else arn
            principal = iam.ArnPrincipal(apart).with_conditions(conditions)
        case MfaUsers(account=account, path=path):
            users = None if path == "/" else users_below(account, path)
            principal = iam.AccountPrincipal(account).with_conditions(
                {**conditions, **mfa_conditions(tags=tags, users=users)}
            )
        case IdentityCenter(region=region):
            asked = center_conditions(
                permission_set_name(environment.name, purpose, workspace),
                account=environment.account,
                region=region,
                tags=tags,
            )
            principal = iam.AccountPrincipal(environment.account).with_conditions(
                {**conditions, **asked}
            )
    return cast(iam.IPrincipal, principal)
