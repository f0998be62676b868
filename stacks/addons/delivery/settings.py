"""What a delivery is told: whose repository, and which environments it may deploy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stacks.settings.validation import matches
from starburst.contract import ENVIRONMENT_NAME
from starburst_constructs.identity.github import GitHubRepository

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["BOOTSTRAP_ROLES", "GitHub", "Target"]

BOOTSTRAP_ROLES: Final = ("deploy", "file-publishing", "image-publishing", "lookup")
"""Roles of ``cdk bootstrap`` that the CDK's command takes. CloudFormation's own is not among them:
it is passed to CloudFormation by the first, and whoever deploys never holds it."""

_NUMBER: Final = "[1-9][0-9]{0,14}"
_NUMBERS: Final = "the number that `gh api repos/<owner>/<name> --jq '.owner.id, .id'` prints"


@dataclass(frozen=True, kw_only=True, slots=True)
class GitHub(GitHubRepository):
    """The repository that is delivered; see ``GitHubRepository`` for its fields.

    Example:
        >>> GitHub(owner="example", owner_id="12", name="environments", repository_id="34").branch
        'main'
    """

    def __post_init__(self) -> None:
        """Refuse what no repository is called, and every pattern: names are compared exactly."""
        me = "delivery.github."
        matches(f"{me}owner", self.owner, "[A-Za-z0-9](-?[A-Za-z0-9]){0,38}", "an owner on GitHub")
        matches(f"{me}name", self.name, r"[\w.-]{1,100}", "a repository without its owner")
        matches(f"{me}owner_id", self.owner_id, _NUMBER, f"as text, {_NUMBERS} first")
        matches(f"{me}repository_id", self.repository_id, _NUMBER, f"as text, {_NUMBERS} second")
        allowed = "one branch, such as main; no pattern"
        matches(f"{me}branch", self.branch, r"[A-Za-z0-9][\w./-]{0,99}", allowed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One environment that may be deployed; GitHub's environment has the same name.

    Attributes:
        name: of ``environments.py``.
        account: of it. Where it is not the delivery's own, its bootstrap names the delivery's in
            ``--trust``.
        region: of it.
        qualifier: under which CDK is bootstrapped there.
        approval: whether the pipeline waits for a person before it deploys.
    """

    name: str
    account: str
    region: str
    qualifier: str = "hnb659fds"
    approval: bool = True

    def __post_init__(self) -> None:
        """Refuse what no environment is called, and no place."""
        me = f"delivery target {self.name}:"
        matches("delivery target", self.name, ENVIRONMENT_NAME, ENVIRONMENT_NAME.pattern)
        matches(f"{me} account", self.account, r"\d{12}", "twelve digits")
        matches(f"{me} region", self.region, r"[a-z]{2}(-[a-z]+)+-\d", "such as eu-west-1")
        matches(f"{me} qualifier", self.qualifier, "[a-z0-9]{1,10}", "1 to 10 letters and digits")

    @classmethod
    def of(cls, environment: Environment, *, approval: bool = True) -> Target:
        """Return an environment of ``environments.py`` as a target.

        Args:
            environment: that is deployed.
            approval: whether a person is asked before.
        """
        return cls(
            name=environment.name,
            account=environment.account,
            region=environment.region,
            approval=approval,
        )

    @property
    def roles(self) -> tuple[str, ...]:
        """ARNs of the roles of its bootstrap that whoever deploys it takes."""
        return tuple(
            f"arn:aws:iam::{self.account}:role/"
            f"cdk-{self.qualifier}-{part}-role-{self.account}-{self.region}"
            for part in BOOTSTRAP_ROLES
        )
