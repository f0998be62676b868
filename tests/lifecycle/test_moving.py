"""No workspace changes its cluster while its workers run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from deploy.lifecycle.account import LifecycleError
from deploy.lifecycle.up import deploy
from starburst.contract import WORKSPACE_TAG
from starburst_constructs.naming import cluster_name
from tests.lifecycle.scene import account
from tests.small_aws.account import SmallAws
from tests.small_aws.belongings import NoParameters
from tests.small_aws.ecs import TaskEcs
from tests.small_aws.stacks import Stack, StackFormation

COMPUTE = "starburst-dev-compute"
SHARED, OWN = cluster_name("dev"), cluster_name("dev", "sandbox")


def compute(*clusters: str) -> dict[str, Any]:
    made = {
        f"Cluster{number}": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": name}}
        for number, name in enumerate(clusters)
    }
    return {"Resources": made}


def plan(folder: Path, template: dict[str, Any]) -> Path:
    (folder / "compute.json").write_text(json.dumps(template))
    artifact = {
        "type": "aws:cloudformation:stack",
        "displayName": "dev/compute",
        "properties": {"stackName": COMPUTE, "templateFile": "compute.json"},
    }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"compute": artifact}}))
    return folder


def redeploy(
    folder: Path, before: Sequence[str], after: Sequence[str], ecs: TaskEcs
) -> Sequence[Sequence[str]]:
    """Deploy clusters over others; return what was asked of the CDK CLI."""
    made: list[Sequence[str]] = []
    stacks = {COMPUTE: Stack(resources={}, template=compute(*before))}
    services = {"cloudformation": StackFormation(stacks), "ssm": NoParameters(), "ecs": ecs}
    small = SmallAws(services=cast(Any, services))
    deploy(account(small, cdk=made.append), assembly=plan(folder, compute(*after)))
    return made


def at_work(cluster: str, *workspaces: str) -> TaskEcs:
    ecs = TaskEcs(cluster)
    for workspace in workspaces:
        ecs.start(**{WORKSPACE_TAG: workspace})
    return ecs


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [([SHARED], [SHARED, OWN], SHARED), ([SHARED, OWN], [SHARED], OWN)],
    ids=["apart", "together"],
)
def test_workers_are_not_lost_sight_of(
    tmp_path: Path, before: Sequence[str], after: Sequence[str], where: str
) -> None:
    others = ["genomics"] * 5
    with pytest.raises(LifecycleError) as refusal:
        redeploy(tmp_path, before, after, at_work(where, *others, "sandbox", "sandbox"))
    assert str(refusal.value).startswith(
        f"own_cluster of workspace sandbox would change while 2 workers of it run in {where}: "
    )
    assert "nothing was done. Take the change back, add draining=True" in str(refusal.value)
    # Others' work goes on meanwhile.
    assert len(redeploy(tmp_path, before, after, at_work(where, *others))) == 1


def test_a_first_deployment_and_an_equal_one_ask_for_no_workers(tmp_path: Path) -> None:
    busy = at_work(SHARED, "sandbox")
    assert redeploy(tmp_path, [], [SHARED, OWN], busy)
    assert redeploy(tmp_path, [SHARED], [SHARED], busy)
    assert redeploy(tmp_path, [SHARED, OWN], [SHARED, OWN], busy)


def test_workers_that_were_told_to_stop_hold_nothing_up(tmp_path: Path) -> None:
    ecs = at_work(SHARED, "sandbox")
    for arn in ecs.running:
        ecs.stop_task(cluster=SHARED, task=arn, reason="done")
    assert redeploy(tmp_path, [SHARED], [SHARED, OWN], ecs)


def test_a_cluster_that_was_deleted_by_hand_holds_nothing_up(tmp_path: Path) -> None:
    assert redeploy(tmp_path, [SHARED, OWN], [SHARED], at_work("another", "sandbox"))
