"""Who may invoke the controller by which alias: proved, and each way to get it wrong is noticed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import Policy, PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL

LOGIC = Logic()
DOORS = next(item for item in ALL if item.name == "each_asks_by_their_own_door")
JOBS = next(item for item in ALL if item.name == "services_do_their_job")
ANALYSTS = "access/AnalystgenomicsAnalysis"


def changed(policy_set: PolicySet, name: str, sid: str | None, **fields: object) -> PolicySet:
    policy = policy_set.policies[name]
    statements = tuple(
        replace(one, **fields) if one.sid == sid else one  # type: ignore[arg-type]
        for one in policy.statements
    )
    assert statements != policy.statements
    return policy_set.with_policy(Policy(name=name, statements=statements))


def a_statement(document: Mapping[str, object]) -> Statement:
    return Policy.parse("one", {"Statement": document}).statements[0]


@pytest.mark.parametrize("end", [":service", "", ":*", ":$LATEST", ":analyst?", "*"])
def test_an_analyst_who_may_invoke_anything_else_is_noticed(
    policy_sets: Mapping[str, PolicySet], end: str
) -> None:
    policy_set = policy_sets["prod"]
    function = policy_set.named["control/Controller"]
    wider = changed(policy_set, ANALYSTS, "AskTheController", resources=(f"{function}{end}",))
    assert prove(DOORS, wider, logic=LOGIC).answer == "refuted"


def test_another_role_that_may_invoke_is_noticed(policy_sets: Mapping[str, PolicySet]) -> None:
    policy_set = policy_sets["prod"]
    analysts = policy_set.named["control/ControllerAnalysts"]
    for purpose in ("platform", "worker"):
        role = next(iter(policy_set.roles_for(purpose)))
        name = role.policies[0]
        policy = policy_set.policies[name]
        asked = a_statement(
            {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": analysts}
        )
        wider = policy_set.with_policy(Policy(name=name, statements=(*policy.statements, asked)))
        assert prove(DOORS, wider, logic=LOGIC).answer == "refuted", purpose


def test_an_alias_that_lets_an_analyst_in_itself_is_noticed(
    policy_sets: Mapping[str, PolicySet],
) -> None:
    policy_set = policy_sets["prod"]
    guarded = policy_set.at("control/ControllerService")
    policy = policy_set.policies[guarded.policy]
    analyst = policy_set.role("analyst", "genomics")
    opened = a_statement(
        {
            "Effect": "Allow",
            "Principal": {"AWS": analyst.arn},
            "Action": "lambda:InvokeFunction",
            "Resource": guarded.arn,
        }
    )
    wider = Policy(name=guarded.policy, statements=(*policy.statements, opened))
    # A role that is let in by its name stays under its boundary, which allows our own functions.
    assert prove(DOORS, policy_set.with_policy(wider), logic=LOGIC).answer == "refuted"


def test_rules_of_others_are_no_callers_of_the_service(
    policy_sets: Mapping[str, PolicySet],
) -> None:
    policy_set = policy_sets["prod"]
    guarded = policy_set.at("control/ControllerService")
    policy = policy_set.policies[guarded.policy]
    bare = tuple(replace(one, conditions=()) for one in policy.statements)
    wider = policy_set.with_policy(Policy(name=guarded.policy, statements=bare))
    assert prove(JOBS, wider, logic=LOGIC).answer == "refuted"
