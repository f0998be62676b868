"""Roles of the kit: who may become one, and that each carries the boundary and no inline policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from starburst.contract import USER_TAG, WORKSPACE_TAG
from starburst_constructs.identity.parts import in_parts
from starburst_constructs.naming import ROLE_TAG
from starburst_constructs.placement import Placement
from starburst_constructs.policies.wildcards import DeclaredPolicy

__all__ = [
    "FORBIDDEN_IN_USER",
    "KitRole",
    "analyst_conditions",
    "mfa_conditions",
    "task_trust",
]

FORBIDDEN_IN_USER: Final = (
    *(f"*{character}*" for character in "/_.:=+-@ "),
    f"{'?' * 33}*",
)
"""Patterns of user names that a trust refuses: a tag is a folder name, so it cannot hold a slash.

STS itself allows only letters, digits, spaces and ``_.:/=+-@`` in a session tag: no wildcard.
"""


class KitRole(iam.Role):
    """A named role under the boundary, with managed policies only.

    Args:
        scope: parent construct.
        construct_id: its id there.
        name: physical name: people, identity providers and other stacks refer to it.
        purpose: value of the role's ``starburst:role`` tag.
        trust: who may become this role.
        boundary: the most that it can ever do.
        policies: statements by title; each title becomes one managed policy. What IAM would not
            store of one stands in another, ``More``.
        description: what the role is for.
        workspace: value of its ``starburst-workspace`` tag, where it belongs to one.
        session: the longest session.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        purpose: str,
        trust: iam.IPrincipal,
        boundary: iam.IManagedPolicy,
        policies: Mapping[str, Sequence[iam.PolicyStatement]],
        description: str,
        workspace: str | None = None,
        session: cdk.Duration | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            role_name=name,
            assumed_by=trust,
            description=description,
            permissions_boundary=boundary,
            max_session_duration=session,
        )
        for title, statements in in_parts(policies).items():
            # On the role, not on the policy: the role is complete the moment that it exists.
            self.add_managed_policy(
                DeclaredPolicy(
                    self,
                    title,
                    description=f"{description}: {title}",
                    statements=statements,
                )
            )
        cdk.Tags.of(self).add(ROLE_TAG, purpose)
        if workspace is not None:
            cdk.Tags.of(self).add(WORKSPACE_TAG, workspace)


def task_trust(*, placement: Placement) -> iam.IPrincipal:
    """Return the trust of a role that ECS tasks of this account and Region assume (S2)."""
    return iam.PrincipalWithConditions(
        cast(iam.IPrincipal, iam.ServicePrincipal("ecs-tasks.amazonaws.com")),
        {
            "StringEquals": {"aws:SourceAccount": placement.account},
            "ArnLike": {"aws:SourceArn": placement.arn("ecs", "*")},
        },
    )


def analyst_conditions() -> dict[str, dict[str, Any]]:
    """Return what must hold of a session's tags: ``userName``, nothing else, one plain word (P10).

    ``ForAllValues`` also holds for a request without tags, so presence is asked for as well.
    """
    request_tag = f"aws:RequestTag/{USER_TAG}"
    return {
        "Null": {request_tag: "false"},
        "ForAllValues:StringEquals": {"aws:TagKeys": [USER_TAG]},
        "StringLike": {request_tag: "???*"},
        "StringNotLike": {request_tag: list(FORBIDDEN_IN_USER)},
    }


def mfa_conditions(*, tags: bool, users: str | None = None) -> dict[str, dict[str, Any]]:
    """Return what must hold of IAM users: a second factor; with ``tags``, their own name (S4).

    Args:
        tags: whether sessions carry a name.
        users: pattern of the ARNs of the users that are meant; None for all of their account.
    """
    conditions: dict[str, dict[str, Any]] = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    if tags:
        conditions["StringEquals"] = {f"aws:RequestTag/{USER_TAG}": "${aws:username}"}
    if users is not None:
        conditions["ArnLike"] = {"aws:PrincipalArn": users}
    return conditions
