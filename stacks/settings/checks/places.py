"""Where an environment is: Regions that there are, and zones in which its workers can run."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from stacks.settings.network import Network
from stacks.settings.validation import matches, one_of, require
from stacks.settings.zones import (
    FARGATE_ZONES,
    FIPS_REGIONS,
    OTHER_PARTITIONS,
    REGIONS,
    zone_prefix,
)

__all__ = ["check_region", "check_regions", "check_zones", "nearest"]


def nearest(text: str, known: Iterable[str], *, most: int = 1) -> str:
    """Return those of a list that a misspelt text may mean, the likeliest first.

    Example:
        >>> nearest("eu-wst-1", ["us-east-1", "eu-west-1"])
        'eu-west-1'
    """
    return ", ".join(difflib.get_close_matches(text, list(known), n=most, cutoff=0.0))


def check_regions(me: str, regions: Iterable[str], *, priced: str | None) -> None:
    """Refuse Regions of other partitions, and names that no Region has.

    Args:
        me: how messages begin, such as ``environment prod:``.
        regions: where data may be.
        priced: the environment's own Region, where settings say the prices of workers: it may be
            younger than this release, if its name is built as AWS builds them.
    """
    field, known = f"{me} allowed_regions", tuple(regions)
    require(known, field, (), "one region or more")
    for region in known:
        matches(field, region, r"[a-z]{2,3}(-[a-z]+)+-\d{1,2}", "regions such as eu-west-1")
        ours = not region.startswith(OTHER_PARTITIONS)
        allowed = "regions of the partition aws: others have other ARNs and keep keys elsewhere"
        require(ours, field, region, allowed)
        formed = bool(zone_prefix(region))
        if region not in REGIONS and not (formed and region == priced):
            young = "; a younger one needs prices=Rates(…), of its price list" if formed else ""
            allowed = f"Regions that AWS has: {nearest(region, REGIONS)} is nearest{young}"
            require(False, field, region, allowed)


def check_region(me: str, region: str, regions: Iterable[str], *, fips: bool) -> None:
    """Refuse a Region outside those that are allowed, and FIPS where it has no such endpoints."""
    one_of(f"{me} region", region, tuple(regions))
    allowed = f"False in {region}: {', '.join(FIPS_REGIONS)} have every FIPS endpoint"
    require(not fips or region in FIPS_REGIONS, f"{me} fips", fips, allowed)


def check_zones(me: str, network: Network, *, region: str, hosted: bool) -> None:
    """Refuse more zones than a Region has, and zones that are not its own.

    Args:
        me: how messages begin, such as ``environment prod:``.
        network: with the zones.
        region: whose they must be.
        hosted: whether workers run on instances, which every zone has.
    """
    if network.existing is not None:
        return
    known = FARGATE_ZONES.get(region)
    if known is not None:
        zones = network.zones
        allowed = f"at most {len(known)}, the zones of {region} in which Fargate runs"
        require(zones <= len(known), f"{me} network.zones", zones, allowed)
    prefix = zone_prefix(region)
    for zone in network.named_zones:
        field = f"{me} network.named_zones"
        if zone not in network.zone_ids:
            ours = zone.startswith(region)
            require(ours, field, zone, f"zones of {region}, such as {region}a")
        elif known is not None and not hosted:
            one_of(field, zone, known)
        else:
            require(zone.startswith(prefix), field, zone, f"zones of {region}")
