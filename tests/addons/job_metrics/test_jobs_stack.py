"""What job metrics are deployed as; their theorems can fail, and wrong settings are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

import app
from deploy.tools.idle_cost import idle_cost
from environments import DEV, PROD
from stacks.addons.job_metrics import JobMetrics
from stacks.addons.job_metrics.catalog import VIEWS
from stacks.addons.job_metrics.measures import MEASURES
from stacks.addons.log_lake import LogLake
from stacks.settings import SettingsError
from starburst.pricing.prices import load
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import Policy, PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from tests.addons.conftest import FINANCE, ON, READER, addon_of
from tests.addons.mutants import Change, also, also_at, changed, gone
from tests.some import some

JOBS = addon_of(ON, "jobs")
THEOREMS = {one.name: one for one in JOBS.theorems()}
CORE = {one.name: one for one in ALL}
STACK = f"{ON.name}/jobs"


@pytest.fixture(scope="module")
def alone(policy_set: PolicySet) -> PolicySet:
    """With no role but those of job metrics."""
    ours = [one for one in policy_set.roles if "-jobs-" in one.arn]
    assert len(ours) == 2
    return replace(policy_set, roles=tuple(ours))


def resources(templates: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    for each in templates[STACK]["Resources"].values():
        if each["Type"] == kind:
            yield each["Properties"]


def test_another_role_of_the_environment_is_still_bound_to_no_table(policy_set: PolicySet) -> None:
    """What job metrics state as a ceiling lifts that of their own roles alone."""
    wide = Statement(effect="Allow", actions=("dynamodb:PutItem",), resources=("*",))
    worker = policy_set.role("worker", PROD.workspaces[0].name)
    assert worker.boundary is not None
    before = policy_set.policies[worker.boundary]
    wider = policy_set.with_policy(Policy(name=before.name, statements=(*before.statements, wide)))
    one = replace(wider, roles=(worker,))
    assert prove(CORE["every_role_is_bounded"], one).answer == "refuted"


ROWS = f"arn:aws:dynamodb:{ON.region}:{ON.account}:table"
OFFICERS = f"arn:aws:lambda:{ON.region}:{ON.account}:function:starburst-prod-controller:officers"


@pytest.mark.parametrize(
    ("theorem", "policy", "statement", "change"),
    [
        ("nobody_else_reads_job_metrics", "jobs/BucketPolicy", "DenyOtherPrincipals", gone),
        ("nobody_else_reads_job_metrics", "jobs/Key policy", "DenyOtherPrincipals", gone),
        ("only_the_hour_writes_job_tables", "jobs/BucketPolicy", "DenyOtherWriters", gone),
        ("who_counts_only_counts", "jobs/Count", "EnterWorkers", also("dynamodb:Query")),
        (
            "who_counts_only_counts",
            "jobs/Count",
            "EnterWorkers",
            also_at("arn:aws:dynamodb:*:*:table/x"),
        ),
        ("who_writes_hours_does_no_more", "jobs/Hour", "AskTheController", also_at(OFFICERS)),
        ("who_writes_hours_does_no_more", "jobs/Hour", "WriteHours", also("s3:GetObject")),
        (
            "readers_of_job_metrics_only_read",
            "jobs/Reading",
            "KeepAnswers",
            also_at("arn:aws:s3:::a/*"),
        ),
        (
            "readers_of_job_metrics_only_read",
            "jobs/Reading",
            "ReadFiles",
            also_at("arn:aws:s3:::a/*"),
        ),
        ("readers_of_job_metrics_only_read", "jobs/Reading", "ReadFiles", also("s3:DeleteObject")),
    ],
)
def test_a_weaker_policy_refutes_its_theorem(
    *, theorem: str, policy: str, statement: str, change: Change, alone: PolicySet, logic: Logic
) -> None:
    mutant = changed(alone, policy, statement, change)
    assert prove(THEOREMS[theorem], mutant, logic=logic).answer == "refuted"


def test_the_ledger_is_kept_encrypted_and_forgets(templates: Mapping[str, Any]) -> None:
    [table] = resources(templates, "AWS::DynamoDB::Table")
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["SSESpecification"]["SSEType"] == "KMS"
    assert "KMSMasterKeyId" in table["SSESpecification"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is True


def test_what_cannot_be_counted_is_kept_and_rings(templates: Mapping[str, Any]) -> None:
    queues = {one["QueueName"]: one for one in resources(templates, "AWS::SQS::Queue")}
    assert {one["MessageRetentionPeriod"] for one in queues.values()} == {14 * 86_400}
    redrive = queues["starburst-prod-jobs"]["RedrivePolicy"]
    assert redrive["maxReceiveCount"] == 10
    [mapping] = resources(templates, "AWS::Lambda::EventSourceMapping")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    [rule] = [one for one in resources(templates, "AWS::Events::Rule") if "EventPattern" in one]
    assert "DeadLetterConfig" in rule["Targets"][0]
    alarms = [*resources(templates, "AWS::CloudWatch::Alarm")]
    metrics = {one["MetricName"] for one in alarms if "MetricName" in one}
    assert metrics == {
        *("ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible", "Errors"),
        "prod-jobs-session-usd",
    }
    assert len(alarms) == 5, "one more is on the silence of the hourly function"


def test_the_alarm_is_on_the_measure_that_was_chosen(templates: Mapping[str, Any]) -> None:
    [alarm] = [
        one
        for one in resources(templates, "AWS::CloudWatch::Alarm")
        if one.get("MetricName") == "prod-jobs-session-usd"
    ]
    assert (alarm["Threshold"], alarm["Statistic"], alarm["Period"]) == (50, "Maximum", 86_400)
    made = {
        one["MetricTransformations"][0]["MetricName"]: one
        for one in resources(templates, "AWS::Logs::MetricFilter")
    }
    assert set(made) == {f"prod-jobs-{name.replace('_', '-')}" for name in MEASURES}
    assert made["prod-jobs-session-usd"]["FilterPattern"] == '{ $.event = "jobs-session" }'


def test_the_dashboard_shows_every_measure(templates: Mapping[str, Any]) -> None:
    [made] = resources(templates, "AWS::CloudWatch::Dashboard")
    text = made["DashboardBody"]
    body = "".join(one if isinstance(one, str) else "x" for one in text["Fn::Join"][1])
    widgets = json.loads(body)["widgets"]
    for name in some(MEASURES):
        assert f"prod-jobs-{name.replace('_', '-')}" in json.dumps(widgets)
    placed = [(one["x"], one["y"], one["width"], one["height"]) for one in widgets]
    cells = [
        (x + right, y + down)
        for x, y, width, height in placed
        for right in range(width)
        for down in range(height)
    ]
    assert len(cells) == len(set(cells)), "widgets lie on one another"
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize(
    "bad",
    [
        {"readers": ()},
        {"readers": ("finance",)},
        {"readers": ("arn:aws:iam::222233334444:role/twice",) * 2},
        {"alarm_on": "money"},
        {"alarm_from": 0},
        {"alarm_from": float("nan")},
        {"days": 0},
        {"ledger_days": 34},
        {"cutoff_gb": 0},
        {"bill": "cur2; DROP TABLE x"},
        {"quicksight_owner": "finance"},
    ],
)
def test_a_bad_setting_is_refused_by_name(bad: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=rf"jobs\.{next(iter(bad))}"):
        JobMetrics(**{"readers": (FINANCE,), **bad})


def test_an_environment_in_which_it_cannot_work_is_refused() -> None:
    jobs, lake = JobMetrics(readers=(FINANCE,)), LogLake(readers=(READER,))
    for environment, addons, said in (
        (PROD, (jobs,), "in the lake's database"),
        (PROD, (jobs, lake), "in the lake's database"),
        (DEV, (LogLake(readers=(f"arn:aws:iam::{DEV.account}:role/a",)), jobs), "readers"),
    ):
        with pytest.raises(SettingsError, match=said):
            app.build([replace(environment, addons=addons)], validate=False)


def test_quicksight_is_there_where_it_is_asked_for(templates: Mapping[str, Any]) -> None:
    [source] = resources(templates, "AWS::QuickSight::DataSource")
    parameters = source["DataSourceParameters"]["AthenaParameters"]
    assert parameters == {"WorkGroup": "starburst-prod-jobs"}
    [made] = resources(templates, "AWS::QuickSight::DataSet")
    table = made["PhysicalTableMap"]["costs"]["RelationalTable"]
    assert [one["Name"] for one in table["InputColumns"]] == list(VIEWS["job_costs"])
    owner = "arn:aws:quicksight:us-east-1:222233334444:user/default/ada"
    with pytest.raises(SettingsError, match="QuickSight's role"):
        JobMetrics(readers=(FINANCE,), quicksight_owner=owner)


def test_its_bill_is_a_key_a_queue_alarms_and_a_dashboard(templates: Mapping[str, Any]) -> None:
    prices = load(ON.region)
    bill = idle_cost([templates[STACK]], prices, own=JOBS.prices())
    assert bill.not_priced == ()
    assert {one.what: one.quantity for one in bill.items} == {
        "KMS keys": 1,
        "alarms": 5,
        "queues that Lambda polls": 1,
        "dashboards": 1,
    }
    assert bill.usd == pytest.approx(4.76, abs=0.005)
    assert idle_cost([templates[STACK]], prices).not_priced != ()
