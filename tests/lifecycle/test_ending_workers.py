"""Every worker is told to stop and waited for, in each cluster, before anything is destroyed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from deploy.lifecycle.account import LifecycleError
from deploy.lifecycle.sessions import end_sessions
from environments import DEV
from tests.lifecycle.test_destroy import REGION, Formation, account_with
from tests.quick_moto import quick_aws


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account without sessions' queues."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with quick_aws():
        yield


def task_arn(name: str, cluster: str = "starburst-dev") -> str:
    return f"arn:aws:ecs:{REGION}:{DEV.account}:task/{cluster}/{name}"


@dataclass
class Tasks:
    """ECS: workers that need some looks to stop, and one that an invocation under way starts."""

    looks: int
    tasks: dict[str, int] = field(default_factory=dict)
    late: int = 1
    reasons: list[str] = field(default_factory=list)

    def get_paginator(self, name: str) -> Tasks:
        assert name == "list_tasks"
        return self

    def paginate(self, *, cluster: str, desiredStatus: str) -> Iterator[Mapping[str, Any]]:
        runs = desiredStatus == "RUNNING"
        theirs = {arn: left for arn, left in self.tasks.items() if f"/{cluster}/" in arn}
        yield {"taskArns": [arn for arn, left in theirs.items() if (left < 0) is runs]}

    def stop_task(self, *, cluster: str, task: str, reason: str) -> None:
        assert f"/{cluster}/" in task
        self.tasks[task] = self.looks
        self.reasons.append(reason)
        if self.late:
            self.late -= 1
            self.tasks[task_arn("late")] = -1

    def describe_tasks(self, *, cluster: str, tasks: list[str]) -> Any:
        found = []
        for arn in tasks:
            assert f"/{cluster}/" in arn
            self.tasks[arn] = max(0, self.tasks[arn] - 1)
            status = "DEPROVISIONING" if self.tasks[arn] else "STOPPED"
            found.append({"taskArn": arn, "lastStatus": status})
        return {"tasks": found}


def test_workers_are_waited_for_with_a_reason() -> None:
    ecs, said, now = (
        Tasks(looks=4, tasks={task_arn("one"): -1, task_arn("two"): -1}),
        list[str](),
        [0.0],
    )
    account = replace(
        account_with(Formation(), ecs=ecs),
        say=said.append,
        clock=lambda: now[0],
        pause=lambda seconds: now.__setitem__(0, now[0] + seconds),
    )
    assert end_sessions(account) == 3
    assert ecs.reasons == ["starburst: the environment is being destroyed"] * 3
    assert said[0].startswith(
        "waiting for workers: 2 of 2 still stop (DEPROVISIONING); each may take"
    )
    assert any("3 of 3 still stop" in line for line in said)


def test_workers_that_somebody_stopped_a_moment_ago_are_waited_for() -> None:
    ecs, now = Tasks(looks=4, tasks={task_arn("stopping"): 3, task_arn("stopped"): 0}), [0.0]
    account = replace(
        account_with(Formation(), ecs=ecs),
        clock=lambda: now[0],
        pause=lambda seconds: now.__setitem__(0, now[0] + seconds),
    )
    end_sessions(account)
    assert ecs.reasons == []
    assert set(ecs.tasks.values()) == {0}


def test_workers_of_a_workspace_that_runs_apart_are_stopped_as_well() -> None:
    own = task_arn("own", f"starburst-dev-{DEV.workspaces[0].name}")
    ecs, now = Tasks(looks=2, tasks={task_arn("one"): -1, own: -1}, late=0), [0.0]
    account = account_with(Formation(), ecs=ecs)
    workspaces = tuple(replace(one, own_cluster=True) for one in account.environment.workspaces)
    account = replace(
        account,
        environment=replace(account.environment, workspaces=workspaces),
        clock=lambda: now[0],
        pause=lambda seconds: now.__setitem__(0, now[0] + seconds),
    )
    assert end_sessions(account) == 2
    assert set(ecs.tasks.values()) == {0}


def test_workers_that_do_not_stop_are_told() -> None:
    now = [0.0]
    account = replace(
        account_with(Formation(), ecs=Tasks(looks=10**6, tasks={task_arn("one"): -1}, late=0)),
        clock=lambda: now[0],
        pause=lambda seconds: now.__setitem__(0, now[0] + seconds),
    )
    with pytest.raises(
        LifecycleError, match=r"1 of 1 workers .* within 15 minutes .* is arn:aws:ecs:.*/one"
    ):
        end_sessions(account)
