"""Who reaches whom, step by step and in all: tables, written apart from all policies.

Parties are roles by purpose, by logical name where an AWS service takes them, and ``cdk/`` with a
job for those of the bootstrap. ``STACKS`` is every role of the environment's own stacks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

__all__ = [
    "BECOMING",
    "MAKING",
    "OUTSIDE",
    "REACH",
    "REWRITING",
    "RUNNING",
    "RUNNING_OF",
    "STACKS",
    "STEPS",
    "Step",
    "Taker",
]

Step = tuple[str, str]
"""How, and whom: ``becomes``, ``passes``, ``rewrites`` or ``runs as``."""

STACKS: Final = "stacks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    """Who takes a role of an add-on, beside AWS services.

    Attributes:
        who: another account by its digits, or the ARN of an identity provider or of another role of
            the add-on; ``{a}`` and ``{env}`` in it are the environment's account and name.
        actions: by which they take it.
        said: what the request must say as well, such as a claim of a token, by its key.
    """

    who: str
    actions: Sequence[str]
    said: Mapping[str, str] = field(default_factory=dict)


STEPS: Final[Mapping[str, Sequence[Step]]] = {
    "platform": (
        ("becomes", "cdk/deploy"),
        ("becomes", "cdk/file-publishing"),
        ("becomes", "cdk/image-publishing"),
    ),
    "cdk/deploy": (
        ("passes", "cdk/cfn-exec"),
        ("runs as", "cdk/cfn-exec"),
    ),
    "cdk/cfn-exec": (
        ("passes", STACKS),
        ("rewrites", STACKS),
        ("runs as", STACKS),
    ),
    "controller": (
        ("passes", "worker"),
        ("passes", "launch"),
        ("passes", "endpoints"),
        ("runs as", "endpoints"),
    ),
}
"""All single steps that there are; who is not here takes none.

Each serves a purpose: engineers deploy by their bootstrap, whose deploying role hands its execution
role to CloudFormation, which makes and changes the roles of the stacks under their boundary; and
the controller starts workers, and has endpoints opened.
"""

REACH: Final[Mapping[str, frozenset[str]]] = {
    "platform": frozenset(
        {
            *("cdk/deploy", "cdk/file-publishing", "cdk/image-publishing", "cdk/cfn-exec"),
            STACKS,
        }
    ),
    "cdk/deploy": frozenset({"cdk/cfn-exec", STACKS}),
    "cdk/cfn-exec": frozenset({STACKS}),
    "controller": frozenset({"worker", "launch", "endpoints"}),
}
"""All that anybody reaches by any number of steps; who is not here reaches nobody."""

OUTSIDE: Final = ("analyst", "steward", "platform")
"""Whom an identity provider lets people become. Other roles are taken by AWS services alone."""

BECOMING: Final = (
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:SetSourceIdentity",
    "sts:TagSession",
)
"""By which a session of a role begins, or is told whose it is."""

REWRITING: Final = (
    "iam:AttachRolePolicy",
    "iam:CreatePolicyVersion",
    "iam:PutRolePolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
)
"""By which a role there is comes to trust somebody else, or may do more: one's own as well."""

RUNNING: Final = (
    "cloudformation:CreateChangeSet",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:UpdateStack",
    "codebuild:StartBuild",
    "codebuild:StartBuildBatch",
    "codebuild:UpdateProject",
    "codepipeline:UpdatePipeline",
    "ecs:ExecuteCommand",
    "ecs:RegisterTaskDefinition",
    "glue:UpdateJob",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "ssm:SendCommand",
    "ssm:StartSession",
    "states:UpdateStateMachine",
)
"""By which what runs as a role already is told to do something else, so that nothing is passed."""

RUNNING_OF: Final[Mapping[str, str]] = {
    "cdk/deploy": "arn:aws:cloudformation:{r}:{a}:stack/starburst-{env}-*",
    "controller": "arn:aws:cloudformation:{r}:{a}:stack/starburst-{env}-endpoints/*",
}
"""What those whom ``STEPS`` lets run as somebody do that to: stacks that have a role already."""

MAKING: Final = (
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreateOpenIDConnectProvider",
    "iam:CreateRole",
    "iam:CreateSAMLProvider",
    "iam:CreateUser",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PutGroupPolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutUserPolicy",
    "iam:UpdateLoginProfile",
    "iam:UpdateOpenIDConnectProviderThumbprint",
    "iam:UpdateSAMLProvider",
    "sts:GetFederationToken",
)
"""By which somebody new comes to be, whom no table could name."""
