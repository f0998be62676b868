"""Which Regions lie in the European Economic Area, and which in Switzerland."""

from __future__ import annotations

from typing import Final

__all__ = ["EEA_REGIONS", "SWISS_REGIONS"]

EEA_REGIONS: Final = (
    "eu-central-1",  # Frankfurt, Germany
    "eu-north-1",  # Stockholm, Sweden
    "eu-south-1",  # Milan, Italy
    "eu-south-2",  # Spain
    "eu-west-1",  # Ireland
    "eu-west-3",  # Paris, France
)
"""Regions of the partition ``aws`` in a state of the European Economic Area.

Those that AWS calls Europe, without London (``eu-west-2``) and Zurich (``eu-central-2``): neither
the United Kingdom nor Switzerland is in the area. A test holds it to botocore, which has the names:
https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
AWS's European Sovereign Cloud is a partition of its own, which the kit does not know.
"""

SWISS_REGIONS: Final = ("eu-central-2",)
"""Zurich."""
