"""GuardDuty says all of its features, and whoever could keep a finding from people is found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import botocore.session
import pytest

from deploy.tools.idle_cost import idle_cost
from environments import DEV, PROD
from stacks.addons.guardduty import GuardDuty
from stacks.addons.guardduty.addon import no_finding_is_kept_from_people
from stacks.settings import SettingsError
from starburst.pricing.prices import load
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from tests.addons.conftest import ON

THEOREMS = {each.name: each for each in ALL}
STACK = f"{ON.name}/guardduty"
DETECTOR = "0" * 31 + "a"


@pytest.fixture(scope="module")
def resources(templates: Mapping[str, Any]) -> Mapping[str, Any]:
    return templates[STACK]["Resources"]


def of(resources: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [each["Properties"] for each in resources.values() if each["Type"] == kind]


def test_every_feature_that_there_is_is_switched(resources: Mapping[str, Any]) -> None:
    """What a detector is not told of is on by default, and would be paid for."""
    [detector] = of(resources, "AWS::GuardDuty::Detector")
    said = {each["Name"]: each["Status"] for each in detector["Features"]}
    shape: Any = botocore.session.get_session().get_service_model("guardduty")
    known = {*shape.shape_for("DetectorFeature").enum} - {"EKS_RUNTIME_MONITORING"}
    assert said.keys() == known
    on = {name for name, status in said.items() if status == "ENABLED"}
    assert on == {"LAMBDA_NETWORK_LOGS", "S3_DATA_EVENTS"}
    [agents] = [
        each["AdditionalConfiguration"]
        for each in detector["Features"]
        if "AdditionalConfiguration" in each
    ]
    assert {each["Status"] for each in agents} == {"DISABLED"}


def test_findings_from_the_least_severity_on_go_to_the_function(
    resources: Mapping[str, Any],
) -> None:
    [rule] = of(resources, "AWS::Events::Rule")
    assert rule["EventPattern"] == {
        "source": ["aws.guardduty"],
        "detail-type": ["GuardDuty Finding"],
        "account": [PROD.account],
        "detail": {"severity": [{"numeric": [">=", 4]}]},
    }
    assert rule["State"] == "ENABLED"


def slipped(policy_set: PolicySet, purpose: str, *allows: Mapping[str, Any]) -> PolicySet:
    policy = policy_set.policies[policy_set.roles_for(purpose)[0].policies[0]]
    more = type(policy).parse("more", {"Statement": list(allows)}).statements
    return policy_set.with_policy(replace(policy, statements=(*policy.statements, *more)))


def allow(action: str, resource: str, **keys: str) -> dict[str, Any]:
    conditions = {name.replace("__", ":"): value for name, value in keys.items()}
    condition = {"Condition": {"StringEquals": conditions}} if conditions else {}
    return {"Effect": "Allow", "Action": action, "Resource": resource, **condition}


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"])
@pytest.mark.parametrize("purpose", ["worker", "controller"])
def test_whoever_could_note_what_was_not_told_is_found(
    policy_set: PolicySet, logic: Logic, purpose: str, action: str
) -> None:
    notes = f"{policy_set.named['guardduty/Told']}/told/*"
    mutant = slipped(policy_set, purpose, allow(action, notes))
    verdict = prove(no_finding_is_kept_from_people, mutant, logic=logic)
    # The core's boundary names no version of a worker's to delete; what it names is found.
    assert verdict.answer == "refuted"


def test_a_use_of_the_logs_key_past_the_topic_is_found(policy_set: PolicySet, logic: Logic) -> None:
    key = policy_set.named["foundation/LogsKey"]
    for one in (allow("kms:Decrypt", key), allow("kms:Decrypt", key, kms__ViaService="s3.x")):
        wider = slipped(policy_set, "guardduty", one)
        verdict = prove(THEOREMS["lost_events_are_read_through_their_queue"], wider, logic=logic)
        assert verdict.answer == "refuted"


@pytest.mark.parametrize("actions", ["inspector2:Enable*", "inspector2:E*", "guardduty:Get*"])
def test_to_switch_inspector_on_takes_nothing_along(
    policy_set: PolicySet, logic: Logic, actions: str
) -> None:
    """It weakens nothing, and stands for no other action that is allowed together with it."""
    [role] = policy_set.roles_for("guardduty")
    policy = policy_set.policies[str(role.boundary)]
    more = type(policy).parse("more", {"Statement": [allow(actions, "*")]}).statements
    wider = policy_set.with_policy(replace(policy, statements=(*policy.statements, *more)))
    alone = replace(wider, roles=(role,))
    verdict = prove(THEOREMS["no_role_weakens_the_record"], alone, logic=logic)
    assert verdict.answer == ("proved" if ":Get" in actions else "refuted")


REFUSED: Sequence[tuple[dict[str, Any], str]] = (
    ({"detector_id": "mine"}, "guardduty.detector_id is 'mine'; allowed: 32 hex digits"),
    ({"detector_id": DETECTOR, "runtime": True}, "who made that detector decides"),
    ({"least_severity": 0}, "guardduty.least_severity is 0; allowed: a whole number, 1 to 10"),
)


@pytest.mark.parametrize(("settings", "sentence"), REFUSED)
def test_a_bad_setting_is_refused_by_name(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        GuardDuty(**settings)


def test_an_account_has_one_owner_of_its_detector() -> None:
    with pytest.raises(SettingsError, match="an account has one detector in a Region"):
        replace(DEV, addons=(GuardDuty(),), shared=None)
    assert replace(DEV, addons=(GuardDuty(detector_id=DETECTOR),), shared=None).addons


def test_findings_that_nobody_would_hear_are_refused() -> None:
    with pytest.raises(SettingsError, match="nobody would be told of a finding"):
        replace(DEV, addons=(GuardDuty(),), alert_emails=(), security_emails=())


def test_it_costs_its_alarms_while_nothing_happens(templates: Mapping[str, Any]) -> None:
    bill = idle_cost([templates[STACK]], load(ON.region), own=GuardDuty().prices())
    assert bill.not_priced == ()
    assert round(bill.usd, 2) == 1.00
