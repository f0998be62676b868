"""Governance in local: the real CLI deploys it, its event comes, CSV is read back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from environments import LOCAL
from stacks.addons.identity_governance.member import member_template
from starburst.local import LocalEnvironment
from tests.addons.conftest import HERE, addon_of
from tests.addons.identity_governance.center import Center, serving

GOVERNANCE = addon_of(HERE, "governance")
STACK = "starburst-local-governance"
EVENT = {"time": "2026-11-30T06:00:00Z", "source": "aws.events"}


class Services:
    """Who sends the event, and who reads what comes of it."""

    def __init__(self, local: LocalEnvironment, center: Center, address: str) -> None:
        root = local.root_session()
        self.center = center
        self.functions = local.client(root, "lambda")
        self.s3 = local.client(root, "s3")
        self.formation = local.client(root, "cloudformation")
        found = self.formation.describe_stack_resources(StackName=STACK)["StackResources"]
        self.made: dict[str, list[str]] = {}
        for each in found:
            self.made.setdefault(each["ResourceType"], []).append(each["PhysicalResourceId"])
        known = self.functions.get_function_configuration(FunctionName=STACK)
        variables = known["Environment"]["Variables"]
        for service in ("ORGANIZATIONS", "SSO_ADMIN", "IDENTITYSTORE", "STS"):
            variables[f"AWS_ENDPOINT_URL_{service}"] = address
        self.functions.update_function_configuration(
            FunctionName=STACK, Environment={"Variables": variables}
        )

    def send(self, event: Any) -> Any:
        answer = self.functions.invoke(FunctionName=STACK, Payload=json.dumps(event).encode())
        said = json.loads(answer["Payload"].read())
        return {**said, "failed": "FunctionError" in answer}

    def read(self, key: str) -> list[dict[str, str]]:
        [bucket] = self.made["AWS::S3::Bucket"]
        body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(body, newline="")))


@pytest.fixture(scope="module")
def services(addons_local: LocalEnvironment) -> Iterator[Services]:
    center = Center(own=LOCAL.account)
    with serving(center) as address:
        yield Services(addons_local, center, address)


def test_the_schedules_event_leaves_three_reports(services: Services) -> None:
    said = services.send(EVENT)
    assert not said["failed"], said
    assert len(said["written"]) == 3
    assert services.center.throttled == set(), "a throttled call was asked again"
    reports = {key.rpartition("-")[2].removesuffix(".csv"): key for key in said["written"]}
    rows = services.read(reports["instances"])
    center = services.center
    assert {(row["AccountId"], row["OwnerAccountId"], row["Kind"]) for row in rows} == {
        (center.own, center.management, "organization"),
        (center.own, center.own, "account"),
        (center.management, center.management, "organization"),
        (center.closed, "", ""),
    }
    [refused] = [row for row in rows if row["AccountId"] == center.closed]
    assert refused["Note"] == "not read: AccessDenied at AssumeRole"
    people = services.read(reports["duplicates"])
    assert {(row["User_email"], row["UserName"]) for row in people} == {
        ("ada@example.com", "ada"),
        ("ada@example.com", "'=1+1"),
    }
    used = services.read(reports["applications"])
    assert {(row["Principal"], row["ThroughGroup"]) for row in used} == {
        ("team", ""),
        ("ada", "team"),
        ("", "team"),
    }


def test_the_same_event_again_writes_nothing_anew(services: Services) -> None:
    another_week = {**EVENT, "time": "2026-11-23T06:00:00Z"}
    services.send(another_week)
    again = services.send(another_week)
    assert again["written"] == []
    assert len(again["kept"]) == 3


def test_an_event_without_a_time_fails_and_says_so(services: Services) -> None:
    said = services.send({})
    assert said["failed"]
    assert "no report was written" in said["errorMessage"]


def test_each_accounts_template_deploys(services: Services) -> None:
    template = member_template(GOVERNANCE.member(HERE))
    # The emulator knows no pseudo parameter in a condition; this is the Region that it is for.
    assert template.pop("Conditions") == {
        "Home": {"Fn::Equals": [{"Ref": "AWS::Region"}, LOCAL.region]}
    }
    for each in template["Resources"].values():
        each.pop("Condition", None)
    services.formation.create_stack(
        StackName="member",
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    try:
        services.formation.get_waiter("stack_create_complete").wait(
            StackName="member", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        found = services.formation.describe_stack_resources(StackName="member")["StackResources"]
    finally:
        services.formation.delete_stack(StackName="member")
    kinds = sorted(each["ResourceType"] for each in found)
    assert kinds == ["AWS::Events::Rule"] * 4 + ["AWS::IAM::Role"] * 2


def test_all_but_the_policy_was_made(services: Services) -> None:
    assert len(services.made["AWS::Events::EventBus"]) == 1
    assert len(services.made["AWS::Events::Rule"]) == 10
    assert len(services.made["AWS::CloudWatch::Alarm"]) == 6
