"""How a wrong setting is refused: one sentence with the field, its value and what is allowed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable
from typing import Final

__all__ = [
    "CRON_FIELDS",
    "KEPT_A_YEAR_DAYS",
    "LOG_RETENTION_DAYS",
    "SettingsError",
    "between",
    "distinct",
    "emails",
    "ipv4_network",
    "matches",
    "one_of",
    "positive",
    "private_network",
    "public_network",
    "require",
    "trusted_networks",
]

LOG_RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""What CloudWatch Logs accepts as retention (S25)."""


def _cron() -> str:
    """Return what matches a schedule that rings some time."""

    def several(one: str, *others: str) -> str:
        part = "|".join((rf"(\*|{one}(-{one})?)(/[1-9]\d*)?", *others))
        return f"({part})(,({part}))*"

    minute, hour, day = "[0-5]?[0-9]", "([01]?[0-9]|2[0-3])", "(0?[1-9]|[12][0-9]|3[01])"
    month = "(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)"
    weekday = "([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)"
    never = (
        r"(?!\S+ \S+ (30|31) (0?2|FEB) )(?!\S+ \S+ 31 (0?[469]|11|APR|JUN|SEP|NOV) )"  # no such day
    )
    days = several(day, "LW?", rf"{day}W")
    weekdays = several(weekday, "L", rf"{weekday}(L|#[1-5])")
    months, years = several(month), several("(19[7-9][0-9]|2[01][0-9]{2})")
    either = rf"(\? {months} {weekdays}|{days} {months} \?)"
    return rf"(?i:{never}{several(minute)} {several(hour)} {either} {years})"


CRON_FIELDS: Final = _cron()
"""Six fields as EventBridge and AWS Backup take them: of the two for days one is a question mark.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
"""

KEPT_A_YEAR_DAYS: Final = 365
"""Security Hub CloudWatch.16 and PCI DSS 10.5.1 ask for a year of logs."""

PRIVATE_RANGES: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)

MOST_TRUSTED: Final = 50
"""Networks that fit into the policy of an analyst's role beside all else."""

WIDEST_PUBLIC: Final = {4: 8, 6: 19}
"""The largest blocks that one organization was ever given; a wider one covers others as well."""


class SettingsError(ValueError):
    """A setting is wrong; nothing was synthesized.

    Attributes:
        field: which one, such as ``workspace genomics: limits.workers``.
        value: what it is.
        allowed: what it may be, in words.

    Example:
        >>> print(SettingsError("workspace genomics: limits.workers", 501, "1 to 500"))
        workspace genomics: limits.workers is 501; allowed: 1 to 500.
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(f"{field} is {value!r}; allowed: {allowed}.")
        self.field = field
        self.value = value
        self.allowed = allowed


def require(condition: object, field: str, value: object, allowed: str) -> None:
    """Raise SettingsError unless ``condition`` holds."""
    if not condition:
        raise SettingsError(field, value, allowed)


def matches(field: str, value: object, pattern: str | re.Pattern[str], allowed: str) -> None:
    """Require text that ``pattern`` matches as a whole."""
    require(isinstance(value, str) and re.fullmatch(pattern, value), field, value, allowed)


def one_of(field: str, value: object, choices: Collection[object]) -> None:
    """Require one of ``choices``."""
    require(value in choices, field, value, ", ".join(str(choice) for choice in choices))


def between(field: str, value: float, low: int, high: int) -> None:
    """Require a whole number from ``low`` to ``high``; a bool is not a number here."""
    fits = type(value) is int and low <= value <= high
    require(fits, field, value, f"a whole number, {low:,} to {high:,}")


def positive(field: str, value: float, *, most: float) -> None:
    """Require a number above zero and at most ``most``; NaN is neither."""
    fits = type(value) in (int, float) and 0 < value <= most
    require(fits, field, value, f"more than 0, at most {most:,}")


def distinct(field: str, values: Iterable[str]) -> None:
    """Require that no value occurs twice; name the first that does."""
    seen: set[str] = set()
    for value in values:
        require(value not in seen, field, value, "each value once")
        seen.add(value)


def emails(field: str, values: Collection[str]) -> None:
    """Require e-mail addresses, each once."""
    distinct(field, values)
    for email in values:
        allowed = "e-mail addresses such as team@example.com"
        matches(field, email, r"[^@\s,;]+@[^@\s,;.]+(\.[^@\s,;.]+)+", allowed)


def ipv4_network(field: str, value: str) -> ipaddress.IPv4Network:
    """Read a CIDR block whose host bits are zero."""
    try:
        return ipaddress.IPv4Network(value)
    except ValueError as error:
        raise SettingsError(field, value, "an IPv4 CIDR block such as 10.64.0.0/20") from error


def private_network(field: str, value: str) -> ipaddress.IPv4Network:
    """Read a private CIDR block of a size that a VPC may have here, /16 to /24."""
    network = ipv4_network(field, value)
    require(
        16 <= network.prefixlen <= 24,  # noqa: PLR2004 - the message says it
        field,
        value,
        "a block from /16 to /24",
    )
    require(
        any(network.subnet_of(private) for private in PRIVATE_RANGES),
        field,
        value,
        "a block inside " + ", ".join(str(private) for private in PRIVATE_RANGES),
    )
    return network


def public_network(field: str, value: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Read a block of public addresses, as AWS sees callers: never a private one, nor the world."""
    try:
        network = ipaddress.ip_network(value)
    except ValueError as error:
        raise SettingsError(field, value, "a CIDR block such as 140.107.0.0/16") from error
    widest = WIDEST_PUBLIC[network.version]
    allowed = f"a block of one organization, /{widest} or smaller; wider ones hold strangers"
    require(network.prefixlen >= widest, field, value, allowed)
    inside = isinstance(network, ipaddress.IPv4Network) and any(
        network.overlaps(private) for private in PRIVATE_RANGES
    )
    usable = network.is_global and not network.is_multicast and not inside
    allowed = "public addresses: AWS sees those that your network shows outside, never private ones"
    require(usable, field, value, allowed)
    return network


def trusted_networks(me: str, cidrs: Collection[str], vpcs: Collection[str]) -> None:
    """Require networks from which people may work: public blocks, and VPCs beside them.

    Args:
        me: how messages begin, such as ``environment prod:``.
        cidrs: public blocks.
        vpcs: ids of VPCs.
    """
    field = f"{me} trusted_cidrs"
    between(f"{me} number of trusted_cidrs", len(cidrs), 0, MOST_TRUSTED)
    distinct(field, cidrs)
    for cidr in cidrs:
        public_network(field, cidr)
    field = f"{me} trusted_vpcs"
    between(f"{me} number of trusted_vpcs", len(vpcs), 0, MOST_TRUSTED)
    distinct(field, vpcs)
    for vpc in vpcs:
        matches(field, vpc, "vpc-[0-9a-f]{8,17}", "ids such as vpc-0a1b2c3d")
    allowed = "() without trusted_cidrs: nobody could sign in from a desk"
    require(cidrs or not vpcs, field, vpcs, allowed)
