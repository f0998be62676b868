"""What starts or changes workers past the controller rings, and ordinary work does not."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from environments import ALL
from starburst_assurance.alarms.filter_patterns import matches_fields
from starburst_constructs.monitoring.noticed.controller_bypass import bypass_filters, metric_name
from starburst_constructs.placement import Placement
from tests.some import some
from tests.stacks.reading import Template, resources

Event = dict[str, Any]
ACCOUNT, GROUP = "222233334444", "sg-0a1b2c3d"
FILTERS = bypass_filters(
    "prod",
    placement=Placement(account=ACCOUNT, region="eu-west-1"),
    group_id=GROUP,
    subnet_ids=["subnet-1", "subnet-2"],
)


def told(event: Event) -> set[str]:
    return {name for name, pattern in FILTERS.items() if matches_fields(pattern, event)}


def role(name: str) -> Event:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    return {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": arn}}}


ORDINARY: Event = {
    "eventSource": "ecs.amazonaws.com",
    "eventName": "RunTask",
    "eventType": "AwsApiCall",
    "sourceIPAddress": "10.64.16.9",
    "userIdentity": role("starburst-prod-controller"),
    "requestParameters": {
        "cluster": f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/starburst-prod",
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": ["subnet-1"],
                "securityGroups": [GROUP],
                "assignPublicIp": "DISABLED",
            }
        },
    },
}


def changed(path: str, new: object, event: Event = ORDINARY) -> Event:
    changed = copy.deepcopy(event)
    *names, last = path.split(".")
    at = changed
    for name in names:
        at = at[name]
    if new is None:
        del at[last]
    else:
        at[last] = new
    return changed


NETWORK = "requestParameters.networkConfiguration.awsvpcConfiguration"
DEFINED: Event = {
    **ORDINARY,
    "eventName": "RegisterTaskDefinition",
    "sourceIPAddress": "cloudformation.amazonaws.com",
    "userIdentity": role("cdk-hnb659fds-cfn-exec-role"),
    "requestParameters": {"family": "starburst-prod-genomics"},
}
DEFINITION = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task-definition/starburst-prod-genomics"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (changed("userIdentity", role("administrator")), "Started"),
        (changed("userIdentity", {"type": "IAMUser", "userName": "eve"}), "Started"),
        (
            changed(
                "requestParameters.cluster", "starburst-prod", changed("eventName", "StartTask")
            ),
            "Started",
        ),
        (changed("eventName", "ExecuteCommand"), "Started"),
        (changed("eventName", "CreateService"), "Started"),
        (changed(f"{NETWORK}.assignPublicIp", "ENABLED"), "Elsewhere"),
        (changed(f"{NETWORK}.securityGroups", ["sg-9f9f9f9f"]), "Elsewhere"),
        (changed(f"{NETWORK}.securityGroups", [GROUP, "sg-9f9f9f9f"]), "Elsewhere"),
        (changed(f"{NETWORK}.securityGroups", None), "Elsewhere"),
        (changed(f"{NETWORK}.subnets", ["subnet-9"]), "Subnet0"),
        (changed(f"{NETWORK}.subnets", ["subnet-2", "subnet-9"]), "Subnet1"),
        (changed(f"{NETWORK}.subnets", ["subnet-1", "subnet-2", "subnet-9"]), "Subnets"),
        (
            changed(
                "requestParameters.taskDefinition",
                "starburst-prod-genomics:3",
                changed("requestParameters.cluster", "weekend"),
            ),
            "Abroad",
        ),
        (
            changed(
                "requestParameters.taskDefinition",
                "starburst-prod-genomics",
                changed("requestParameters.cluster", None),
            ),
            "Abroad",
        ),
        (changed("sourceIPAddress", "198.51.100.7", DEFINED), "Changed"),
        (
            {
                "eventSource": "events.amazonaws.com",
                "eventName": "PutTargets",
                "requestParameters": {
                    "targets": [{"ecsParameters": {"taskDefinitionArn": DEFINITION}}]
                },
            },
            "Scheduled",
        ),
        (
            {
                "eventSource": "scheduler.amazonaws.com",
                "eventName": "CreateSchedule",
                "requestParameters": {
                    "target": {"ecsParameters": {"taskDefinitionArn": DEFINITION}}
                },
            },
            "Scheduled",
        ),
        (
            {
                "eventSource": "s3.amazonaws.com",
                "eventName": "ListBuckets",
                "eventType": "AwsApiCall",
                "userIdentity": {"type": "Root"},
            },
            "Root",
        ),
    ],
)
def test_a_trespass_is_told(event: Event, expected: str) -> None:
    assert told(event) == {expected}


@pytest.mark.parametrize(
    "event",
    [
        ORDINARY,
        DEFINED,
        changed(
            "requestParameters.cluster", "starburst-dev", changed("userIdentity", role("other"))
        ),
        changed(f"{NETWORK}.subnets", ["subnet-2", "subnet-1"]),
        changed("eventName", "StopTask", changed("userIdentity", role("starburst-officer"))),
        {
            "eventSource": "kms.amazonaws.com",
            "eventType": "AwsServiceEvent",
            "userIdentity": {"type": "Root"},
        },
    ],
)
def test_ordinary_work_is_not(event: Event) -> None:
    assert told(event) == set()


OWN = bypass_filters(
    "prod",
    placement=Placement(account=ACCOUNT, region="eu-west-1"),
    group_id=GROUP,
    subnet_ids=["subnet-1", "subnet-2"],
    own_groups={"genomics": "sg-own"},
)
APART = changed(
    "requestParameters.cluster",
    f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/starburst-prod-genomics",
    changed(
        f"{NETWORK}.securityGroups",
        ["sg-own"],
        changed("requestParameters.taskDefinition", DEFINITION),
    ),
)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (APART, set()),
        (ORDINARY, set()),
        (changed("userIdentity", role("other"), APART), {"Started"}),
        (changed("eventName", "ExecuteCommand", APART), {"Started"}),
        (changed(f"{NETWORK}.securityGroups", [GROUP], APART), {"Elsewhere-genomics"}),
        (changed(f"{NETWORK}.securityGroups", ["sg-own", "sg-2"], APART), {"Elsewhere-genomics"}),
        (changed(f"{NETWORK}.assignPublicIp", "ENABLED", APART), {"Elsewhere-genomics"}),
        (changed(f"{NETWORK}.securityGroups", ["sg-own"]), {"Elsewhere"}),
        (changed(f"{NETWORK}.subnets", ["subnet-9"], APART), {"Subnet0"}),
        (changed("requestParameters.cluster", "other", APART), {"Abroad"}),
        (changed("requestParameters.cluster", None, APART), {"Abroad"}),
    ],
)
def test_what_runs_apart_is_watched_by_its_own_group(event: Event, expected: set[str]) -> None:
    assert {name for name, one in OWN.items() if matches_fields(one, event)} == expected


def test_every_environment_with_a_trail_has_the_filters_and_the_alarm(
    templates: Mapping[str, Template],
) -> None:
    for environment in some(each for each in ALL if each.audit.trail):
        name, metric = environment.name, metric_name(environment.name)
        every = resources(templates[f"{name}/audit"], "AWS::Logs::MetricFilter").values()
        found = [one for one in every if metric in json.dumps(one)]
        # A filter for each place in a call's subnets, of which FILTERS has two.
        assert len(found) == len(FILTERS) - 2 + environment.network.zones
        for one in some(found):
            [transformation] = one["Properties"]["MetricTransformations"]
            assert transformation["MetricName"] == metric
        alarms = resources(templates[f"{name}/control"], "AWS::CloudWatch::Alarm").values()
        [alarm] = [one for one in alarms if one["Properties"].get("MetricName") == metric]
        assert alarm["Properties"]["AlarmActions"]
