"""A workspace with a cluster of its own runs there alone: proved, and every slip is noticed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from environments import DEV
from starburst_assurance.proofs.encoding.clusters import apart, cluster_of, clusters
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import Policy, PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL

LOGIC = Logic()
KNOWN = {item.name: item for item in ALL}
ONLY_RUN_TASK = KNOWN["only_run_task"]
PLACE = f"arn:aws:ecs:{DEV.region}:{DEV.account}:cluster/starburst-broker"


@pytest.fixture(scope="module")
def apart_set(variants: Mapping[str, PolicySet]) -> PolicySet:
    """Five workspaces, two of which have a cluster of their own."""
    return variants["broker"]


def test_each_workspace_belongs_into_one_cluster(apart_set: PolicySet) -> None:
    assert apart(apart_set) == ("packages", "results")
    assert clusters(apart_set) == (PLACE, f"{PLACE}-packages", f"{PLACE}-results")
    assert cluster_of(apart_set, "results") == f"{PLACE}-results"
    assert cluster_of(apart_set, "data") == PLACE


def in_cluster(statement: Statement, *arns: str) -> Statement:
    """The same statement where tasks may run in these clusters."""
    conditions = tuple(
        replace(one, values=arns) if one.key == "ecs:cluster" else one
        for one in statement.conditions
    )
    return replace(statement, conditions=conditions)


def every_task(statement: Statement) -> Statement:
    return replace(statement, resources=(f"arn:aws:ecs:{DEV.region}:{DEV.account}:task/*",))


SLIPS: dict[str, tuple[str, Callable[[Statement], Statement]]] = {
    "another workspace in its cluster": (
        "StartWorkers",
        lambda one: in_cluster(one, PLACE, f"{PLACE}-results"),
    ),
    "its workers in the environment's cluster too": (
        "StartApart0",
        lambda one: in_cluster(one, PLACE, f"{PLACE}-packages"),
    ),
    "its workers in the other one's cluster": (
        "StartApart0",
        lambda one: in_cluster(one, f"{PLACE}-results"),
    ),
    "a cluster of nobody": (
        "StartApart1",
        lambda one: in_cluster(one, f"{PLACE}-results", f"{PLACE}-other"),
    ),
    "its workers anywhere": ("StartApart1", lambda one: replace(one, conditions=())),
    "stopping tasks of any cluster": ("WatchAndStopWorkers", every_task),
    "looking into any cluster": ("ListWorkers", lambda one: replace(one, conditions=())),
}


def slipped(policy_set: PolicySet, sid: str, change: Callable[[Statement], Statement]) -> PolicySet:
    [policy] = [
        one
        for one in policy_set.policies.values()
        if any(statement.sid == sid for statement in one.statements)
    ]
    statements = tuple(change(one) if one.sid == sid else one for one in policy.statements)
    return policy_set.with_policy(Policy(name=policy.name, statements=statements))


def test_the_controller_starts_each_where_it_belongs(apart_set: PolicySet) -> None:
    assert prove(ONLY_RUN_TASK, apart_set, logic=LOGIC).holds


@pytest.mark.parametrize(("sid", "change"), SLIPS.values(), ids=SLIPS)
def test_every_slip_is_noticed(
    apart_set: PolicySet, sid: str, change: Callable[[Statement], Statement]
) -> None:
    wrong = slipped(apart_set, sid, change)
    assert not prove(ONLY_RUN_TASK, wrong, logic=LOGIC).holds


def test_a_policy_that_forgets_a_cluster_lets_the_controller_not_work(
    apart_set: PolicySet,
) -> None:
    lost = slipped(apart_set, "StartApart0", lambda one: in_cluster(one, PLACE))
    assert not prove(KNOWN["the_controller_can_work"], lost, logic=LOGIC).holds
