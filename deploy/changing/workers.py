"""The workers of a cluster that nobody has told to stop, with their tags."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["living"]

_DESCRIBED: Final = 100


def living(ecs: Any, cluster: str) -> list[dict[str, Any]]:  # noqa: ANN401 - any client of boto3
    """Return the tasks of a cluster that are to run, as ECS describes them.

    Args:
        ecs: a client of ECS.
        cluster: its name.

    Raises:
        ClientError: ECS refuses, such as where there is no such cluster.
    """
    found: list[dict[str, Any]] = []
    pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster)  # those that are to run
    arns = [arn for page in pages for arn in page["taskArns"]]
    for start in range(0, len(arns), _DESCRIBED):
        batch = arns[start : start + _DESCRIBED]
        found += ecs.describe_tasks(cluster=cluster, tasks=batch, include=["TAGS"])["tasks"]
    return [task for task in found if task.get("desiredStatus") != "STOPPED"]
