"""Workspaces whose workers run apart: where a cluster and a group of their own can be had."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from stacks.settings.network import Network
from stacks.settings.validation import require
from stacks.settings.workspace import Workspace

__all__ = ["MOST_CLUSTERS", "check_clusters"]

MOST_CLUSTERS: Final = 5
"""Of their own in one environment: each is named in the boundary, in policies and in filters of
the trail, and AWS limits the length of all three."""


def check_clusters(
    me: str, workspaces: Iterable[Workspace], *, network: Network, hosted: bool
) -> None:
    """Refuse ``own_cluster`` where workers would share machines or a group all the same.

    Args:
        me: how messages begin, such as ``environment prod:``.
        workspaces: of the environment.
        network: of the environment.
        hosted: whether workers run on EC2 instances.
    """
    apart = [workspace.name for workspace in workspaces if workspace.own_cluster]
    if not apart:
        return
    field = f"{me} own_cluster of its workspaces"
    named = ", ".join(apart)
    allowed = (
        "False with capacity: the instances join the environment's one cluster; use Fargate, where "
        "each worker has a machine of its own"
    )
    require(not hosted, field, named, allowed)
    existing = network.existing
    given = existing is not None and existing.worker_security_group_id is not None
    allowed = (
        "False with existing.worker_security_group_id: all workers are in that one group of its "
        "owner's; leave it out, so that the kit makes the groups"
    )
    require(not given, field, named, allowed)
    allowed = (
        f"True for {MOST_CLUSTERS} workspaces at most: an environment has no room for more; make "
        "another environment for the strictest"
    )
    require(len(apart) <= MOST_CLUSTERS, field, named, allowed)
