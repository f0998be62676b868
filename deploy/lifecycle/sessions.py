"""Ending all that runs in an environment: no session starts any more, workers stop, queues go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from starburst.aws.calls import QUEUE_GONE, code_of
from starburst_constructs.naming import cluster_names, controller_name

from .account import Account, LifecycleError

__all__ = ["end_sessions", "running"]

_DESCRIBED: Final = 100
_LISTED: Final = 1000
_LOOK_SECONDS: Final = 3.0
_STOP_SECONDS: Final = 900.0
"""A worker has two minutes to stop, and Fargate then takes its network interface away."""

_REASON: Final = "starburst: the environment is being destroyed"
_NO_CLUSTER: Final = "ClusterNotFoundException"
_NO_TASK: Final = "InvalidParameterException"


def end_sessions(account: Account) -> int:
    """End every session of an environment; return how many workers were stopped.

    The controller is silenced first, for it would replace the workers. An invocation that is under
    way may still start some within a minute; whoever asks again ends those as well.

    Raises:
        LifecycleError: workers did not stop.
    """
    _silence(account)
    stopped = _stop_workers(account)
    for url in list(_queues(account)):
        try:
            account.client("sqs").delete_queue(QueueUrl=url)
        except ClientError as error:
            if code_of(error) not in QUEUE_GONE:
                raise
            continue
        account.say(f"queue {url.rpartition('/')[2]} is deleted")
    return stopped


def running(account: Account) -> tuple[str, ...]:
    """Return the ARNs of the tasks that are to run in the environment's clusters."""
    return _tasks(account, "RUNNING")


def _tasks(account: Account, wanted: str) -> tuple[str, ...]:
    """Return the ARNs of the tasks that are to run, or are to stop or did in the last hour."""
    return tuple(
        arn for cluster in _clusters(account) for arn in _tasks_of(account, cluster, wanted)
    )


def _clusters(account: Account) -> tuple[str, ...]:
    return cluster_names(account.environment.name, account.environment.own_clusters)


def _tasks_of(account: Account, cluster: str, wanted: str) -> tuple[str, ...]:
    pages = account.client("ecs").get_paginator("list_tasks")
    try:
        return tuple(
            arn
            for page in pages.paginate(cluster=cluster, desiredStatus=wanted)
            for arn in page["taskArns"]
        )
    except ClientError as error:
        if code_of(error) == _NO_CLUSTER:
            return ()
        raise


def _silence(account: Account) -> None:
    """Reserve no concurrency for the controller: Lambda then refuses every invocation.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    """
    name = controller_name(account.environment.name)
    try:
        account.client("lambda").put_function_concurrency(
            FunctionName=name, ReservedConcurrentExecutions=0
        )
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return
    account.say(f"{name} answers nobody any more: no session starts")


def _stop_workers(account: Account) -> int:
    ecs = account.client("ecs")
    until = account.clock() + _STOP_SECONDS
    # Whom somebody stopped a moment ago still writes, and holds the cluster.
    asked = [one["taskArn"] for one in _not_stopped(ecs, _tasks(account, "STOPPED"))]
    told = ""
    while True:
        for arn in running(account):
            if arn not in asked:
                _stop(ecs, arn)
                asked.append(arn)
        left = _not_stopped(ecs, asked)
        if not left:
            return len(asked)
        states = ", ".join(sorted({one["lastStatus"] for one in left}))
        if account.clock() >= until:
            raise LifecycleError(
                f"{len(left)} of {len(asked)} workers have not stopped within "
                f"{_STOP_SECONDS / 60:.0f} minutes ({states}; the first is {left[0]['taskArn']}). "
                "Nothing was destroyed. Look at them in ECS's console, then run the command again"
            )
        line = f"waiting for workers: {len(left)} of {len(asked)} still stop ({states})"
        if line != told:
            account.say(f"{line}; each may take two minutes to end its task")
            told = line
        account.pause(_LOOK_SECONDS)


def _cluster(arn: str) -> str:
    """Return the name of the cluster that a task's ARN says."""
    return arn.split("/")[-2]


def _stop(ecs: Any, arn: str) -> None:  # noqa: ANN401 - any client of boto3
    try:
        ecs.stop_task(cluster=_cluster(arn), task=arn, reason=_REASON)
    except ClientError as error:
        # It stopped by itself, and ECS has forgotten it.
        if code_of(error) != _NO_TASK:
            raise


def _not_stopped(ecs: Any, arns: Sequence[str]) -> list[dict[str, Any]]:  # noqa: ANN401
    found: list[dict[str, Any]] = []
    for cluster in dict.fromkeys(_cluster(arn) for arn in arns):
        theirs = [arn for arn in arns if _cluster(arn) == cluster]
        for start in range(0, len(theirs), _DESCRIBED):
            batch = theirs[start : start + _DESCRIBED]
            found += ecs.describe_tasks(cluster=cluster, tasks=batch)["tasks"]
    return [task for task in found if task["lastStatus"] != "STOPPED"]


def _queues(account: Account) -> Iterator[str]:
    """Yield the addresses of sessions' queues; the queue of lost events is its stack's own."""
    session = re.compile(rf"{re.escape(account.prefix)}[a-z0-9]+-[a-z0-9]{{20}}")
    pages = account.client("sqs").get_paginator("list_queues")
    # Without a size of pages SQS ends after the first thousand:
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html
    size = {"PageSize": _LISTED}
    for page in pages.paginate(QueueNamePrefix=account.prefix, PaginationConfig=size):
        for url in page.get("QueueUrls", ()):
            if session.fullmatch(url.rpartition("/")[2]):
                yield url
