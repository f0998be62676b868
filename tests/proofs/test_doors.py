"""Who may invoke the controller by which alias: proved, and each way to get it wrong is noticed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import Guarded, Policy, PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from starburst_assurance.proofs.theorems.record import incidents
from starburst_constructs.placement import Placement
from starburst_constructs.policies.incident_statements import allow, document
from tests.some import some

LOGIC = Logic()
DOORS = next(item for item in ALL if item.name == "each_asks_by_their_own_door")
OFFICERS = next(item for item in ALL if item.name == "officers_freeze_and_nothing_else")
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


@pytest.mark.parametrize("end", [":service", ":officers", "", ":*", ":$LATEST", ":analyst?", "*"])
def test_an_analyst_who_may_invoke_anything_else_is_noticed(
    policy_sets: Mapping[str, PolicySet], end: str
) -> None:
    policy_set = policy_sets["prod"]
    function = policy_set.named["control/Controller"]
    wider = changed(policy_set, ANALYSTS, "AskTheController", resources=(f"{function}{end}",))
    assert prove(DOORS, wider, logic=LOGIC).answer == "refuted"


@pytest.mark.parametrize("alias", ["Analysts", "Officers"])
def test_another_role_that_may_invoke_is_noticed(
    policy_sets: Mapping[str, PolicySet], alias: str
) -> None:
    policy_set = policy_sets["prod"]
    opened = policy_set.named[f"control/Controller{alias}"]
    for purpose in ("platform", "worker", "controller"):
        role = next(iter(policy_set.roles_for(purpose)))
        name = role.policies[0]
        policy = policy_set.policies[name]
        asked = a_statement(
            {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": opened}
        )
        wider = policy_set.with_policy(Policy(name=name, statements=(*policy.statements, asked)))
        assert prove(DOORS, wider, logic=LOGIC).answer == "refuted", purpose


@pytest.mark.parametrize("alias", ["Service", "Officers"])
@pytest.mark.parametrize("purpose", ["analyst", "platform"])
def test_an_alias_that_lets_somebody_of_ours_in_itself_is_noticed(
    policy_sets: Mapping[str, PolicySet], alias: str, purpose: str
) -> None:
    policy_set = policy_sets["prod"]
    arn = policy_set.named[f"control/Controller{alias}"]
    guarded = {item.arn: item for item in policy_set.kind("function")}.get(arn)
    name = guarded.policy if guarded else "permissions of officers"
    there = policy_set.policies[name].statements if guarded else ()
    opened = a_statement(
        {
            "Effect": "Allow",
            "Principal": {"AWS": policy_set.roles_for(purpose)[0].arn},
            "Action": "lambda:InvokeFunction",
            "Resource": arn,
        }
    )
    wider = policy_set.with_policy(Policy(name=name, statements=(*there, opened)))
    if guarded is None:
        own = Guarded(kind="function", arn=arn, policy=name)
        wider = replace(wider, guarded=(*wider.guarded, own))
    # A role that is let in by its name stays under its boundary, which allows our own functions.
    assert prove(DOORS, wider, logic=LOGIC).answer == "refuted"
    # Nor may an alias let in what is no role: its jobs are a table.
    service = replace(opened, principals=(("Service", "sns.amazonaws.com"),))
    wider = wider.with_policy(Policy(name=name, statements=(*there, service)))
    wider = replace(wider, guarded=tuple(one for one in wider.guarded if one.arn == arn))
    assert prove(JOBS, wider, logic=LOGIC).answer == "refuted"


@pytest.mark.parametrize("end", [":*", ":officer?", "", ":service", ":analysts"])
def test_an_officer_who_may_invoke_anything_else_is_noticed(
    policy_sets: Mapping[str, PolicySet], monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    def wider(environment: str, *, placement: Placement) -> dict[str, Any]:
        name = f"function:starburst-{environment}-controller{end}"
        return document(allow("A", ["lambda:InvokeFunction"], [placement.arn("lambda", name)]))

    assert prove(OFFICERS, policy_sets["prod"], logic=LOGIC).holds
    monkeypatch.setattr(incidents, "freezer_document", wider)
    assert prove(OFFICERS, policy_sets["prod"], logic=LOGIC).answer == "refuted"


def test_only_our_budgets_freeze_and_only_by_their_topic(
    policy_sets: Mapping[str, PolicySet],
) -> None:
    policy_set = policy_sets["regulated"]
    topic, service = policy_set.at("cost/Spent"), policy_set.at("control/ControllerService")
    assert prove(JOBS, replace(policy_set, guarded=(topic, service)), logic=LOGIC).holds
    for guarded, sid in ((topic, "BudgetsPublishes"), (service, None)):
        policy = policy_set.policies[guarded.policy]
        theirs = [
            one
            for one in policy.statements
            if (sid and one.sid == sid) or ("Service", "sns.amazonaws.com") in one.principals
        ]
        [statement] = theirs
        for condition in some(statement.conditions):
            left = tuple(one for one in statement.conditions if one is not condition)
            loose = tuple(
                replace(one, conditions=left) if one is statement else one
                for one in policy.statements
            )
            wider = policy_set.with_policy(Policy(name=policy.name, statements=loose))
            wider = replace(wider, guarded=(guarded,))
            assert prove(JOBS, wider, logic=LOGIC).answer == "refuted", condition


def test_rules_of_others_are_no_callers_of_the_service(
    policy_sets: Mapping[str, PolicySet],
) -> None:
    policy_set = policy_sets["prod"]
    guarded = policy_set.at("control/ControllerService")
    policy = policy_set.policies[guarded.policy]
    bare = tuple(replace(one, conditions=()) for one in policy.statements)
    wider = policy_set.with_policy(Policy(name=guarded.policy, statements=bare))
    assert prove(JOBS, wider, logic=LOGIC).answer == "refuted"
