"""EC2 instances of an environment: types that there are, of its architecture, with room for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from stacks.settings.checks.places import nearest
from stacks.settings.network import Network
from stacks.settings.validation import require
from stacks.settings.workspace import Workspace
from starburst.contract import Hosts, Instance

__all__ = ["architecture_of", "check_groups", "check_room", "check_type"]

MOST_PROVIDERS: Final = 20
"""Capacity providers that ECS takes for one cluster."""

_FAMILY: Final = re.compile(r"(u-|[a-z]+)(?P<generation>\d+)(?P<options>[a-z0-9-]*)")


def check_type(field: str, name: str) -> None:
    """Refuse a type that EC2 does not have, as botocore's model of EC2 lists them."""
    known = _types()
    if name not in known:  # to look for what is near takes a hundred times as long
        allowed = f"types that EC2 has, such as {nearest(name, known, most=3)}"
        require(False, field, name, allowed)


def architecture_of(name: str) -> str:
    """Return the architecture of an instance type, which its name tells.

    The options after the generation's number hold a ``g`` where the processor is AWS's Graviton or
    NVIDIA's Grace; the first generation of Graviton is ``a1``.

    https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html

    Example:
        >>> architecture_of("m7g.large"), architecture_of("g4dn.xlarge")
        ('ARM64', 'X86_64')
    """
    family = name.partition(".")[0]
    found = _FAMILY.fullmatch(family)
    arm = family == "a1" or (found is not None and "g" in found["options"])
    return "ARM64" if arm else "X86_64"


def check_groups(
    me: str, instances: Sequence[Instance], *, architecture: str, others: object, groups: int
) -> None:
    """Refuse types of another architecture, several architectures, and more groups than ECS takes.

    Args:
        me: how messages begin, such as ``environment prod:``.
        instances: types that may be started.
        architecture: of the environment's workers.
        others: that a session may ask for as well.
        groups: of instances, one or two for each workspace.
    """
    allowed = "() with EC2 instances, which have one architecture"
    require(not others, f"{me} other_architectures", others, allowed)
    for one in instances:
        theirs = architecture_of(one.name)
        allowed = f"types of {architecture}; or architecture={theirs!r}, which {one.name} has"
        require(theirs == architecture, f"{me} capacity.instance_types", one.name, allowed)
    allowed = f"{MOST_PROVIDERS} groups of instances at most, one or two for each workspace"
    require(groups <= MOST_PROVIDERS, f"{me} capacity", groups, allowed)


def check_room(
    me: str,
    instances: tuple[Instance, ...],
    *,
    network: Network,
    workspaces: Iterable[Workspace],
    most: int,
) -> None:
    """Refuse a network without addresses for all instances, and types too small for a worker.

    Args:
        me: how messages begin, such as ``environment prod:``.
        instances: types that may be started.
        network: where they are.
        workspaces: whose workers they hold.
        most: instances at once, of all groups.
    """
    known = tuple(workspaces)
    steady = not network.while_bursting
    allowed = "'always' with EC2 instances, whose agents call ECS for as long as they run"
    require(steady, f"{me} network.endpoints", network.endpoints, allowed)
    workers = max(workspace.limits.workers for workspace in known)
    fits = network.existing is not None or network.worker_addresses >= workers + most
    room = f"a block with {workers + most} addresses, for {workers} workers and the instances"
    require(fits, f"{me} network.cidr", network.cidr, room)
    hosts = Hosts(instances=instances)
    for workspace in known:
        fits = hosts.usd_per_hour(workspace.cpu, workspace.memory_gb) is not None
        size = f"{workspace.cpu:g} vCPU and {workspace.memory_gb:g} GB"
        allowed = f"a type with room for a worker of workspace {workspace.name}: {size}"
        named = ", ".join(one.name for one in instances)
        require(fits, f"{me} capacity.instance_types", named, allowed)


@cache
def _types() -> frozenset[str]:
    """Return the names of all types that workers can run on."""
    import botocore.session  # noqa: PLC0415 - slow, and for environments with instances only

    model = botocore.session.get_session().get_service_model("ec2")
    names: list[str] = model.shape_for("InstanceType").metadata["enum"]
    # ECS runs no Linux tasks on a Mac.
    return frozenset(name for name in names if not name.startswith("mac"))
