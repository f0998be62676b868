"""Policies of an organization (SCPs), as documents: what no account's own policy can loosen."""

from starburst_constructs.policies.organization_policies.documents import (
    LARGEST_POLICY,
    PolicySizeError,
    compact,
    joined,
)
from starburst_constructs.policies.organization_policies.record_kept import (
    RECORD_ENDING,
    record_kept,
)
from starburst_constructs.policies.organization_policies.regions import WITHOUT_REGION, region_pin

__all__ = [
    "LARGEST_POLICY",
    "RECORD_ENDING",
    "WITHOUT_REGION",
    "PolicySizeError",
    "compact",
    "joined",
    "record_kept",
    "region_pin",
]
