"""What is written otherwise for many workspaces is proved to say the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest

import app
from environments import PROD
from starburst_assurance.proofs.command import policy_sets_of
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import Condition, Policy, PolicySet
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL

LOGIC = Logic()
BY_NAME = {item.name: item for item in ALL}
TOUCHING = ("no_other_principal_touches_objects", "nobody_is_locked_out")
WORKING = ("the_controller_can_work", "only_worker_roles_to_ecs", "only_the_controller_starts")

# More than one stack of roles holds, and than the bucket names one by one.
NAMES = tuple(hashlib.sha256(bytes([number])).hexdigest()[:32] for number in range(26))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> PolicySet:
    outdir = tmp_path_factory.mktemp("many")
    environment = replace(
        PROD,
        name="many",
        other_architectures=("ARM64",),
        totals=None,
        user_totals=None,
        workspaces=tuple(replace(PROD.workspaces[0], name=name, totals=None) for name in NAMES),
    )
    built = app.build([environment], outdir=str(outdir), validate=False)
    built.synth()
    [policy_set] = policy_sets_of(built, outdir)
    return policy_set


@pytest.mark.parametrize("name", [*TOUCHING, *WORKING])
def test_it_is_proved_of_many_workspaces(many: PolicySet, name: str) -> None:
    verdict = prove(BY_NAME[name], many, logic=LOGIC)
    assert verdict.answer == "proved", verdict.counterexample or verdict.why
    assert len(many.role("controller").policies) > 4, "none of its policies was split"


def without(policy_set: PolicySet, sid: str, key: str = "") -> Policy:
    """Return the bucket's policy without one statement, or without one key in it."""
    policy = policy_set.policies[policy_set.at("storage/Data").policy]

    def kept(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
        return tuple(one for one in conditions if one.key != key)

    return replace(
        policy,
        statements=tuple(
            replace(one, conditions=kept(one.conditions)) if one.sid == sid else one
            for one in policy.statements
            if one.sid != sid or key
        ),
    )


@pytest.mark.parametrize("sid", ["DenyOtherPrincipals", "DenyOtherWorkspaces"])
def test_either_denial_is_needed(many: PolicySet, sid: str) -> None:
    """By its name alone, or by its tag alone, a role that anybody makes later would get in."""
    opened = many.with_policy(without(many, sid))
    assert prove(BY_NAME[TOUCHING[0]], opened, logic=LOGIC).answer == "refuted"


def test_a_denial_of_all_would_lock_out_who_settings_name(many: PolicySet) -> None:
    shut = many.with_policy(without(many, "DenyOtherWorkspaces", "aws:PrincipalArn"))
    assert prove(BY_NAME["nobody_is_locked_out"], shut, logic=LOGIC).answer == "refuted"
