"""Secrets reach the workers of their workspace alone: proved, and every slip is noticed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from environments import DEV
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.mutation.mutants import mutants
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL

LOGIC = Logic()
KNOWN = {item.name: item for item in ALL}
THEOREM = KNOWN["secrets_reach_their_workspace_alone"]
NOTICING = (THEOREM, KNOWN["the_boundary_is_a_ceiling"])
WHERE = f"arn:aws:secretsmanager:{DEV.region}:{DEV.account}:secret"
PORTAL = f"{WHERE}:portal-a1B2c3"
KEY = f"arn:aws:kms:{DEV.region}:{DEV.account}:key/0a1b2c3d"
READING = "secretsmanager:GetSecretValue"


@pytest.fixture(scope="module")
def starting(variants: Mapping[str, PolicySet]) -> PolicySet:
    """Policies of an environment whose workers start with two secrets, one under a key."""
    return variants["spot"]


def holds(policy_set: PolicySet) -> bool:
    return all(prove(one, policy_set, logic=LOGIC).holds for one in NOTICING)


def test_every_slip_in_how_they_are_read_is_noticed(starting: PolicySet) -> None:
    assert holds(starting)
    tried = [
        one
        for one in mutants(starting)
        if "NamedSecrets" in one.what and next(complaints(one.policy), None) is None
    ]
    assert len(tried) > 10
    alive = [one for one in tried if holds(starting.with_policy(one.policy))]
    assert list(map(str, alive)) == []


SLIPS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "an analyst reads one": ("analyst", READING, PORTAL, {}),
    "a worker reads one": ("worker", READING, PORTAL, {}),
    "the controller reads one": ("controller", READING, PORTAL, {}),
    "the platform team reads any": ("platform", "secretsmanager:*", "*", {}),
    "ECS reads another workspace's": ("launch", READING, f"{WHERE}:other-Z9y8X7", {}),
    "ECS reads all of a name": ("launch", READING, f"{WHERE}:portal-*", {}),
    "ECS changes one": ("launch", "secretsmanager:PutSecretValue", PORTAL, {}),
    "ECS opens anything of the key": ("launch", "kms:Decrypt", KEY, {}),
    "ECS opens another's by the key": (
        "launch",
        "kms:Decrypt",
        KEY,
        {"kms:ViaService": f"secretsmanager.{DEV.region}.amazonaws.com"},
    ),
}


@pytest.mark.parametrize("case", SLIPS)
def test_whoever_else_reads_one_is_noticed(starting: PolicySet, case: str) -> None:
    purpose, action, resource, keys = SLIPS[case]
    policy = starting.policies[starting.role(purpose).policies[0]]
    allow: dict[str, Any] = {"Effect": "Allow", "Action": action, "Resource": resource}
    allow["Condition"] = {"StringEquals": keys} if keys else {}
    more = type(policy).parse("more", {"Statement": allow}).statements
    slipped = starting.with_policy(replace(policy, statements=(*policy.statements, *more)))
    assert prove(THEOREM, slipped, logic=LOGIC).answer == "refuted"


def test_a_secret_of_another_workspace_is_not_its_own(starting: PolicySet) -> None:
    """The same policies, where settings name the secrets for somebody else."""
    moved = replace(starting, secrets={"other": starting.secrets["sandbox"]})
    assert prove(THEOREM, moved, logic=LOGIC).answer == "refuted"


def test_a_boundary_without_them_is_noticed(starting: PolicySet) -> None:
    [boundary] = {one.boundary for one in starting.roles_for("launch")}
    policy = starting.policies[str(boundary)]
    less = tuple(one for one in policy.statements if one.sid != "NamedSecrets")
    assert len(less) < len(policy.statements)
    without = starting.with_policy(replace(policy, statements=less))
    assert prove(THEOREM, without, logic=LOGIC).answer == "refuted"
