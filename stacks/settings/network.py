"""Where workers run, and that the addresses suffice."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final, Literal, get_args

from stacks.validation import (
    between,
    distinct,
    ipv4_network,
    matches,
    one_of,
    private_network,
    require,
)

__all__ = ["Egress", "ExistingVpc", "Network"]

Egress = Literal["isolated", "nat"]

RESERVED_ADDRESSES: Final = 5
"""AWS keeps so many in every subnet."""

ENDPOINT_ADDRESSES: Final = 16
"""Room for interface endpoints in every subnet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExistingVpc:
    """A VPC that the organization owns; the kit adds its endpoints and security groups only.

    Attributes:
        vpc_id: ``vpc-…``.
        subnet_ids: isolated (or NAT) subnets for workers, one per availability zone.
        route_table_ids: of those subnets, in the same order; the S3 gateway endpoint goes there.
    """

    vpc_id: str
    subnet_ids: tuple[str, ...]
    route_table_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse malformed ids and subnets without their route table."""
        hexadecimal = "[0-9a-f]{8,17}"
        matches("existing.vpc_id", self.vpc_id, f"vpc-{hexadecimal}", "an id such as vpc-0a1b2c3d")
        for subnet in self.subnet_ids:
            matches("existing.subnet_ids", subnet, f"subnet-{hexadecimal}", "ids like subnet-0a1b…")
        for table in self.route_table_ids:
            matches("existing.route_table_ids", table, f"rtb-{hexadecimal}", "ids like rtb-0a1b…")
        distinct("existing.subnet_ids", self.subnet_ids)
        between("number of existing.subnet_ids", len(self.subnet_ids), 2, 6)
        require(
            len(self.route_table_ids) == len(self.subnet_ids),
            "number of existing.route_table_ids",
            len(self.route_table_ids),
            f"one for each of the {len(self.subnet_ids)} subnets",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """Where workers run (S12 to S18).

    Attributes:
        cidr: of our own VPC, /16 to /24, private.
        zones: availability zones, 2 to 6; of an existing VPC, as many as it gives subnets.
        egress: ``isolated`` (no internet gateway at all) or ``nat``, the one explicit way out.
        existing: an existing VPC instead of our own; ``cidr`` is then that VPC's.
        peers: CIDRs that this VPC will be routed to and must not overlap.
        s3_prefix_list: AWS's prefix list of S3, ``pl-…``, where the kit has none for the region.
        block_public_access: shut every internet gateway of the account in this region, so that no
            task can be public in any of its VPCs; for accounts that hold nothing else.
    """

    cidr: str = "10.64.0.0/20"
    zones: int = 2
    egress: Egress = "isolated"
    existing: ExistingVpc | None = None
    peers: tuple[str, ...] = ()
    s3_prefix_list: str | None = None
    block_public_access: bool = False

    def __post_init__(self) -> None:
        """Refuse a network that AWS would not build or that could not be routed to its peers."""
        between("network.zones", self.zones, 2, 6)
        one_of("network.egress", self.egress, get_args(Egress))
        block = private_network("network.cidr", self.cidr)
        for peer in self.peers:
            clear = not ipv4_network("network.peers", peer).overlaps(block)
            require(clear, "network.peers", peer, f"blocks that do not overlap {block}")
        if self.s3_prefix_list is not None:
            allowed = "an id such as pl-6da54004"
            matches("network.s3_prefix_list", self.s3_prefix_list, "pl-[0-9a-f]{8,17}", allowed)
        if self.existing is not None:
            subnets = len(self.existing.subnet_ids)
            require(
                subnets == self.zones,
                "network.zones",
                self.zones,
                f"{subnets}, the number of existing.subnet_ids",
            )

    @property
    def block(self) -> IPv4Network:
        """``cidr``, parsed."""
        return IPv4Network(self.cidr)

    @property
    def worker_addresses(self) -> int:
        """How many workers fit into our own VPC when its subnets share the block evenly.

        Example:
            >>> Network(cidr="10.64.0.0/24", zones=2).worker_addresses
            214
        """
        subnets = self.zones * (2 if self.egress == "nat" else 1)
        largest = self.block.num_addresses >> (subnets - 1).bit_length()
        return self.zones * max(0, largest - RESERVED_ADDRESSES - ENDPOINT_ADDRESSES)
