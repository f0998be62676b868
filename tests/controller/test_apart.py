"""A workspace with a cluster and a group of its own has its workers there, and no other has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from starburst.controller.state.environment import Settings
from starburst.errors import ConfigurationError
from tests.controller.test_handler import VARIABLES
from tests.controller.world import World
from tests.manifests import a_manifest

KEYS = a_manifest().keys


def set_apart(world: World, **groups: str) -> None:
    environment = world.environment
    environment.settings = replace(environment.settings, apart=groups)


def named(call: dict[str, Any]) -> tuple[str, list[str]]:
    """The cluster and the groups that a call of RunTask names."""
    network = call["networkConfiguration"]["awsvpcConfiguration"]
    return call["cluster"].rpartition("/")[2], network["securityGroups"]


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ({"genomics": "sg-genomics"}, ("cluster-genomics", ["sg-genomics"])),
        ({"imaging": "sg-imaging"}, ("cluster", ["sg-workers"])),
    ],
)
def test_workers_start_and_stop_where_their_workspace_is(
    world: World, groups: dict[str, str], expected: tuple[str, list[str]]
) -> None:
    set_apart(world, **groups)
    world.start()
    assert {named(call)[0] for call in world.ecs.calls} == {expected[0]}
    assert [named(call)[1] for call in world.ecs.calls] == [expected[1]] * len(world.ecs.calls)
    world.later(60)
    world.sweep()
    assert world.status(KEYS).workers_running == 3, "it sees them there"
    world.request(KEYS, "stop")
    world.later(60)
    world.sweep()
    assert world.ecs.live() == []


@pytest.mark.parametrize("cluster", ["cluster", "cluster-genomics", "cluster-imaging"])
def test_a_task_without_a_session_is_stopped_in_every_cluster(world: World, cluster: str) -> None:
    set_apart(world, genomics="sg-genomics", imaging="sg-imaging")
    task = world.ecs.add("c" * 20, cluster=cluster)
    assert world.sweep()["orphan_tasks"] == 1
    assert task["desiredStatus"] == "STOPPED"


@pytest.mark.parametrize("cluster", ["cluster", "cluster-imaging"])
def test_a_sessions_worker_in_another_cluster_is_stopped(world: World, cluster: str) -> None:
    """Whoever starts it under a session's name does not get it among others for long."""
    set_apart(world, genomics="sg-genomics", imaging="sg-imaging")
    world.start()
    there = world.ecs.add(KEYS.session, cluster=cluster)
    assert world.sweep()["orphan_tasks"] == 1
    assert there["desiredStatus"] == "STOPPED"
    assert world.ecs.staying(KEYS.session) == 3, "its own go on"


def test_a_sessions_worker_in_its_own_cluster_is_its_own(world: World) -> None:
    set_apart(world, genomics="sg-genomics")
    world.start()
    world.ecs.add(KEYS.session, cluster="cluster-genomics")
    assert world.sweep()["orphan_tasks"] == 0


def test_the_variable_names_each_group() -> None:
    known = Settings.from_environment({**VARIABLES, "STARBURST_APART": "a=sg-a,b=sg-b"})
    assert known.clusters == ("workers", "workers-a", "workers-b")
    assert [known.group_of(each) for each in ("a", "b", "c")] == ["sg-a", "sg-b", "sg-workers"]


@pytest.mark.parametrize("text", ["a", "a=", "a=sg-a,b="])
def test_a_workspace_without_its_group_does_not_start_among_others(text: str) -> None:
    with pytest.raises(ConfigurationError, match="names no group of some workspace"):
        Settings.from_environment({**VARIABLES, "STARBURST_APART": text})
