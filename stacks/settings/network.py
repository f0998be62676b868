"""Where workers run, and that the addresses suffice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final, Literal, get_args

from stacks.settings.annotations import typed
from stacks.settings.validation import (
    between,
    distinct,
    ipv4_network,
    matches,
    one_of,
    private_network,
    require,
)

__all__ = [
    "MOST_ZONES",
    "Egress",
    "EndpointSource",
    "EndpointTime",
    "ExistingVpc",
    "Network",
]

Egress = Literal["isolated", "nat"]
EndpointSource = Literal["create", "reuse"]
EndpointTime = Literal["always", "while_bursting"]

RESERVED_ADDRESSES: Final = 5
"""AWS keeps so many in every subnet."""

ZONE_ID: Final = r"[a-z]{3,4}\d-az\d"
ZONE_NAME: Final = r"[a-z]{2}-[a-z]+-\d[a-z]"

MOST_ZONES: Final = 6

WORKER_BITS: Final = 3
"""By how many a subnet's prefix is longer than its block's where it can grow: an eighth, of which
six zones take six and leave two to their NAT gateways."""

GROWS_WITH_NAT: Final = 23
"""The longest prefix whose quarter holds six subnets for NAT gateways, of sixteen addresses each:
EC2 makes none smaller."""

MOST_CLIENT_GROUPS: Final = 20
"""A security group has sixty rules, and the endpoints' group has some of its own."""

ENDPOINT_ADDRESSES: Final = 16
"""Room for interface endpoints in every subnet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExistingVpc:
    """A VPC that the organization owns; the kit adds its endpoints and security groups only.

    The endpoints answer for the services' public names in the whole VPC (private DNS), to our
    groups alone, and with a policy that knows our account alone. So ``create`` is for a VPC in
    which nothing but Starburst lives: neighbours would be cut off from those services, and AWS
    refuses a second endpoint for a name. ``reuse`` takes those that the VPC has, of any owner.

    Attributes:
        vpc_id: ``vpc-…``.
        subnet_ids: isolated (or NAT) subnets for workers, one per availability zone.
        route_table_ids: of those subnets, in the same order; the S3 gateway endpoint goes there.
        endpoints: ``create``, or ``reuse`` where the VPC has them all: a gateway for ``s3`` in each
            of the route tables, and interfaces with private DNS for ``ecr.api``, ``ecr.dkr``,
            ``ecs``, ``kms``, ``logs``, ``sqs``, ``ssm`` and ``sts`` (``ecs-agent`` and
            ``ecs-telemetry`` too in a Region opened since December 2023; in FIPS mode ``kms``,
            ``sqs``, ``ssm`` and ``sts`` by their names that end in ``-fips``).
        endpoints_security_group_id: of the interfaces: with ``reuse`` of those that are there; with
            ``create`` a group of yours for ours, or None for one that the kit makes. The kit lets
            workers and the controller in on 443 there, and changes nothing else.
        worker_security_group_id: a group of yours for workers, which nothing may reach, and which
            lets out to the endpoints' group and to S3's prefix list on 443 alone (with
            ``egress="nat"`` to everywhere too). None for one that the kit makes. The kit changes no
            rule of it; ``deploy.up`` refuses one with others, and ``deploy.audit`` finds them.
        s3_endpoint_id: with ``reuse``, of the gateway, for the data bucket's policy.
    """

    vpc_id: str
    subnet_ids: tuple[str, ...]
    route_table_ids: tuple[str, ...]
    endpoints: EndpointSource = "create"
    endpoints_security_group_id: str | None = None
    s3_endpoint_id: str | None = None
    worker_security_group_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse malformed ids and subnets without their route table."""
        typed("existing.", self)
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
        one_of("existing.endpoints", self.endpoints, get_args(EndpointSource))
        theirs = self.endpoints == "reuse"
        field, gateway = "existing.s3_endpoint_id", self.s3_endpoint_id
        if theirs:
            allowed = "an id such as vpce-0a1b2c3d with endpoints='reuse'"
            matches(field, gateway, f"vpce-{hexadecimal}", allowed)
        else:
            require(gateway is None, field, gateway, "None with endpoints='create'")
        self._check_groups(f"sg-{hexadecimal}", theirs=theirs)

    def _check_groups(self, pattern: str, *, theirs: bool) -> None:
        field, group = "existing.endpoints_security_group_id", self.endpoints_security_group_id
        if theirs or group is not None:
            allowed = "an id such as sg-0a1b2c3d"
            allowed += " with endpoints='reuse'" if theirs else ", or None"
            matches(field, group, pattern, allowed)
        workers = self.worker_security_group_id
        if workers is not None:
            field = "existing.worker_security_group_id"
            matches(field, workers, pattern, "an id such as sg-0a1b2c3d, or None")
            known = group is not None and group != workers
            allowed = "a group beside endpoints_security_group_id, to which it lets out"
            require(known, field, workers, allowed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """Where workers run (S12 to S18).

    Attributes:
        cidr: of our own VPC, /16 to /24, private.
        zones: availability zones, 2 to 6, at most as many as the region has; of an existing VPC, as
            many as it gives subnets.
        named_zones: which ones, by id (``euw1-az1``, the same place for every account) or by name
            (``eu-west-1a``). Without it they are the account's first that have a default subnet,
            where it has any. Naming them in another order replaces every subnet.
        egress: ``isolated`` (no internet gateway at all) or ``nat``, the one explicit way out.
        existing: an existing VPC instead of our own; ``cidr`` is then that VPC's.
        peers: CIDRs that this VPC will be routed to and must not overlap.
        endpoints: when the interface endpoints exist, which are nearly all that an idle environment
            costs: ``always``, or ``while_bursting``. The controller then opens them for the first
            session, which waits about a minute for it, and closes them minutes after the last. It
            runs outside the VPC, because it must work while there are none.
        s3_prefix_list: AWS's prefix list of S3, ``pl-…``, where the kit has none for the region.
        client_groups: security groups, ``sg-…``, of what analysts use in this VPC, such as notebook
            servers: they reach the interface endpoints, Lambda's among them, which exists for them
            alone (A15). With ``endpoints='always'``, and not in FIPS mode, for which AWS has no
            such endpoint of Lambda's.
        grows: subnets of our own VPC are laid out for six zones and a way out, so that ``zones``
            and ``egress`` change in place: an eighth of ``cidr`` for the workers of each zone, and
            a /28 for its NAT gateway. False divides ``cidr`` among those that there are, as it was
            before 0.2: an environment of that time says so, since subnets cannot move.
    """

    cidr: str = "10.64.0.0/20"
    zones: int = 2
    egress: Egress = "isolated"
    existing: ExistingVpc | None = None
    peers: tuple[str, ...] = ()
    endpoints: EndpointTime = "always"
    s3_prefix_list: str | None = None
    named_zones: tuple[str, ...] = ()
    client_groups: tuple[str, ...] = ()
    grows: bool = True

    def __post_init__(self) -> None:
        """Refuse a network that AWS would not build or that could not be routed to its peers."""
        typed("network.", self)
        between("network.zones", self.zones, 2, MOST_ZONES)
        one_of("network.egress", self.egress, get_args(Egress))
        one_of("network.endpoints", self.endpoints, get_args(EndpointTime))
        block = private_network("network.cidr", self.cidr)
        for peer in self.peers:
            clear = not ipv4_network("network.peers", peer).overlaps(block)
            require(clear, "network.peers", peer, f"blocks that do not overlap {block}")
        tight = self.grows and self.egress == "nat" and self.existing is None
        allowed = f"/{GROWS_WITH_NAT} or larger with egress='nat', or grows=False"
        require(not tight or block.prefixlen <= GROWS_WITH_NAT, "network.cidr", self.cidr, allowed)
        if self.named_zones:
            self._check_zones()
        if self.client_groups:
            self._check_clients()
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
            theirs = self.existing.endpoints == "reuse"
            require(
                not (theirs and self.while_bursting),
                "network.endpoints",
                self.endpoints,
                "'always' with existing.endpoints='reuse': only their owner may close them",
            )

    def _check_clients(self) -> None:
        field, groups = "network.client_groups", self.client_groups
        distinct(field, groups)
        between(f"number of {field}", len(groups), 0, MOST_CLIENT_GROUPS)
        for group in groups:
            matches(field, group, "sg-[0-9a-f]{8,17}", "ids such as sg-0a1b2c3d")
        allowed = "() with endpoints='while_bursting': a client calls before there is a session"
        require(not self.while_bursting, field, groups, allowed)
        theirs = self.existing is not None and self.existing.endpoints == "reuse"
        allowed = "() with existing.endpoints='reuse': only their owner lets others in"
        require(not theirs, field, groups, allowed)

    def _check_zones(self) -> None:
        field, named = "network.named_zones", self.named_zones
        distinct(field, named)
        for zone in named:
            allowed = "ids such as euw1-az1, or names such as eu-west-1a"
            matches(field, zone, f"{ZONE_ID}|{ZONE_NAME}", allowed)
        ids = [zone for zone in named if re.fullmatch(ZONE_ID, zone)]
        require(len(ids) in (0, len(named)), field, named, "either ids or names")
        allowed = f"{len(named)}, the number of named_zones"
        require(self.zones == len(named), "network.zones", self.zones, allowed)
        allowed = "() with an existing VPC, whose subnets have their zones"
        require(self.existing is None, field, named, allowed)

    @property
    def zone_ids(self) -> tuple[str, ...]:
        """The named zones where they are named by their ids."""
        return tuple(zone for zone in self.named_zones if re.fullmatch(ZONE_ID, zone))

    @property
    def while_bursting(self) -> bool:
        """Whether the controller opens and closes the interface endpoints."""
        return self.endpoints == "while_bursting"

    @property
    def block(self) -> IPv4Network:
        """``cidr``, parsed."""
        return IPv4Network(self.cidr)

    @property
    def worker_prefix(self) -> int | None:
        """The prefix of each subnet for workers; None where subnets share the block evenly."""
        return self.block.prefixlen + WORKER_BITS if self.grows else None

    @property
    def worker_addresses(self) -> int:
        """How many workers fit into our own VPC.

        Example:
            >>> Network(cidr="10.64.0.0/20", zones=2).worker_addresses
            982
        """
        subnets = self.zones * (2 if self.egress == "nat" else 1)
        bits = WORKER_BITS if self.grows else (subnets - 1).bit_length()
        largest = self.block.num_addresses >> bits
        return self.zones * max(0, largest - RESERVED_ADDRESSES - ENDPOINT_ADDRESSES)
