"""The review passes all gates, and its theorems hold and can fail."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from deploy.tools.idle_cost import idle_cost
from stacks.addons.access_review import AccessReview
from stacks.settings import SettingsError
from starburst.pricing.prices import load
from starburst_assurance.gate.table import open_findings
from starburst_assurance.proofs.reading.policies import Policy, PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from tests.addons.access_review.conftest import ON
from tests.some import some

REVIEW = ON.addons[0]
THEOREMS = {one.name: one for one in (*ALL, *REVIEW.theorems())}


@pytest.fixture(scope="module")
def alone(policy_set: PolicySet) -> PolicySet:
    """With no role but the review's."""
    return replace(policy_set, roles=policy_set.roles_for("accessreview"))


@pytest.fixture(scope="module")
def template(synthesized: tuple[Path, PolicySet]) -> dict[str, Any]:
    [file] = synthesized[0].glob(f"assembly-{ON.name}/*accessreview*.template.json")
    return json.loads(file.read_text())


def resources(template: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    for each in template["Resources"].values():
        if each["Type"] == kind:
            yield each["Properties"]


def changed(policy_set: PolicySet, name: str, change: Any, *, statement: str) -> PolicySet:
    """Return the policies with one statement of one policy changed, or taken away."""
    policy = policy_set.policies[name]
    made: list[Statement] = []
    for one in policy.statements:
        made += change(one) if one.sid == statement else [one]
    assert tuple(made) != policy.statements
    return policy_set.with_policy(Policy(name=name, statements=tuple(made)))


def test_it_passes_every_gate(synthesized: tuple[Path, PolicySet]) -> None:
    assert open_findings(synthesized[0]) == []


@pytest.mark.parametrize("name", [one.name for one in REVIEW.theorems()])
def test_its_own_theorems_are_proved(name: str, policy_set: PolicySet) -> None:
    assert prove(THEOREMS[name], policy_set).answer == "proved"


@pytest.mark.parametrize(
    "name",
    [
        "every_role_keeps_to_its_duty",
        "duties_end_where_names_end",
        "no_role_touches_evidence",
        "no_role_weakens_the_record",
        "no_role_changes_identities",
        "no_role_changes_a_bucket",
        "the_boundary_is_a_ceiling",
        "every_role_is_bounded",
        "lost_events_are_read_through_their_queue",
        "services_do_their_job",
    ],
)
def test_the_core_theorems_hold_of_it(name: str, alone: PolicySet) -> None:
    assert prove(THEOREMS[name], alone).answer == "proved"


def gone(_: Statement) -> Sequence[Statement]:
    return ()


def also(*actions: str) -> Any:
    return lambda one: (replace(one, actions=(*one.actions, *actions)),)


def anywhere(one: Statement) -> Sequence[Statement]:
    return (replace(one, resources=tuple(f"{each.partition('/')[0]}/*" for each in one.resources)),)


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
    name: str, policy: str, statement: str, change: Any, policy_set: PolicySet
) -> None:
    found = [one for one in sorted(policy_set.policies) if one.startswith(policy)]
    roles = policy_set.roles_for(*(["accessreview"] if name.startswith("no_role") else []))
    of = replace(policy_set, roles=roles)
    mutant = changed(of, found[0], change, statement=statement)
    assert prove(THEOREMS[name], mutant).answer == "refuted"


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


def test_it_runs_each_quarter_and_its_failure_rings_where_security_listens(
    template: dict[str, Any],
) -> None:
    [rule] = resources(template, "AWS::Events::Rule")
    assert rule["ScheduleExpression"] == "cron(0 6 2 1,4,7,10 ? *)"
    assert rule["Targets"][0]["RetryPolicy"]["MaximumRetryAttempts"] == 2
    alarms = list(some(resources(template, "AWS::CloudWatch::Alarm")))
    assert len(alarms) == 2
    assert len({json.dumps(each["AlarmActions"]) for each in alarms}) == 1
    [counting] = resources(template, "AWS::Logs::MetricFilter")
    metric = counting["MetricTransformations"][0]["MetricName"]
    assert {each["MetricName"] for each in alarms} == {"Errors", metric}
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
    # A key and two alarms are all of it that is billed for existing.
    assert bill.usd == (prices.key_month or 0) + 2 * (prices.alarm_month or 0)
    free = {"Resources": {"A": {"Type": kind, "Properties": {"Type": "ACCOUNT"}}}}
    assert idle_cost([free], prices).not_priced == ()


def test_it_builds_in_an_environments_stage_alone() -> None:
    with pytest.raises(ValueError, match="no environment's stage"):
        AccessReview().build(cdk.Stage(cdk.App(), "other"))


def test_without_analyzers_it_reviews_roles_all_the_same() -> None:
    none = AccessReview(external=False, unused=False)
    actions = {action for names, _ in some(none.duties()["accessreview"]) for action in names}
    assert not any(action.startswith("access-analyzer:") for action in actions)
    assert "iam:GenerateServiceLastAccessedDetails" in actions
