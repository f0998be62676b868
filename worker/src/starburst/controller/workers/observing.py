"""What ECS says of workers: those that the record knows are described, others are listed seldom.

DescribeTasks and ListTasks of an account share one bucket of 100 calls, which fills by 20 a second;
so a look costs one call for a hundred workers of one session, and nothing for those that stopped.
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/request-throttling.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from starburst.aws.calls import code_of
from starburst.controller.state.environment import Environment
from starburst.controller.state.sessions import Record

from .fleet import Worker, back_off, parse

__all__ = ["describe", "is_throttled", "live_ids", "observe", "remembered"]

_DESCRIBED_PER_CALL: Final = 100
_THROTTLED: Final = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException"})
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 4.0

_UNSEEN_SECONDS: Final = 300
"""ECS may not show a task for so long after RunTask named it: its API is eventually consistent, and
AWS says to wait up to about five minutes.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html.
"""

_FORGOTTEN: Final = "ECS no longer knows this task"

_T = TypeVar("_T")


def observe(
    environment: Environment, record: Record, *, until: float, extra: Sequence[Worker] = ()
) -> list[Worker]:
    """Return the workers of a session: those that its record knows, and ``extra`` ones.

    Args:
        environment: in which it acts.
        record: of the session.
        until: where ECS throttles, it is asked again until then.
        extra: what another call has shown of this session's workers.

    Raises:
        ClientError: ECS throttles on.
    """
    names = dict.fromkeys(record.known)
    cluster = environment.settings.cluster_of(record.workspace)
    if not record.listed:
        # An earlier release wrote the record: it remembered no ids, so ECS is asked for all.
        stopped = {"family": record.task_definition, "desiredStatus": "STOPPED"}
        for filters in ({"startedBy": record.session}, stopped):
            names |= dict.fromkeys(_listed(environment, cluster, filters, until=until))
    elif record.launch is not None and 0 < record.launch.until <= environment.clock():
        # Who launched has died, perhaps before it wrote down what ECS started.
        own_only = {"startedBy": record.session}
        names |= dict.fromkeys(_listed(environment, cluster, own_only, until=until))
    found = {worker.id: worker for worker in extra}
    wanted = [name for name in names if name not in found]
    shown = describe(environment, wanted, cluster=cluster, until=until)
    found |= {worker.id: worker for worker in shown}
    own = [worker for worker in found.values() if worker.session == record.session]
    missing = [name for name in record.known if name not in found]
    now = environment.clock()
    return [*own, *(_unseen(name, record, now=now) for name in missing)]


def remembered(record: Record, *, now: float) -> list[Worker]:
    """Return the workers that a record knows, as if ECS showed none of them yet."""
    return [_worker(name, record, since=since, now=now) for name, since in record.known.items()]


def live_ids(environment: Environment, *, cluster: str, until: float) -> list[str]:
    """Return the ids of all tasks of a cluster that nobody has told to stop."""
    return list(_listed(environment, cluster, {"desiredStatus": "RUNNING"}, until=until))


def describe(
    environment: Environment, names: Sequence[str], *, cluster: str, until: float
) -> list[Worker]:
    """Return what ECS knows of these tasks of a cluster; it leaves out those it does not know."""
    found: list[Worker] = []
    for start in range(0, len(names), _DESCRIBED_PER_CALL):
        call = partial(
            environment.clients.ecs.describe_tasks,
            cluster=cluster,
            tasks=list(names[start : start + _DESCRIBED_PER_CALL]),
            include=["TAGS"],
        )
        answer = _patiently(environment, call, until=until)
        found += [parse(task) for task in answer["tasks"]]
    return found


def is_throttled(error: ClientError | BotoCoreError) -> bool:
    """Whether ECS only wants to be asked later."""
    return code_of(error) in _THROTTLED


def _listed(
    environment: Environment, cluster: str, filters: dict[str, Any], *, until: float
) -> Iterator[str]:
    # ECS documents that startedBy must be the only filter; it then lists what is to run.
    following: str | None = ""
    while following is not None:
        more: dict[str, Any] = {"nextToken": following} if following else {}
        call = partial(
            environment.clients.ecs.list_tasks,
            cluster=cluster,
            **filters,
            **more,
        )
        page = _patiently(environment, call, until=until)
        yield from (arn.rpartition("/")[2] for arn in page["taskArns"])
        following = page.get("nextToken") or None


def _patiently(environment: Environment, call: Callable[[], _T], *, until: float) -> _T:
    delay = _FIRST_DELAY
    while True:
        try:
            return call()
        except ClientError as error:
            if not is_throttled(error) or not back_off(environment, delay, until=until):
                raise
            delay = min(_LONGEST_DELAY, delay * 2)


def _unseen(name: str, record: Record, *, now: float) -> Worker:
    """Return what is believed of a worker that ECS does not show: it is not there yet, or gone."""
    since = record.known[name]
    worker = _worker(name, record, since=since, now=now)
    if now - since < _UNSEEN_SECONDS:
        return worker
    return replace(
        worker,
        status="STOPPED",
        # When it stopped nobody knows; it was seen last at the last look.
        billed_from=since,
        stopped=max(since, record.looked),
        stop_code="InfrastructureHealth",
        trouble=_FORGOTTEN,
    )


def _worker(name: str, record: Record, *, since: float, now: float) -> Worker:
    return Worker(
        arn=name,
        session=record.session,
        status="PROVISIONING",
        leaving=False,
        created=min(since, now),
        billed_from=None,
        stopped=None,
        ran=False,
        exit_code=None,
        stop_code="",
        trouble="",
        scratch_gb=None,
        launch="",
        spot=False,
    )
