"""Where an environment is deployed: what constructs and policies must know of the account."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Placement"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Account, Region and what follows from whose they are.

    Attributes:
        account: twelve digits.
        region: such as ``eu-west-1``.
        partition: of the Region; settings refuse every other than ``aws``.
        organization_id: ``o-…``; widens the data perimeter from the account to the organization.
        retain: keep what holds data or records when its stack is deleted, as production does.
    """

    account: str
    region: str
    partition: str = "aws"
    organization_id: str | None = None
    retain: bool = False

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and Region.

        Args:
            service: its prefix, such as ``sqs``.
            resource: what the ARN ends with.

        Example:
            >>> Placement(account="222233334444", region="eu-west-1").arn("sqs", "jobs")
            'arn:aws:sqs:eu-west-1:222233334444:jobs'
        """
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"
