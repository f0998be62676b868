"""Each theorem of who deploys is refuted where a policy or the boundary lacks what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from starburst_assurance.bootstrap.usage import Usage
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from starburst_assurance.proofs.theorems.identities import deploying

LOGIC = Logic()
ABOUT = {one.name: one for one in ALL if one.group == deploying.GROUP}
Document = dict[str, Any]


def answer(name: str, policy_set: PolicySet) -> str:
    return prove(ABOUT[name], policy_set, logic=LOGIC).answer


def without(sid: str) -> Callable[[Document], Document]:
    def change(document: Document) -> Document:
        kept = [one for one in document["Statement"] if one["Sid"] != sid]
        return {**document, "Statement": kept}

    return change


def unconditionally(sid: str) -> Callable[[Document], Document]:
    def change(document: Document) -> Document:
        kept = [
            {key: value for key, value in one.items() if key != "Condition" or one["Sid"] != sid}
            for one in document["Statement"]
        ]
        return {**document, "Statement": kept}

    return change


def also(action: str, resource: str = "*") -> Callable[[Document], Document]:
    def change(document: Document) -> Document:
        more = {"Sid": "More", "Effect": "Allow", "Action": [action], "Resource": [resource]}
        return {**document, "Statement": [*document["Statement"], more]}

    return change


def lacking(action: str) -> Callable[[Document], Document]:
    def change(document: Document) -> Document:
        kept = [
            {**one, "Action": [each for each in one["Action"] if each != action]}
            for one in document["Statement"]
        ]
        return {**document, "Statement": kept}

    return change


BOUNDARY, POLICIES = "boundary_document", "execution_documents"


@pytest.mark.parametrize(
    ("which", "change", "refuted"),
    [
        (
            BOUNDARY,
            without("NoRoleWithoutTheBoundary"),
            "deployers_make_no_role_without_the_boundary",
        ),
        (BOUNDARY, without("NoPeopleAndNoWayOut"), "deployers_make_no_role_without_the_boundary"),
        (
            POLICIES,
            unconditionally("RolesUnderTheBoundary"),
            "deployers_make_no_role_without_the_boundary",
        ),
        (BOUNDARY, without("NotItsOwnPower"), "deployers_keep_their_own_limits"),
        (BOUNDARY, without("NoPeopleAndNoWayOut"), "deployers_keep_their_own_limits"),
        (POLICIES, also("sts:AssumeRole"), "deployers_keep_their_own_limits"),
        (BOUNDARY, without("NeverObjects"), "deployers_read_no_data"),
        (BOUNDARY, without("NeverOpenKeys"), "deployers_read_no_data"),
        (BOUNDARY, without("NeverMessagesNorLines"), "deployers_read_no_data"),
        (BOUNDARY, without("NeverObjects"), "deployers_spare_trail_and_evidence"),
        (BOUNDARY, without("NeverStopTrails"), "deployers_spare_trail_and_evidence"),
        (BOUNDARY, without("NotTrailsOfOthers"), "deployers_spare_trail_and_evidence"),
        (BOUNDARY, without("ServicesOfTheStacks"), "deployers_can_deploy"),
        (POLICIES, lacking("ec2:CreateVpc"), "deployers_can_deploy"),
    ],
)
def test_what_is_taken_out_or_put_in_is_noticed(
    policy_sets: Mapping[str, PolicySet],
    monkeypatch: pytest.MonkeyPatch,
    which: str,
    change: Callable[[Document], Document],
    refuted: str,
) -> None:
    real = getattr(deploying, which)

    def changed(*given: Any) -> Any:
        made = real(*given)
        return change(made) if which == BOUNDARY else tuple(map(change, made))

    monkeypatch.setattr(deploying, which, changed)
    assert answer(refuted, policy_sets["prod"]) == "refuted"


def test_stacks_of_nothing_prove_nothing(policy_sets: Mapping[str, PolicySet]) -> None:
    empty = replace(policy_sets["prod"], usage=Usage())
    assert answer("deployers_can_deploy", empty) == "vacuous"


def test_a_type_that_the_registry_says_nothing_of_hides_no_other(
    policy_sets: Mapping[str, PolicySet],
) -> None:
    usage = policy_sets["prod"].usage
    unstated = dict.fromkeys(("AWS::CodeBuild::Project", "Custom::Thing"), frozenset({"Name"}))
    more = replace(usage, properties={**usage.properties, **unstated})
    assert answer("deployers_can_deploy", replace(policy_sets["prod"], usage=more)) == "proved"
