"""The workers of a cluster that nobody has told to stop, with their tags."""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import ClientError

from starburst.aws.calls import code_of

__all__ = ["living"]

_DESCRIBED: Final = 100
_NO_CLUSTER: Final = "ClusterNotFoundException"


def living(ecs: Any, cluster: str) -> list[dict[str, Any]]:  # noqa: ANN401 - any client of boto3
    """Return the tasks of a cluster that are to run, as ECS describes them; none without it.

    Args:
        ecs: a client of ECS.
        cluster: its name.
    """
    found: list[dict[str, Any]] = []
    pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster)  # those that are to run
    try:
        arns = [arn for page in pages for arn in page["taskArns"]]
    except ClientError as error:
        if code_of(error) == _NO_CLUSTER:
            return []
        raise
    for start in range(0, len(arns), _DESCRIBED):
        batch = arns[start : start + _DESCRIBED]
        found += ecs.describe_tasks(cluster=cluster, tasks=batch, include=["TAGS"])["tasks"]
    return [task for task in found if task.get("desiredStatus") != "STOPPED"]
