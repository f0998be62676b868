"""What differs from Region to Region: its zones, where Fargate runs in them, FIPS, partitions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = [
    "FARGATE_ZONES",
    "FIPS_REGIONS",
    "OTHER_PARTITIONS",
    "REGIONS",
    "WITHOUT_BUDGETS",
    "zone_prefix",
]

FIPS_REGIONS: Final = ("us-east-1", "us-east-2", "us-west-1", "us-west-2")
"""Where all that workers, controller and clients call has a FIPS endpoint; a test asks botocore."""

OTHER_PARTITIONS: Final = ("cn-", "eu-iso", "us-gov-", "us-iso")
"""How Regions outside the partition ``aws`` begin: China's, GovCloud's, the isolated ones'."""

_DIRECTIONS: Final = {
    "central": "c",
    "east": "e",
    "north": "n",
    "northeast": "ne",
    "south": "s",
    "southeast": "se",
    "west": "w",
}

_ONE_TO_THREE: Final = (1, 2, 3)
_OTHERS: Final[Mapping[str, tuple[int, ...]]] = {
    # Of four; apne1-az3 has no Fargate.
    "ap-northeast-1": (1, 2, 4),
    "ap-northeast-2": (1, 2, 3, 4),
    "ca-central-1": (1, 2, 4),
    "us-east-1": (1, 2, 3, 4, 5, 6),
    # Of three; usw1-az2 has no Fargate.
    "us-west-1": (1, 3),
    "us-west-2": (1, 2, 3, 4),
}
_WITH_ZONES: Final = (
    *("af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
    *("ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3"),
    *("ap-southeast-4", "ap-southeast-5", "ap-southeast-7", "ca-central-1"),
    *("ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2"),
    *("eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1"),
    *("mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"),
)


def zone_prefix(region: str) -> str:
    """Return what the ids of a Region's zones begin with; empty where its name has no such form.

    Example:
        >>> zone_prefix("ap-northeast-1"), zone_prefix("us-east-1")
        ('apne1-az', 'use1-az')
    """
    place, _, rest = region.partition("-")
    direction, _, number = rest.partition("-")
    letters = _DIRECTIONS.get(direction)
    return f"{place}{letters}{number}-az" if letters else ""


FARGATE_ZONES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        region: tuple(
            f"{zone_prefix(region)}{number}" for number in _OTHERS.get(region, _ONE_TO_THREE)
        )
        for region in _WITH_ZONES
    }
)
"""Ids of the zones in which Fargate runs Linux tasks, by Region. An account may see fewer.

Which zones a Region has: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
In which of them Fargate runs, where not in all ("The supported Availability Zone IDs are noted when
applicable"): https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate-Regions.html
A Region that is not here is taken as it is written: it may be younger than this list.
"""

REGIONS: Final = (*_WITH_ZONES, "ap-east-2", "ap-southeast-6")
"""All Regions of the partition ``aws``; a test asks botocore."""

WITHOUT_BUDGETS: Final = (
    *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-3", "ap-south-2", "ap-southeast-3"),
    *("ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1"),
    *("eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1"),
    "mx-central-1",
)
"""Regions whose CloudFormation lacks ``AWS::Budgets::Budget``; a test asks cfn-lint.

Budgets themselves have no Region: https://docs.aws.amazon.com/general/latest/gr/billing.html
"""
