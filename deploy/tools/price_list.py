"""What one of AWS's price list files says of the rates that the kit needs.

The files are public and need no credentials: a service code, a Region, CSV. Those of EC2 have some
hundred megabytes, so they are read line by line and never held. How they look:
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api-fetching-price-list-files-manually.html
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from starburst.contract.rates import PLAUSIBLE

__all__ = ["SERVICES", "WANTED", "Found", "PriceListError", "Wanted", "read"]

_HEADER: Final = "SKU"
_COLUMNS: Final = (
    *("SKU", "TermType", "StartingRange", "Unit", "PricePerUnit", "Currency", "Product Family"),
    "usageType",
)
_HEAD_LINES: Final = 20
"""Metadata before the header are six; more is another kind of file."""


class PriceListError(ValueError):
    """A file is none of AWS's price lists, or another one than was asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A rate, and by what it is known in a price list.

    Attributes:
        rate: its name.
        service: AWS's service code.
        usage: how its usage type ends, after what stands for the Region.
        unit: in which the list counts it.
        each: how many units our rate is for.
        family: its product family; empty for any.
    """

    rate: str
    service: str
    usage: str
    unit: str
    each: int = 1
    family: str = ""

    def names(self, usage: str, region: str) -> bool:
        """Whether a usage type is this one's: alone, or behind ``EUC1-`` or ``eu-central-1-``.

        Example:
            >>> key = Wanted(rate="key_month", service="awskms", usage="KMS-Keys", unit="Keys")
            >>> key.names("eu-central-1-KMS-Keys", "eu-central-1"), key.names("KMS-Keys", "")
            (True, True)
            >>> key.names("Global-KMS-Keys", "eu-central-1")
            False
        """
        place = rf"(?:[A-Z]{{2,4}}\d{{0,2}}-|{re.escape(region)}-)?"
        return re.fullmatch(place + re.escape(self.usage), usage) is not None


WANTED: Final[tuple[Wanted, ...]] = (
    *(
        Wanted(rate=rate, service="AmazonECS", usage=f"Fargate-{usage}", unit=unit)
        for rate, usage, unit in (
            ("x86_vcpu_hour", "vCPU-Hours:perCPU", "hours"),
            ("x86_gb_hour", "GB-Hours", "hours"),
            ("arm_vcpu_hour", "ARM-vCPU-Hours:perCPU", "hours"),
            ("arm_gb_hour", "ARM-GB-Hours", "hours"),
            ("scratch_gb_hour", "EphemeralStorage-GB-Hours", "GB-Hours"),
        )
    ),
    Wanted(
        rate="endpoint_az_hour",
        service="AmazonVPC",
        usage="VpcEndpoint-Hours",
        unit="Hrs",
        family="VpcEndpoint",
    ),
    Wanted(
        rate="nat_hour",
        service="AmazonEC2",
        usage="NatGateway-Hours",
        unit="Hrs",
        family="NAT Gateway",
    ),
    Wanted(rate="key_month", service="awskms", usage="KMS-Keys", unit="Keys"),
    Wanted(
        rate="key_request_10k",
        service="awskms",
        usage="KMS-Requests",
        unit="Requests",
        each=10_000,
    ),
    Wanted(
        rate="alarm_month",
        service="AmazonCloudWatch",
        usage="CW:AlarmMonitorUsage",
        unit="Alarms",
    ),
    Wanted(
        rate="sqs_million",
        service="AWSQueueService",
        usage="Requests-Tier1",
        unit="Requests",
        each=1_000_000,
    ),
    *(
        Wanted(rate=rate, service="AmazonS3", usage=usage, unit="Requests", each=1000)
        for rate, usage in (
            ("s3_put_thousand", "Requests-Tier1"),
            ("s3_get_thousand", "Requests-Tier2"),
        )
    ),
    Wanted(
        rate="lambda_million",
        service="AWSLambda",
        usage="Request",
        unit="Requests",
        each=1_000_000,
    ),
)
"""Every rate that the kit needs; a test holds it against :data:`PLAUSIBLE`."""

SERVICES: Final = tuple(dict.fromkeys(one.service for one in WANTED))
"""Whose lists have to be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a price list says.

    Attributes:
        version: of the list.
        date: on which AWS published it.
        rates: by name.
        troubles: a sentence for each rate that it does not tell beyond doubt.
    """

    version: str
    date: str
    rates: dict[str, float]
    troubles: tuple[str, ...]


def read(lines: Iterable[str], *, service: str, region: str) -> Found:
    """Return what a price list says of the rates that its service has.

    A rate comes from on-demand terms in US dollars, from the first of its tiers. One that no
    product or several products with different prices match, that is counted in another unit, or
    that is not plausible, is told and left out: nothing is guessed.

    Args:
        lines: of the CSV file.
        service: AWS's service code.
        region: whose list it is.

    Raises:
        PriceListError: it is no price list, or that of another service.
    """
    rows = csv.reader(lines)
    head, header = _head(rows)
    if head.get("OfferCode") != service:
        raise PriceListError(f"this is the list of {head.get('OfferCode')}, not of {service}")
    if lacking := [name for name in _COLUMNS if name not in header]:
        raise PriceListError(f"the list of {service} lacks the columns {', '.join(lacking)}")
    wanted = [one for one in WANTED if one.service == service]
    seen: dict[str, list[dict[str, str]]] = {one.rate: [] for one in wanted}
    for row in rows:
        if len(row) != len(header):
            raise PriceListError(
                f"line {rows.line_num} of the list of {service} has {len(row)} fields, not "
                f"{len(header)}"
            )
        product = dict(zip(header, row, strict=True))
        for one in wanted:
            if _is(product, one, region):
                seen[one.rate].append(product)
    judged = [(one.rate, _judge(one, seen[one.rate])) for one in wanted]
    return Found(
        version=head["Version"],
        date=head["Publication Date"][:10],
        rates={rate: found for rate, found in judged if isinstance(found, float)},
        troubles=tuple(f"{rate}: {found}" for rate, found in judged if isinstance(found, str)),
    )


def _head(rows: Iterator[Sequence[str]]) -> tuple[dict[str, str], list[str]]:
    head: dict[str, str] = {}
    for _, row in zip(range(_HEAD_LINES), rows, strict=False):
        if row and row[0] == _HEADER:
            dated = re.match(r"\d{4}-\d\d-\d\dT", head.get("Publication Date", ""))
            if not dated or not head.get("Version", "").isdigit():
                raise PriceListError("the list has no version or no publication date")
            return head, [*row]
        head.update([(row[0], row[1])] if len(row) > 1 else [])
    raise PriceListError("this is no price list of AWS: it has no line of columns")


def _is(product: dict[str, str], one: Wanted, region: str) -> bool:
    return (
        one.names(product["usageType"], region)
        and product["TermType"] == "OnDemand"
        and product.get("Region Code", region) in (region, "")
        and (not one.family or product["Product Family"] == one.family)
        and product["StartingRange"] in ("0", "")
    )


def _judge(one: Wanted, products: Sequence[dict[str, str]]) -> float | str:
    """Return the rate, or why there is none."""
    if not products:
        return f"no product of {one.service} has the usage type {one.usage}"
    kinds = {(product["Unit"], product["Currency"]) for product in products}
    if kinds != {(one.unit, "USD")}:
        told = ", ".join(sorted(" in ".join(kind) for kind in kinds))
        return f"it is counted in {told}, not in {one.unit} in USD"
    try:
        prices = {Decimal(product["PricePerUnit"]) * one.each for product in products}
    except InvalidOperation:
        told = ", ".join(product["PricePerUnit"] for product in products)
        return f"{told} is no price"
    if len(prices) > 1:
        told = ", ".join(f"{product['SKU']} at {product['PricePerUnit']}" for product in products)
        return f"{len(products)} products match and differ: {told}"
    rate = float(prices.pop())
    least, most = PLAUSIBLE[one.rate]
    if not least <= rate <= most:
        return f"{rate:g} is not between {least:g} and {most:g}"
    return rate
