"""Workspaces whose workers would get another cluster: none of them may be at work meanwhile.

The controller looks for a workspace's workers in one cluster, the one of its settings (decision
0059). Those at work while that changes would be lost sight of and paid for, and AWS deletes no
cluster with tasks in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from deploy.changing.changes import Template
from deploy.changing.stops import Stop
from deploy.changing.workers import living
from starburst.aws.calls import code_of
from starburst.contract import WORKSPACE_TAG
from starburst_constructs.naming import cluster_name

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["what_moves"]

_CLUSTER: Final = "AWS::ECS::Cluster"


def what_moves(
    environment: Environment,
    client: Callable[[str], Any],
    *,
    before: Mapping[str, Template],
    after: Mapping[str, Template],
) -> Iterator[Stop]:
    """Yield what stops a workspace from getting a cluster of its own, or from giving it up.

    Args:
        environment: as its settings are now.
        client: makes the client of a service.
        before: deployed templates by stack.
        after: those to deploy now; of others nothing changes.
    """
    for stack in before.keys() & after.keys():
        there, here = _clusters(before[stack]), _clusters(after[stack])
        shared = cluster_name(environment.name)
        for own in sorted(there ^ here):
            workspace = own.removeprefix(f"{shared}-")
            if shared not in there or workspace == own:
                continue  # nothing runs yet, or it is nobody's of ours
            left = own if own in there else shared
            at_work = [one for one in _living(client, left) if _of(one) == workspace]
            if at_work:
                yield _stop(environment.name, workspace, stack=stack, cluster=left, at_work=at_work)


def _clusters(template: Template) -> set[str]:
    return {
        str(one.get("Properties", {}).get("ClusterName"))
        for one in template.get("Resources", {}).values()
        if one["Type"] == _CLUSTER
    }


def _living(client: Callable[[str], Any], cluster: str) -> list[dict[str, Any]]:
    try:
        return living(client("ecs"), cluster)
    except ClientError as error:
        if code_of(error) == "ClusterNotFoundException":
            return []  # somebody deleted it by hand, which takes that nothing ran in it
        raise


def _of(task: Mapping[str, Any]) -> str | None:
    return {one["key"]: one["value"] for one in task.get("tags", ())}.get(WORKSPACE_TAG)


def _stop(
    environment: str, workspace: str, *, stack: str, cluster: str, at_work: list[dict[str, Any]]
) -> Stop:
    counted = f"{len(at_work)} worker{'s' * (len(at_work) != 1)}"
    return Stop(
        stack=stack,
        reason="workers",
        sentence=f"own_cluster of workspace {workspace} would change while {counted} of it run in "
        f"{cluster}: the controller would lose sight of them, and they would be paid for",
        way="Take the change back, add draining=True to the workspace, deploy, wait until its "
        f"sessions have ended (python -m deploy.totals --environment {environment} --workspace "
        f"{workspace} shows what still runs), and then make the change",
    )
