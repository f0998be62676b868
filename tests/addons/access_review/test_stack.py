"""What the review is deployed as; its theorems can fail, and core theorems look at its roles."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from deploy.tools.idle_cost import idle_cost
from stacks.addons.access_review import AccessReview
from stacks.settings import SettingsError
from starburst.pricing.prices import load
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from tests.addons.conftest import ON, addon_of
from tests.addons.mutants import Change, also, anywhere, changed, gone
from tests.some import some

REVIEW = addon_of(ON, "accessreview")
THEOREMS = {one.name: one for one in (*ALL, *REVIEW.theorems())}


@pytest.fixture(scope="module")
def template(templates: Mapping[str, Any]) -> dict[str, Any]:
    return templates[f"{ON.name}/accessreview"]


def resources(template: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    for each in template["Resources"].values():
        if each["Type"] == kind:
            yield each["Properties"]


WORK = "accessreview/ReviewRoleWork"
BOUNDARY = "accessreview/Boundary"
BUCKET = "accessreview/RecordsPolicy"


@pytest.mark.parametrize(
    ("name", "policy", "statement", "change"),
    [
        ("the_review_writes_its_record_only", WORK, "ReadRoles", also("iam:PutRolePolicy")),
        ("the_review_writes_its_record_only", WORK, "ListRoles", also("sqs:SendMessage")),
        ("the_review_writes_its_record_only", WORK, "KeepRecords", also("s3:PutObjectAcl")),
        ("the_review_writes_its_record_only", WORK, "KeepRecords", anywhere),
        ("the_review_reads_no_data", WORK, "KeepRecords", anywhere),
        ("only_the_review_writes_a_record", BUCKET, "DenyOtherWriters", gone),
        ("only_the_review_writes_a_record", BUCKET, "DenySecondRecord", gone),
        ("only_the_review_writes_a_record", BUCKET, "DenyErasingRecords", gone),
        ("the_review_can_do_its_work", WORK, "ReadRoles", gone),
        ("the_review_can_do_its_work", WORK, "KeepRecords", gone),
        # Looking is let through by these; that changing is not, is asked here.
        ("no_role_weakens_the_record", BOUNDARY, "Reports", also("access-analyzer:DeleteAnalyzer")),
        ("no_role_weakens_the_record", BOUNDARY, "Reports", also("access-analyzer:*")),
        ("no_role_changes_identities", BOUNDARY, "Roles", also("iam:UpdateRole")),
        ("no_role_changes_identities", BOUNDARY, "Roles", also("iam:*Role")),
    ],
)
def test_a_weaker_policy_refutes_its_theorem(
    *,
    name: str,
    policy: str,
    statement: str,
    change: Change,
    policy_set: PolicySet,
    logic: Logic,
) -> None:
    roles = policy_set.roles_for(*(["accessreview"] if name.startswith("no_role") else []))
    mutant = changed(replace(policy_set, roles=roles), policy, statement, change)
    assert prove(THEOREMS[name], mutant, logic=logic).answer == "refuted"


def test_analyzers_look_from_outside_from_within_and_for_what_is_unused(
    template: dict[str, Any],
) -> None:
    found = {one["Type"]: one for one in resources(template, "AWS::AccessAnalyzer::Analyzer")}
    assert set(found) == {"ACCOUNT", "ACCOUNT_INTERNAL_ACCESS", "ACCOUNT_UNUSED_ACCESS"}
    unused = found["ACCOUNT_UNUSED_ACCESS"]["AnalyzerConfiguration"]
    assert unused["UnusedAccessConfiguration"]["UnusedAccessAge"] == 90
    within = found["ACCOUNT_INTERNAL_ACCESS"]["AnalyzerConfiguration"]
    [one] = within["InternalAccessConfiguration"]["InternalAccessAnalysisRule"]["Inclusions"]
    assert len(one["ResourceArns"]) == 1


def test_it_is_called_twice_a_day_and_its_failure_rings_where_security_listens(
    template: dict[str, Any],
) -> None:
    [rule] = resources(template, "AWS::Events::Rule")
    assert rule["ScheduleExpression"] == "rate(12 hours)"
    alarms = list(some(resources(template, "AWS::CloudWatch::Alarm")))
    assert len(alarms) == 3
    assert len({json.dumps(each["AlarmActions"]) for each in alarms}) == 1
    [counting] = resources(template, "AWS::Logs::MetricFilter")
    metric = counting["MetricTransformations"][0]["MetricName"]
    assert {each.get("MetricName") for each in alarms} == {"Errors", metric, None}
    assert counting["FilterPattern"] == '{ $.event = "access review" }'
    [function] = resources(template, "AWS::Lambda::Function")
    assert function["Timeout"] == 900


@pytest.mark.parametrize(
    "bad",
    [
        {"external": 1},
        {"unused_days": 0},
        {"unused_days": 366},
        {"after_days": 89},
        {"after_days": 401},
        {"record_days": 364},
    ],
)
def test_a_bad_setting_is_refused_by_name(bad: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=rf"accessreview\.{next(iter(bad))}"):
        AccessReview(**bad)


def test_its_bill_says_what_no_template_tells(template: dict[str, Any]) -> None:
    prices = load(ON.region)
    bill = idle_cost([template], prices)
    kind = "AWS::AccessAnalyzer::Analyzer"
    assert bill.not_priced == (
        (f"{kind}:ACCOUNT_INTERNAL_ACCESS", 1),
        (f"{kind}:ACCOUNT_UNUSED_ACCESS", 1),
    )
    # A key and three alarms are all of it that is billed for existing.
    assert bill.usd == pytest.approx((prices.key_month or 0) + 3 * (prices.alarm_month or 0))
    free = {"Resources": {"A": {"Type": kind, "Properties": {"Type": "ACCOUNT"}}}}
    assert idle_cost([free], prices).not_priced == ()


def test_without_analyzers_it_reviews_roles_all_the_same() -> None:
    none = AccessReview(external=False, unused=False)
    actions = {action for names, _ in some(none.duties()["accessreview"]) for action in names}
    assert not any(action.startswith("access-analyzer:") for action in actions)
    assert "iam:GenerateServiceLastAccessedDetails" in actions
