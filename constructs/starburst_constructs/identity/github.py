"""Roles that a workflow of GitHub Actions takes by OpenID Connect, one GitHub environment each.

A token says of a job where it runs. Its subject is compared as a whole; names in it may be sold or
given up, so that the repository's number is compared as well, and the branch beside the
environment: a job that names an environment has no branch in its subject. A fork has no token of
this repository, and a pull request has another ``ref``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from aws_cdk import aws_iam as iam
from constructs import Construct

__all__ = ["AUDIENCE", "HOST", "GitHubProvider", "GitHubRepository", "github_trust", "provider_arn"]

HOST: Final = "token.actions.githubusercontent.com"
"""Who issues the tokens, and how the names of their condition keys begin."""

AUDIENCE: Final = "sts.amazonaws.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class GitHubRepository:
    """A repository on github.com, by its names and by its numbers.

    Attributes:
        owner, name: as GitHub writes them, in the same letters: a subject is compared exactly.
        owner_id, repository_id: ``gh api repos/<owner>/<name> --jq '.owner.id, .id'``.
        branch: from which alone is deployed.
        immutable_subject: whether its tokens name the numbers in the subject, as those of all
            repositories do that were made, renamed or moved after 15 July 2026, and of others that
            chose it (https://docs.github.com/actions/reference/security/oidc).
    """

    owner: str
    owner_id: str
    name: str
    repository_id: str
    branch: str = "main"
    immutable_subject: bool = True

    @property
    def ref(self) -> str:
        """The branch as a token has it."""
        return f"refs/heads/{self.branch}"

    def subject(self, environment: str) -> str:
        """Return the subject of a job in one of its environments.

        Example:
            >>> ours = GitHubRepository(owner="o", owner_id="1", name="r", repository_id="2")
            >>> ours.subject("prod")
            'repo:o@1/r@2:environment:prod'
        """
        owner, name = self.owner, self.name
        if self.immutable_subject:
            owner, name = f"{owner}@{self.owner_id}", f"{name}@{self.repository_id}"
        return f"repo:{owner}/{name}:environment:{environment}"


def provider_arn(account: str) -> str:
    """Return the ARN of GitHub's provider in an account; there can be one only."""
    return f"arn:aws:iam::{account}:oidc-provider/{HOST}"


def github_trust(repository: GitHubRepository, *, environment: str, account: str) -> iam.IPrincipal:
    """Return the trust of a role that one environment's jobs take, on one branch.

    Args:
        repository: whose.
        environment: of GitHub, whose protection rules name who approves.
        account: of the provider.
    """
    claims = {
        "aud": AUDIENCE,
        "environment": environment,
        "ref": repository.ref,
        "repository_id": repository.repository_id,
        "sub": repository.subject(environment),
    }
    return cast(
        iam.IPrincipal,
        iam.FederatedPrincipal(
            provider_arn(account),
            {"StringEquals": {f"{HOST}:{name}": value for name, value in claims.items()}},
            "sts:AssumeRoleWithWebIdentity",
        ),
    )


class GitHubProvider(iam.CfnOIDCProvider):
    """What makes an account know GitHub's tokens; by itself it lets nobody in.

    AWS holds GitHub's certificates to its own list of authorities, so that no thumbprint is named
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html).
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, url=f"https://{HOST}", client_id_list=[AUDIENCE])
