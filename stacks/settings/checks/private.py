"""Private endpoints that the rest of an environment's settings leave no room for."""

from __future__ import annotations

from stacks.settings.network import Network
from stacks.settings.validation import require

__all__ = ["check_private"]


def check_private(me: str, network: Network, *, fips: bool, restricted: bool) -> None:
    """Refuse clients that FIPS mode has no name for, and endpoints that come and go for PHI.

    Args:
        me: how messages begin, such as ``environment prod:``.
        network: of the environment.
        fips: whether it calls AWS by FIPS endpoints.
        restricted: whether its data are.
    """
    nameless = fips and bool(network.client_groups)
    allowed = "() in FIPS mode: a VPC has no endpoint for the name that clients call Lambda by"
    require(not nameless, f"{me} network.client_groups", network.client_groups, allowed)
    # The controller would leave the VPC, which packs for restricted data ask for.
    steady = not (network.while_bursting and restricted)
    always = "'always' where data_class is 'restricted'"
    require(steady, f"{me} network.endpoints", network.endpoints, always)
