"""A stack of an add-on whose roles carry a permissions boundary of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.addons.core import Core
from starburst_constructs.identity.roles import KitRole
from starburst_constructs.naming import boundary_arn, boundary_name
from starburst_constructs.policies.boundary import never_allowed
from starburst_constructs.policies.wildcards import DeclaredPolicy

__all__ = ["BoundedStack"]


class BoundedStack(cdk.Stack):
    """The one stack of an add-on, bounded apart from the environment's other roles.

    Those would otherwise be allowed what the add-on's roles need, and one policy of 6,144
    characters would have to hold it all (decision 0042). Where an organization has a boundary for
    every role, roles carry that.

    Args:
        scope: the stage.
        construct_id: the add-on's name, letters and digits alone: the bootstrap tells boundaries
            by it.
        core: of the environment in which it stands.
        ceilings: the most that its roles may ever do, made by ``policies.boundary.ceiling``; what
            no role may is denied beside them.
        regionless: those of their actions whose service has no Region.

    Attributes:
        boundary: to hand to each ``KitRole``. Roles that CDK makes carry it by themselves.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        core: Core,
        ceilings: Sequence[iam.PolicyStatement],
        regionless: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        environment = core.environment
        # The stage gives every role the environment's boundary where a stack names none.
        arn = environment.permissions_boundary or boundary_arn(
            environment.name, construct_id, account=environment.account
        )
        held = cdk.PermissionsBoundary.from_arn(arn)
        super().__init__(scope, construct_id, permissions_boundary=held, **kwargs)
        self.boundary = core.foundation.boundary
        if environment.permissions_boundary is None:
            policy = DeclaredPolicy(
                self,
                "Boundary",
                managed_policy_name=boundary_name(environment.name, construct_id),
                # Without a description: to change one replaces a policy, whose name is taken.
                statements=[
                    *ceilings,
                    *never_allowed(environment.allowed_regions, regionless=regionless),
                ],
            )
            self.boundary = cast(iam.IManagedPolicy, policy)

    def order_roles(self) -> None:
        """Make each role wait for the boundary that it names by its ARN, which orders nothing."""
        if self.boundary.node.scope is self:
            for role in self.node.find_all():
                if isinstance(role, KitRole):
                    role.node.add_dependency(self.boundary)
