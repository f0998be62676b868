"""What a first day costs at most, from the kit's own list prices and the synthesized templates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.rehearsal.checks import stops, worker
from deploy.rehearsal.derive import CPU, MEMORY_GB
from deploy.tools.idle_cost import HOURS_A_MONTH, idle_cost, templates_by_environment
from starburst.pricing.estimates import sources
from starburst.pricing.prices import fleet_usd, load

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["Cost", "price"]

_HOUR: Final = 3600.0
_RATES: Final = {
    "AWS::CloudWatch::Alarm": "alarm_month",
    "AWS::EC2::NatGateway": "nat_hour",
    "AWS::EC2::VPCEndpoint": "endpoint_az_hour",
    "AWS::KMS::Key": "key_month",
    "AWS::Lambda::EventSourceMapping": "sqs_million",
}
"""By what each type is billed for existing: a sum without one of these would be none at most."""

_AGENT_ENDPOINTS: Final = 2
"""Made for one question, in one zone each; a started hour counts as a whole one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The bill of a first day, in US dollars.

    Attributes:
        hour: of each started hour: endpoints, keys, alarms.
        once: workers for as long as their sessions may last, and the endpoints of one question.
        by_use: what is billed by requests and bytes alone, and not counted here.
        prices: whose they are, and of when, as a sentence.
    """

    hour: float
    once: float
    by_use: tuple[str, ...]
    prices: str

    def most(self, seconds: float) -> float:
        """Return what so many seconds cost at most."""
        return self.standing(seconds) + self.once

    def standing(self, seconds: float) -> float:
        """Return what stands for so many seconds costs: a started hour counts as a whole one."""
        return max(1, math.ceil(seconds / _HOUR)) * self.hour


def price(environment: Environment, assembly: Path, *, workers: int) -> Cost:
    """Return what a throw-away environment costs.

    Args:
        environment: it.
        assembly: what its synthesis wrote.
        workers: started and stopped at once; 0 where none is.

    Raises:
        ConfigurationError: a price that the sum needs is not known in the Region.
    """
    prices = load(environment.region, environment.prices)
    [templates] = templates_by_environment(assembly).values()
    bill = idle_cost(templates, prices)
    for kind, _ in bill.not_priced:
        if kind in _RATES:
            prices.need(_RATES[kind])
    runs = ((1, worker.SECONDS), (workers, stops.SECONDS)) if workers else ()
    fargate = sum(
        fleet_usd(
            workers=number,
            cpu=CPU,
            memory_gb=MEMORY_GB,
            hours=most / _HOUR,
            architecture=environment.architecture,
            prices=prices,
        )
        for number, most in runs
    )
    agents = _AGENT_ENDPOINTS * prices.need("endpoint_az_hour") if workers else 0.0
    others = tuple(kind for kind, _ in bill.not_priced)
    return Cost(
        hour=bill.usd / HOURS_A_MONTH + bill.hour,
        once=fargate + agents,
        by_use=(*bill.by_use, *others),
        prices=sources(prices),
    )
