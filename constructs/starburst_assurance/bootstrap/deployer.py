"""Who deploys: names of the role that CloudFormation works in, and of what may limit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starburst_constructs.naming import deployer_arn

__all__ = ["Deployer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployer:
    """The execution role of a bootstrap, for one environment.

    Attributes:
        environment: its name.
        account: twelve digits.
        region: of the stacks.
        qualifier: under which CDK is bootstrapped.
        boundary: ARN of the boundary that roles of the stacks carry.
        others: ARNs of boundaries that add-ons have for their own roles instead.
        services: to which roles are passed.
        linked: for which a service-linked role may be made.
    """

    environment: str
    account: str
    region: str
    qualifier: str
    boundary: str
    others: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    linked: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        """ARN of the role."""
        return deployer_arn(account=self.account, region=self.region, qualifier=self.qualifier)

    @property
    def boundaries(self) -> tuple[str, ...]:
        """ARNs of all boundaries of which each role of the stacks carries one."""
        return (self.boundary, *self.others)

    def policy_name(self, number: int) -> str:
        """Return the name of one of its policies.

        It does not begin as the names of the stacks' policies do: those this role may change.
        """
        return f"deployer-of-starburst-{self.environment}-{number}"

    @property
    def boundary_name(self) -> str:
        """Name of its own boundary, which is not that of the roles that it makes."""
        return f"deployer-of-starburst-{self.environment}-boundary"

    def filled(self, value: str) -> str | list[str]:
        """Return a text with the fields in its braces, or a list where it is one field of several.

        Example:
            >>> Deployer(
            ...     environment="prod", account="1", region="r", qualifier="q", boundary="b"
            ... ).filled("starburst-{environment}-*")
            'starburst-prod-*'
        """
        several: Mapping[str, tuple[str, ...]] = {
            "{services}": self.services,
            "{linked}": self.linked,
        }
        if value == "{boundary}" and self.others:
            return list(self.boundaries)
        if value in several:
            return list(several[value])
        fields: Mapping[str, Any] = {
            "environment": self.environment,
            "account": self.account,
            "region": self.region,
            "qualifier": self.qualifier,
            "boundary": self.boundary,
        }
        return value.format_map(fields)
