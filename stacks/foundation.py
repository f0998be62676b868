"""What every other stack stands on: the two keys and the permissions boundary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.settings import Environment
from stacks.settings.addon import Addon
from stacks.settings.validation import require
from starburst_constructs.identity.endpoint_opening import REGIONLESS, opening_ceiling
from starburst_constructs.naming import (
    boundary_arn,
    boundary_name,
    cluster_names,
    deployer_arn,
)
from starburst_constructs.network.vpc import closing_ceiling
from starburst_constructs.policies.boundary import boundary_statements
from starburst_constructs.policies.reads import MOST_STORED, reading_ceilings, stored
from starburst_constructs.policies.wildcards import DeclaredPolicy
from starburst_constructs.policies.worker import secret_ceilings
from starburst_constructs.storage.keys import DataKey, Keepers, LogsKey
from starburst_constructs.storage.touching import data_principals

__all__ = ["FoundationStack"]


class FoundationStack(cdk.Stack):
    """Keys and boundary of one environment.

    Args:
        scope: the stage.
        construct_id: its id there.
        environment: whose keys and boundary these are.
        addons: those that it has: the boundary must allow what their roles do.

    Attributes:
        data_key: encrypts what analysts own.
        logs_key: encrypts what auditors read.
        boundary: permissions boundary of every role of the kit.
        deployer_arn: of the role in which CloudFormation deploys.
        data_principals: ARNs of the roles that alone touch data; the storage stack comes before
            the access stack, which makes them.
        keepers: who alone may touch the life of a key; None in a test environment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        addons: Sequence[Addon] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.deployer_arn = deployer_arn(
            account=environment.account,
            region=environment.region,
            qualifier=self.synthesizer.bootstrap_qualifier
            or cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER,
        )
        self.keepers = (
            Keepers(deployer=self.deployer_arn, break_glass=environment.break_glass_role_arn)
            if environment.production
            else None
        )
        self.data_principals = data_principals(
            environment.name,
            [workspace.name for workspace in environment.workspaces],
            account=environment.account,
            others=[
                *filter(None, [environment.break_glass_role_arn]),
                *environment.data_role_arns,
                *(arn for addon in addons for arn in addon.data_roles(environment)),
            ],
        )
        self.data_key = DataKey(
            self,
            "DataKey",
            placement=environment.placement,
            clusters=cluster_names(environment.name, environment.own_clusters),
            principals=self.data_principals,
            keepers=self.keepers,
        )
        self.logs_key = LogsKey(
            self,
            "LogsKey",
            placement=environment.placement,
            keepers=self.keepers,
        )
        closes_group = (
            environment.network.existing is None
            and "default-security-group" not in environment.without
        )
        on_demand = environment.network.while_bursting
        self.boundary: iam.IManagedPolicy
        if environment.permissions_boundary:
            self.boundary = iam.ManagedPolicy.from_managed_policy_arn(
                self, "Boundary", environment.permissions_boundary
            )
        else:
            reads = [
                each
                for workspace in environment.workspaces
                for each in environment.named_reads(workspace)
            ]
            secrets = [
                each for workspace in environment.workspaces for each in workspace.named_secrets
            ]
            statements = boundary_statements(
                environment.name,
                placement=environment.placement,
                regions=environment.allowed_regions,
                apart=environment.own_clusters,
                also=(
                    *(closing_ceiling(environment.placement) if closes_group else ()),
                    *(
                        opening_ceiling(environment.name, placement=environment.placement)
                        if on_demand
                        else ()
                    ),
                    *reading_ceilings(reads, placement=environment.placement),
                    *secret_ceilings(secrets),
                    *(each for addon in addons for each in addon.ceilings(environment)),
                ),
                regionless=(
                    *(REGIONLESS if on_demand else ()),
                    *(each for addon in addons for each in addon.regionless(environment)),
                ),
            )
            if reads or secrets or environment.own_clusters:
                _check_room(environment, statements)
            self.boundary = DeclaredPolicy(
                self,
                "Boundary",
                # Without a description: to change one replaces a policy, whose name is taken.
                managed_policy_name=boundary_name(environment.name),
                statements=statements,
            )

    @staticmethod
    def boundary_arn(environment: Environment) -> str:
        """Return the ARN of the boundary that every role of ``environment`` carries."""
        return environment.permissions_boundary or boundary_arn(
            environment.name, account=environment.account
        )


def _check_room(environment: Environment, statements: Sequence[iam.PolicyStatement]) -> None:
    """Refuse more reads of other accounts, secrets and clusters than the boundary has room for."""
    needed = stored(statements)
    also = " (endpoints='always' leaves more room)" if environment.network.while_bursting else ""
    named = sorted({each.objects for one in environment.workspaces for each in one.named_reads})
    secrets = sorted({each.arn for one in environment.workspaces for each in one.secrets})
    fewer = [
        *(["fewer or shorter ones of other accounts"] if named else []),
        *(["fewer secrets, each with several JSON keys"] if secrets else []),
        *(["fewer workspaces with a cluster of their own"] if environment.own_clusters else []),
    ]
    known = {"reads": named, "secrets": secrets, "own_cluster": environment.own_clusters}
    fields = [name for name, values in known.items() if values]
    allowed = (
        f"{' and '.join(fewer)}{also}: the boundary would need {needed} characters of the "
        f"{MOST_STORED} that IAM stores"
    )
    field = f"environment {environment.name}: {' and '.join(fields)} of its workspaces"
    values = ", ".join((*named, *secrets, *environment.own_clusters))
    require(needed <= MOST_STORED, field, values, allowed)
