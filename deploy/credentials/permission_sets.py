"""What IAM Identity Center's own account deploys: permission sets, assignments, one attribute."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sso as sso
from constructs import Construct

from stacks.settings import Environment, IdentityCenter
from starburst.contract import USER_TAG
from starburst_constructs.identity.identity_center import (
    permission_set_document,
    permission_set_name,
)
from starburst_constructs.naming import role_arn

__all__ = ["IdentityCenterStack"]

_WORKING_DAY = "PT8H"


class IdentityCenterStack(cdk.Stack):
    """Permission sets of one environment, each assigned to one group in its account.

    It belongs to the organization's management account, or to the one that administers Identity
    Center: `python -m deploy.credentials.identity_center` writes its template for them.

    Args:
        scope: the app.
        construct_id: its id there.
        environment: whose identity is an ``IdentityCenter``.
        center: that identity.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        center: IdentityCenter,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=cdk.Environment(account=center.account, region=center.region),
            stack_name=f"starburst-{environment.name}-identity-center",
            description=f"Who may become whom in the Starburst environment {environment.name}",
            # Nothing in it is a file, so it needs no bootstrapped account.
            synthesizer=cdk.LegacyStackSynthesizer(),
            **kwargs,
        )
        self._environment, self._center = environment, center
        if center.sets_attribute:
            sso.CfnInstanceAccessControlAttributeConfiguration(
                self,
                "Attributes",
                instance_arn=center.instance_arn,
                access_control_attributes=[
                    sso.CfnInstanceAccessControlAttributeConfiguration.AccessControlAttributeProperty(
                        key=USER_TAG,
                        value=sso.CfnInstanceAccessControlAttributeConfiguration.AccessControlAttributeValueProperty(
                            source=[center.user_attribute]
                        ),
                    )
                ],
            )
        for one in center.groups:
            self._assign("analyst", one.analysts, workspace=one.workspace)
            if one.stewards is not None:
                self._assign("steward", one.stewards, workspace=one.workspace)
        if center.platform_group is not None:
            self._assign("platform", center.platform_group)

    def _assign(self, purpose: str, group: str, *, workspace: str | None = None) -> None:
        name, account = self._environment.name, self._environment.account
        label = purpose if workspace is None else f"{purpose}-{workspace}"
        role = role_arn(name, purpose, workspace, account=account)
        permission_set = sso.CfnPermissionSet(
            self,
            f"Set-{label}",
            instance_arn=self._center.instance_arn,
            name=permission_set_name(name, purpose, workspace),
            description=f"Leads to {role.rpartition('/')[2]} and does nothing else",
            session_duration=_WORKING_DAY,
            inline_policy=permission_set_document(role, tags=workspace is not None),
        )
        sso.CfnAssignment(
            self,
            f"Assignment-{label}",
            instance_arn=self._center.instance_arn,
            permission_set_arn=permission_set.attr_permission_set_arn,
            principal_id=group,
            principal_type="GROUP",
            target_id=account,
            target_type="AWS_ACCOUNT",
        )
