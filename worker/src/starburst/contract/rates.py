"""Prices of one Region: those of AWS's lists, or what an account pays instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from starburst.untrusted.strict_json import Amount

__all__ = ["PLAUSIBLE", "Rates"]

PLAUSIBLE: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "x86_vcpu_hour": (0.004, 0.4),
        "x86_gb_hour": (0.0004, 0.04),
        "arm_vcpu_hour": (0.003, 0.3),
        "arm_gb_hour": (0.0003, 0.03),
        "scratch_gb_hour": (0.00001, 0.001),
        "endpoint_az_hour": (0.001, 0.1),
        "nat_hour": (0.004, 0.4),
        "key_month": (0.1, 10),
        "key_request_10k": (0.003, 0.3),
        "alarm_month": (0.01, 1),
        "sqs_million": (0.04, 4),
        "s3_put_thousand": (0.0005, 0.05),
        "s3_get_thousand": (0.00004, 0.004),
        "lambda_million": (0.02, 2),
    }
)
"""Between what a rate can be: about a tenth and ten times what it is in us-east-1.

Outside is a slip of units: a price a second, a month, or for a thousand.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """US dollars; None for what is not known, or for what AWS's list says.

    Attributes:
        x86_vcpu_hour, x86_gb_hour: Fargate, Linux on x86.
        arm_vcpu_hour, arm_gb_hour: Fargate, Linux on ARM.
        scratch_gb_hour: Fargate's ephemeral storage above the free 20 GB.
        endpoint_az_hour: an interface endpoint in one zone.
        nat_hour: a NAT gateway.
        key_month, key_request_10k: a KMS key before its first rotation, and requests to it.
        alarm_month: a CloudWatch alarm of standard resolution.
        sqs_million: requests to a standard queue.
        s3_put_thousand, s3_get_thousand: requests to S3 Standard.
        lambda_million: requests to functions.

    Example:
        >>> Rates(x86_vcpu_hour=0.04, x86_gb_hour=0.004).known()
        {'x86_vcpu_hour': 0.04, 'x86_gb_hour': 0.004}
    """

    x86_vcpu_hour: Amount | None = None
    x86_gb_hour: Amount | None = None
    arm_vcpu_hour: Amount | None = None
    arm_gb_hour: Amount | None = None
    scratch_gb_hour: Amount | None = None
    endpoint_az_hour: Amount | None = None
    nat_hour: Amount | None = None
    key_month: Amount | None = None
    key_request_10k: Amount | None = None
    alarm_month: Amount | None = None
    sqs_million: Amount | None = None
    s3_put_thousand: Amount | None = None
    s3_get_thousand: Amount | None = None
    lambda_million: Amount | None = None

    def known(self) -> dict[str, float]:
        """Return the rates that are not None, by name."""
        rates = {name: getattr(self, name) for name in PLAUSIBLE}
        return {name: rate for name, rate in rates.items() if rate is not None}
