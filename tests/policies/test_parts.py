"""A policy that IAM would not store whole says the same in several, and none says more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from aws_cdk import aws_iam as iam

from starburst_constructs.identity.parts import in_parts, size_of
from starburst_constructs.policies.wildcards import Allow, Wildcard
from tests.some import some

MOST = 600


def says(parts: Iterable[Sequence[iam.PolicyStatement]]) -> set[tuple[str, ...]]:
    """What is said of each action and resource, whatever policy it stands in."""
    return {
        (str(said["Effect"]), action, resource, json.dumps(said.get("Condition", {})))
        for part in parts
        for statement in part
        for said in [statement.to_statement_json()]
        for action in listed(said["Action"])
        for resource in listed(said["Resource"])
    }


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def sids(parts: Mapping[str, Sequence[iam.PolicyStatement]]) -> list[str]:
    return [str(each.sid) for part in parts.values() for each in part]


def long(count: int) -> dict[str, list[iam.PolicyStatement]]:
    """Two policies: rights with declared patterns and a condition, a denial, and a short one."""
    reason = "Each deployment makes a new revision of it."
    named = [f"arn:aws:ecs:eu-west-1:222233334444:task-definition/{n}" for n in range(count)]
    return {
        "Fleet": [
            Allow(
                sid="Start",
                actions=["ecs:RunTask"],
                resources=[
                    one
                    for name in named
                    for one in (name, Wildcard(resource=f"{name}:*", reason=reason))
                ],
                conditions={"ArnEquals": {"ecs:cluster": "arn:aws:ecs:::cluster/one"}},
            ),
            iam.PolicyStatement(
                sid="NoShell",
                effect=iam.Effect.DENY,
                actions=["ecs:ExecuteCommand"],
                resources=["*"],
            ),
        ],
        "Passing": [
            iam.PolicyStatement(
                sid="Pass",
                actions=["iam:PassRole"],
                resources=[f"arn:aws:iam::222233334444:role/{n}" for n in range(count)],
            )
        ],
    }


def test_what_fits_stays_as_it_is() -> None:
    policies = long(1)
    parts = in_parts(policies, most=MOST)
    assert {title: [*map(id, part)] for title, part in parts.items()} == {
        title: [*map(id, part)] for title, part in policies.items()
    }


@pytest.mark.parametrize("count", [3, 5, 12, 50])
def test_parts_say_together_what_the_policy_said(count: int) -> None:
    policies = long(count)
    parts = in_parts(policies, most=MOST)
    assert says(parts.values()) == says(policies.values())
    names = sids(parts)
    assert len(set(names)) == len(names)
    for part in some(parts.values()):
        document = iam.PolicyDocument(statements=list(part)).to_json()
        assert len(json.dumps(document, separators=(",", ":"))) <= MOST
    # As few as there can be: two that follow each other would not fit into one.
    sizes = [sum(map(size_of, part)) for part in parts.values()]
    assert len(sizes) <= 2 + sum(sizes) // (MOST - 200)


def test_declared_patterns_go_with_their_resources() -> None:
    parts = in_parts(long(12), most=MOST)
    declared = [
        (each, one)
        for part in parts.values()
        for each in part
        if isinstance(each, Allow)
        for one in each.wildcards
    ]
    assert len(declared) == 12
    for statement, wildcard in some(declared):
        assert wildcard.resource in statement.resources


def test_one_resource_that_is_too_long_stays_for_the_judge_to_refuse() -> None:
    one = iam.PolicyStatement(sid="Long", actions=["s3:GetObject"], resources=["a" * MOST])
    assert says(in_parts({"Work": [one]}, most=MOST).values()) == says([[one]])
