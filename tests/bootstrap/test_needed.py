"""Whoever deploys has each action that a handler needs, and none that nothing needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from environments import ALL
from starburst_assurance.bootstrap.documents import execution_documents
from starburst_assurance.bootstrap.needed import Need, left_out, needed, written
from starburst_assurance.bootstrap.reasons import LEFT_OUT, LINKED, MISSING, NO_SUCH_ACTION
from starburst_assurance.bootstrap.schemas import SchemaError, handlers, tagging
from starburst_assurance.bootstrap.usage import Usage, usage_of
from starburst_assurance.proofs.encoding.vocabulary import actions
from tests.bootstrap.conftest import REGION, deployer_for
from tests.some import some

REVIEWED = Path(__file__).parent / "actions.txt"
NAMES = [one.name for one in ALL]
ONLY_REPLACED = {"AWS::EC2::SubnetRouteTableAssociation", "AWS::Lambda::Permission"}
"""Types without an update handler: each change makes another one."""


def given(usage: Usage) -> set[str]:
    """Every action that the execution role's policies name."""
    documents = execution_documents(usage, deployer_for("prod", usage))
    return {
        action
        for document in documents
        for statement in document["Statement"]
        for action in statement["Action"]
    }


def lacking(usage: Usage, have: Iterable[str]) -> set[tuple[str, str, str]]:
    """What handlers list, no reason leaves out, and a deployment would be refused."""
    held = set(have)
    return {
        (kind, handler, action)
        for kind in usage.properties
        for handler, listed in handlers(kind, region=REGION).items()
        for action in map(written, listed)
        if action not in held and not left_out(kind, action, usage)
    }


@pytest.mark.parametrize("name", NAMES)
def test_create_update_and_delete_of_every_type_are_covered(
    usages: Mapping[str, Usage], name: str
) -> None:
    usage = usages[name]
    assert not lacking(usage, given(usage))
    for kind in some(usage.properties):
        known = handlers(kind, region=REGION)
        assert {"create", "delete"} <= set(known), kind
        assert "update" in known or kind in ONLY_REPLACED, kind


def test_an_action_that_is_taken_away_is_missed(usages: Mapping[str, Usage]) -> None:
    """Each by a handler or a reason of ours, and each by what was reviewed."""
    usage = usages["prod"]
    have = given(usage)
    extra = {action for each in MISSING for action in each.actions}
    tags = {written(one) for kind in usage.properties for one in tagging(kind, region=REGION)}
    reviewed = set(REVIEWED.read_text().split())
    for action in some(sorted(have)):
        left = have - {action}
        assert lacking(usage, left) or action in extra | tags, action
        assert reviewed - left, action


def test_what_is_given_is_what_was_reviewed(usages: Mapping[str, Usage]) -> None:
    """A change of this file is a change of what a deployment may do: look at each line of it."""
    assert given(usages["prod"]) == set(REVIEWED.read_text().split())


@pytest.mark.parametrize("name", NAMES)
def test_no_action_is_without_a_reason(usages: Mapping[str, Usage], name: str) -> None:
    usage = usages[name]
    reasons = needed(usage, region=REGION)
    assert given(usage) == set(reasons)
    for action, needs in some(reasons.items()):
        assert needs, action
        assert all(is_true(action, need, usage) for need in needs), action


def is_true(action: str, need: Need, usage: Usage) -> bool:
    """Whether a resource of the stacks is of that type, and its handler lists the action."""
    if need.why:
        return any(action in each.actions and each.reason == need.why for each in MISSING)
    listed = {**handlers(need.kind, region=REGION), "tags": tagging(need.kind, region=REGION)}
    return need.kind in usage.properties and action in map(written, listed[need.handler])


def test_a_reason_that_is_not_true_is_seen(usages: Mapping[str, Usage]) -> None:
    usage = usages["prod"]
    assert is_true("s3:CreateBucket", Need(kind="AWS::S3::Bucket", handler="create"), usage)
    assert not is_true("s3:GetObject", Need(kind="AWS::S3::Bucket", handler="create"), usage)
    assert not is_true("rds:StopDBCluster", Need(kind="", why="somebody asked"), usage)


def test_iam_knows_every_action_and_none_that_is_said_not_to_exist(
    usages: Mapping[str, Usage],
) -> None:
    known = {one.lower() for one in actions()}
    plain = {one for usage in usages.values() for one in given(usage) if "*" not in one}
    assert not {one for one in some(plain) if one.lower() not in known}
    assert not {one for one in NO_SUCH_ACTION if one.lower() in known}


def test_each_that_is_left_out_is_in_the_registry_and_left_out_once() -> None:
    """A line that the registry no longer bears out would hide a permission that comes later."""
    seen: set[tuple[str, str]] = set()
    for each in some(LEFT_OUT):
        listed = {
            written(one) for names in handlers(each.kind, region=REGION).values() for one in names
        }
        for action in each.actions:
            assert action in listed, (each.kind, action)
            assert (each.kind, action) not in seen
            seen.add((each.kind, action))
        assert each.reason


def test_a_property_brings_the_actions_that_serve_it() -> None:
    plain = Usage(properties={"AWS::S3::Bucket": frozenset({"VersioningConfiguration"})})
    website = Usage(properties={"AWS::S3::Bucket": frozenset({"WebsiteConfiguration"})})
    assert "s3:PutBucketWebsite" not in needed(plain, region=REGION)
    assert "s3:PutBucketWebsite" in needed(website, region=REGION)
    assert "s3:DeleteObject" not in needed(website, region=REGION)


def test_an_action_of_another_type_stays_where_one_does_without_it() -> None:
    """A topic passes no role; a rule does."""
    both = Usage(properties={"AWS::SNS::Topic": frozenset(), "AWS::Events::Rule": frozenset()})
    assert {need.kind for need in needed(both, region=REGION)["iam:PassRole"]} == {
        "AWS::Events::Rule"
    }


@pytest.mark.parametrize(
    ("kind", "region", "told"),
    [
        ("AWS::EMR::Cluster", REGION, "names no permission that AWS::EMR::Cluster"),
        ("AWS::S3::Bukket", REGION, "has no type AWS::S3::Bukket"),
        ("AWS::S3::Bucket", "eu-wst-1", "no registry of eu-wst-1"),
    ],
)
def test_what_the_registry_does_not_say_is_told(kind: str, region: str, told: str) -> None:
    with pytest.raises(SchemaError, match=told):
        needed(Usage(properties={kind: frozenset()}), region=region)


def test_roles_are_passed_to_whom_trusts_say() -> None:
    def role(principal: Any) -> dict[str, Any]:
        trust = {"Statement": [{"Principal": principal}]}
        return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}

    found = usage_of(
        [
            {
                "Resources": {
                    "A": role({"Service": ["a", "b"]}),
                    "B": role({"AWS": "x"}),
                    "C": role("*"),
                }
            }
        ]
    )
    assert found.services == ("a", "b")


def test_service_linked_roles_are_known_of_each_type_that_makes_one(
    usages: Mapping[str, Usage],
) -> None:
    for usage in some(usages.values()):
        needs = needed(usage, region=REGION)["iam:CreateServiceLinkedRole"]
        assert {need.kind for need in needs} <= set(LINKED)
