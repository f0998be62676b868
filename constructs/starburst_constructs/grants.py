"""Statements that let an AWS service in, never without a key against the confused deputy (P5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from aws_cdk import aws_iam as iam
from constructs import Construct

__all__ = [
    "CONFUSED_DEPUTY_KEYS",
    "ServiceRole",
    "anyone",
    "no_strangers",
    "only_from",
    "require_deputy_key",
    "service_grant",
]

CONFUSED_DEPUTY_KEYS = (
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "kms:CallerAccount",
    "kms:EncryptionContext:",
)
"""Keys (or how they begin) of which every Allow for a service principal carries at least one."""


def anyone() -> iam.IPrincipal:
    """Return the principal of a Deny: everybody, also those who did not sign in.

    jsii's protocols differ from its classes in parameter names, which only a cast can bridge.
    """
    return cast(iam.IPrincipal, iam.AnyPrincipal())


def no_strangers(
    *,
    actions: Sequence[str],
    resources: Sequence[str] = ("*",),
    account: str,
    organization_id: str | None,
) -> iam.PolicyStatement:
    """Return a resource policy's Deny for whoever is not ours; AWS services have their own Allows.

    Args:
        actions: all that the resource's policy can speak of.
        resources: of the policy; ``*`` in a key policy is the key itself, and a repository's policy
            names none.
        account: twelve digits.
        organization_id: widens what is ours from the account to the organization.
    """
    ours = (
        {"aws:PrincipalOrgID": organization_id}
        if organization_id
        else {"aws:PrincipalAccount": account}
    )
    return iam.PolicyStatement(
        sid="DenyStrangers",
        effect=iam.Effect.DENY,
        principals=[anyone()],
        actions=list(actions),
        resources=list(resources) or None,
        conditions={
            "StringNotEquals": ours,
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        },
    )


def only_from(vpc_id: str, *, actions: Sequence[str]) -> iam.PolicyStatement:
    """Return a role's Deny outside one VPC, so that its credentials are of no use elsewhere.

    An AWS service that acts for the role, as S3 does when it asks KMS for a key, is no elsewhere.

    Args:
        vpc_id: every call comes through an endpoint there.
        actions: what code in the VPC does; what AWS does in the role's name is from outside.
    """
    return iam.PolicyStatement(
        sid="NothingFromOutside",
        effect=iam.Effect.DENY,
        actions=list(actions),
        resources=["*"],
        conditions={
            "StringNotEquals": {"aws:SourceVpc": vpc_id},
            "BoolIfExists": {"aws:ViaAWSService": "false"},
        },
    )


def require_deputy_key(
    name: str, service: str, conditions: Mapping[str, Mapping[str, Any]]
) -> None:
    """Raise ValueError where ``conditions`` let ``service`` act for just anybody."""
    keys = [key for block in conditions.values() for key in block]
    if not any(key.startswith(CONFUSED_DEPUTY_KEYS) for key in keys):
        raise ValueError(
            f"{name}: {service} would be allowed on behalf of anybody; "
            f"add a condition on one of {', '.join(CONFUSED_DEPUTY_KEYS)}"
        )


def service_grant(
    sid: str,
    service: str,
    *,
    actions: Sequence[str],
    resources: Sequence[str] = ("*",),
    conditions: Mapping[str, Mapping[str, Any]],
) -> iam.PolicyStatement:
    """Return an Allow for one service principal, bound to who it acts for.

    Args:
        sid: statement id.
        service: for example ``logs.eu-west-1.amazonaws.com``.
        actions: what it may do.
        resources: of the resource policy; ``*`` in a key policy is the key itself.
        conditions: IAM condition block with one of ``CONFUSED_DEPUTY_KEYS``.

    Raises:
        ValueError: no condition says for whom the service acts.
    """
    require_deputy_key(sid, service, conditions)
    return iam.PolicyStatement(
        sid=sid,
        principals=[cast(iam.IPrincipal, iam.ServicePrincipal(service))],
        actions=list(actions),
        resources=list(resources),
        conditions={operator: dict(block) for operator, block in conditions.items()},
    )


class ServiceRole(iam.Role):
    """A role that one AWS service takes for us alone, with one managed policy.

    A managed policy rather than an inline one: it has versions, and auditors can list it.

    Args:
        scope: parent construct.
        construct_id: its id there.
        service: for example ``cloudtrail.amazonaws.com``.
        description: what it does, for who reads the role.
        conditions: of the trust, with one of ``CONFUSED_DEPUTY_KEYS``.
        statements: all that it may do.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: str,
        description: str,
        conditions: Mapping[str, Mapping[str, Any]],
        statements: Sequence[iam.PolicyStatement],
    ) -> None:
        require_deputy_key(construct_id, service, conditions)
        super().__init__(
            scope,
            construct_id,
            description=description,
            assumed_by=iam.PrincipalWithConditions(
                cast(iam.IPrincipal, iam.ServicePrincipal(service)),
                {operator: dict(block) for operator, block in conditions.items()},
            ),
        )
        iam.ManagedPolicy(
            self,
            "Policy",
            description=description,
            roles=[cast(iam.IRole, self)],
            statements=list(statements),
        )
