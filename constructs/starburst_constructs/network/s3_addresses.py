"""Where S3 is, for rules of security groups: its prefix list in each Region, and its port."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["HTTPS", "S3_PREFIX_LISTS"]

HTTPS: Final = 443

S3_PREFIX_LISTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ap-northeast-1": "pl-61a54008",
        "ap-northeast-2": "pl-78a54011",
        "ap-south-1": "pl-78a54011",
        "ap-southeast-1": "pl-6fa54006",
        "ap-southeast-2": "pl-6ca54005",
        "ca-central-1": "pl-7da54014",
        "eu-central-1": "pl-6ea54007",
        "eu-north-1": "pl-c3aa4faa",
        "eu-west-1": "pl-6da54004",
        "eu-west-2": "pl-7ca54015",
        "eu-west-3": "pl-23ad484a",
        "sa-east-1": "pl-6aa54003",
        "us-east-1": "pl-63a5400a",
        "us-east-2": "pl-7ba54012",
        "us-west-1": "pl-6ba54002",
        "us-west-2": "pl-68a54001",
    }
)
"""AWS's own prefix list of S3 by Region: public, the same in every account, and constant.

CloudFormation has no attribute for it. A look-up would need credentials at synthesis, a custom
resource would need a function with its own role at deployment; data needs neither. A wrong or
stale id fails closed: EC2 refuses an unknown list, and another one lets no S3 traffic through.
"""
