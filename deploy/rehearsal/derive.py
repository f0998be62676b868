"""The throw-away environment of a first day: as the chosen one is, but small and short-lived."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final

from deploy.rehearsal.asking.subject import WORKSPACE
from stacks.settings import BrokerRole, Network, Shared, Workspace
from stacks.settings.environment import NO_IMAGE
from stacks.settings.zones import FARGATE_ZONES
from starburst.contract import Limits
from starburst.pricing.prices import fleet_usd, load

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["CPU", "DIFFERENCES", "MEMORY_GB", "NAME", "derive", "new_name"]

NAME: Final = re.compile(r"fd[a-z0-9]{6}")
"""Names of throw-away environments: no other may be destroyed here."""

CPU: Final = 0.25
MEMORY_GB: Final = 0.5
"""The smallest worker that Fargate sells."""

DIFFERENCES: Final = (
    "purpose is 'test', so nothing is kept, protected or locked",
    "its analyst is whoever runs this: the role of your credentials signs in instead of your "
    "identity provider's people, from any network",
    f"one workspace, {WORKSPACE}, of the smallest workers, with the totals that follow from its "
    "limits",
    "a VPC of its own without a way to the internet, in place of an existing one",
    "no add-ons and no EC2 hosts",
    "no alert addresses: nobody is sent a link to confirm",
    "no setting of the whole account: image scanning and VPC Block Public Access stay as they are",
)
"""What the throw-away environment has otherwise, so what its first day says nothing of."""

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_LENGTH: Final = 6
_BLOCKS: Final = IPv4Network("10.255.0.0/16")
_LOG_DAYS: Final = 7
_EMAILS: Final = ("first-day@example.com",)
_BUDGET: Final = 500
_ONE_EACH: Final = range(3)
"""Zones of a Region that nobody has counted: few have less."""

_ROOM: Final = 22
"""Prefix length of its VPC: room for a hundred workers in any number of zones."""


def new_name(taken: Iterable[str] = ()) -> str:
    """Return a name that no environment has.

    Args:
        taken: names of environments.
    """
    known = set(taken)
    while True:
        name = "fd" + "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        if name not in known:
            return name


def derive(
    chosen: Environment,
    *,
    name: str,
    broker_arn: str,
    workers: int,
    others: Iterable[Environment] = (),
) -> Environment:
    """Return the throw-away environment that tries what ``chosen`` would be.

    Args:
        chosen: whose account, Region and settings are tried.
        name: of the new one.
        broker_arn: role that may become its analyst.
        workers: how many must be able to run at once.
        others: environments whose networks it keeps clear of.

    Raises:
        SettingsError: the chosen settings do not fit a test environment.
    """
    prices = load(chosen.region, chosen.prices)
    usd = fleet_usd(workers=workers, cpu=CPU, memory_gb=MEMORY_GB, hours=1, prices=prices)
    workspace = Workspace(
        name=WORKSPACE,
        cpu=CPU,
        memory_gb=MEMORY_GB,
        limits=Limits(
            workers=workers,
            vcpu=workers * CPU,
            memory_gb=workers * MEMORY_GB,
            timeout_seconds=3600,
            usd_per_hour=max(1.0, 2 * usd),
        ),
        monthly_budget_usd=_BUDGET if chosen.has_budgets else None,
        budget_emails=_emails(chosen) if chosen.has_budgets else (),
    )
    return replace(
        chosen,
        name=name,
        purpose="test",
        data_class="internal" if chosen.data_class == "restricted" else chosen.data_class,
        identity=BrokerRole(arn=broker_arn),
        trusted_cidrs=(),
        trusted_vpcs=(),
        alert_emails=(),
        workspaces=(workspace,),
        totals=None,
        user_totals=None,
        network=_network(chosen, others),
        storage=replace(chosen.storage, session_days=1, noncurrent_days=1, access_log_days=1),
        audit=replace(chosen.audit, log_days=_LOG_DAYS),
        log_retention_days=_LOG_DAYS,
        other_architectures=(),
        capacity=None,
        # Another repository has the chosen one's.
        image_digest=NO_IMAGE,
        break_glass_role_arn=None,
        data_role_arns=(),
        accepted_risks=(),
        shared=Shared(registry_scanning=False),
        addons=(),
    )


def _network(chosen: Environment, others: Iterable[Environment]) -> Network:
    taken = [each.network.block for each in others]
    taken += [IPv4Network(peer) for peer in chosen.network.peers]
    zones = chosen.network.zones
    if chosen.network.existing is not None:
        # A zone may have several of its subnets.
        zones = min(zones, len(FARGATE_ZONES.get(chosen.region, _ONE_EACH)))
    return replace(
        chosen.network,
        zones=zones,
        cidr=str(next(block for block in _blocks() if not any(map(block.overlaps, taken)))),
        egress="isolated",
        existing=None,
        peers=(),
        client_groups=(),
    )


def _blocks() -> Iterator[IPv4Network]:
    yield from reversed(list(_BLOCKS.subnets(new_prefix=_ROOM)))


def _emails(chosen: Environment) -> tuple[str, ...]:
    """Return who hears of its budget, as the chosen one's people do: it will not be spent."""
    return chosen.workspaces[0].budget_emails or _EMAILS
