"""Which Regions an account may use: all else is denied, whatever its own policies allow (S35)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from starburst_constructs.policies.organization_policies.documents import compact

__all__ = ["WITHOUT_REGION", "region_pin"]

WITHOUT_REGION: Final = (
    *("account:*", "artifact:*", "billing:*", "budgets:*", "ce:*", "consolidatedbilling:*"),
    *("cur:*", "ec2:DescribeRegions", "freetier:*", "health:*", "iam:*", "invoicing:*"),
    *("organizations:*", "payments:*", "pricing:*", "route53:*", "s3:ListAllMyBuckets", "sts:*"),
    *("support:*", "tax:*", "trustedadvisor:*"),
)
"""What is called in ``us-east-1`` wherever one is, and holds no data of an environment.

A part of AWS's own list. Left out of it are services that hold, move or open data (ACM, KMS,
CloudFront, Global Accelerator, WAF, multi-Region access points), since their door elsewhere is what
a residence rule is about.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html
"""


def region_pin(regions: Sequence[str]) -> dict[str, Any]:
    """Return the policy that denies every Region but some.

    It binds every role and root user of the accounts that it is attached to; service-linked roles
    and the organization's management account are beyond any such policy.

    Args:
        regions: where data may be; one or more.

    Raises:
        ValueError: no Region is named, so that everything would be denied.

    Example:
        >>> region_pin(["eu-central-2"])["Statement"][0]["Condition"]
        {'StringNotEquals': {'aws:RequestedRegion': ['eu-central-2']}}
    """
    if not regions:
        raise ValueError("a policy without a Region denies all of them: name one or more")
    document: dict[str, Any] = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyTheseRegions",
                "Effect": "Deny",
                "NotAction": list(WITHOUT_REGION),
                "Resource": "*",
                # Without ``Null``: a request that names no Region is refused too.
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": list(regions)}},
            }
        ],
    }
    compact(document)
    return document
