"""Who alone touches data: the bucket and the key refuse all other principals themselves (A7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from aws_cdk import aws_iam as iam

from starburst.contract import WORKSPACE_TAG
from starburst_constructs.naming import role_arn
from starburst_constructs.policies.service_access import anyone

__all__ = [
    "ERASING",
    "TOUCHING",
    "data_principals",
    "others",
    "refuse_others_the_key",
    "refused_callers",
]

TOUCHING: Final = ("analyst", "steward", "worker")
"""Purposes of the roles of each workspace that touch data; the controller does so as well."""

ERASING: Final = ("s3:DeleteObject", "s3:DeleteObjectVersion")
"""What ``deploy.destroy`` does to a test environment, whoever runs it."""

_MOST_LISTED: Final = 6_500
"""Characters of ARNs that leave room for what else the bucket's policy says."""

_ECR: Final = "kms:EncryptionContext:aws:ecr:arn"


def data_principals(
    environment: str,
    workspaces: Sequence[str],
    *,
    account: str,
    others: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return the ARNs of all roles that may touch data, each by its whole name.

    A pattern would take in roles that anybody makes later. Of a session ``aws:PrincipalArn`` is its
    role's ARN, with the role's path:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn

    Args:
        environment: its name.
        workspaces: their names.
        account: twelve digits.
        others: ARNs of roles that are not the kit's.

    Example:
        >>> data_principals("dev", [], account="444455556666")
        ('arn:aws:iam::444455556666:role/starburst-dev-controller',)
    """
    return (
        role_arn(environment, "controller", account=account),
        *(
            role_arn(environment, purpose, workspace, account=account)
            for workspace in workspaces
            for purpose in TOUCHING
        ),
        *others,
    )


def others(principals: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the condition that a caller is none of these, and no AWS service by itself.

    Who did not sign in has no ARN, and a negated operator holds without its key. An AWS service
    that acts for a principal has that principal's ARN.
    """
    return {
        "ArnNotEquals": {"aws:PrincipalArn": list(principals)},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }


def refused_callers(
    principals: Sequence[str], *, environment: str, workspaces: Sequence[str], account: str
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the conditions of callers that are not on the list, by what a Deny of each is called.

    A bucket's policy holds 20 KB, and a list of whole ARNs takes a third of a kilobyte for a
    workspace. Where it is too long, two denials say the same: a role of a workspace has the name
    that its own tag makes, and the tag is one of the workspaces'. So no name is open here either.

    Args:
        principals: as ``data_principals`` returns them.
        environment: its name.
        workspaces: their names.
        account: twelve digits.
    """
    if sum(map(len, principals)) <= _MOST_LISTED:
        return {"OtherPrincipals": others(principals)}
    listed = data_principals(environment, workspaces, account=account)
    rest = [one for one in principals if one not in listed[1:]]
    tag = f"aws:PrincipalTag/{WORKSPACE_TAG}"
    tagged = data_principals(environment, [f"${{{tag}}}"], account=account)[1:]
    return {
        "OtherPrincipals": others([*rest, *tagged]),
        "OtherWorkspaces": {"StringNotEquals": {tag: list(workspaces)}, **others(rest)},
    }


def refuse_others_the_key(principals: Sequence[str], *, region: str) -> iam.PolicyStatement:
    """Return the key policy's Deny: none of what opens or makes ciphertext, nor a grant to do so.

    Images are no data: who pulls one has ECR decrypt its layers, and says so by both of these.
    A service that forwards another's call names nobody.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html

    Args:
        principals: who is let through.
        region: of the key.
    """
    conditions = others(principals)
    return iam.PolicyStatement(
        sid="DenyOtherPrincipals",
        effect=iam.Effect.DENY,
        principals=[anyone()],
        actions=[
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
        ],
        resources=["*"],
        conditions={
            **conditions,
            "Null": {"aws:PrincipalArn": "false", _ECR: "true"},
            "StringNotEquals": {"kms:ViaService": f"ecr.{region}.amazonaws.com"},
        },
    )
