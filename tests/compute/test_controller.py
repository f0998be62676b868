"""The controller runs in our subnets or in none; who wakes it is bounded, failures are heard."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any

import pytest

from environments import ALL
from stacks.control import SOURCE
from starburst.controller import CODE
from starburst_constructs.compute.waking import LOST
from starburst_constructs.monitoring.contacts import CONTACTS
from tests.some import some

ENVIRONMENTS = ("local", "dev", "prod", "regulated")


@pytest.fixture(params=ENVIRONMENTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def control(name: str, templates: Mapping[str, Any]) -> Mapping[str, Any]:
    return templates[f"{name}/control"]


@pytest.fixture
def on_demand(name: str) -> bool:
    return next(each for each in ALL if each.name == name).network.while_bursting


def only(template: Mapping[str, Any], of: str) -> list[dict[str, Any]]:
    return [one["Properties"] for one in template["Resources"].values() if one["Type"] == of]


def test_the_function_is_ours_and_nothing_else_is(
    name: str, control: Mapping[str, Any], on_demand: bool
) -> None:
    (function,) = only(control, "AWS::Lambda::Function")
    assert function["FunctionName"] == f"starburst-{name}-controller"
    assert function["Handler"] == "starburst.controller.handler.handle"
    assert function["Architectures"] == ["arm64"]
    assert function["Timeout"] == 60
    assert function["ReservedConcurrentExecutions"] == 10
    # Inside it could not open the endpoints without which it is mute.
    assert ("VpcConfig" in function) is not on_demand
    if not on_demand:
        assert function["VpcConfig"]["SubnetIds"]
        assert len(function["VpcConfig"]["SecurityGroupIds"]) == 1
    assert function["DeadLetterConfig"]["TargetArn"]
    assert function["LoggingConfig"]["LogGroup"]


def test_the_function_knows_where_to_start_workers(
    name: str, control: Mapping[str, Any], on_demand: bool
) -> None:
    (function,) = only(control, "AWS::Lambda::Function")
    variables = function["Environment"]["Variables"]
    assert set(variables) == {
        "STARBURST_ENVIRONMENT",
        "STARBURST_BUCKET",
        "STARBURST_KEY_ARN",
        "STARBURST_CLUSTER",
        "STARBURST_SUBNETS",
        "STARBURST_SECURITY_GROUP",
        "STARBURST_PARAMETER",
        "STARBURST_WAKES",
        "STARBURST_ROLE",
        "STARBURST_SESSION_DAYS",
        *(["STARBURST_ENDPOINTS_STACK", "STARBURST_ENDPOINTS_ROLE"] if on_demand else []),
        *(["STARBURST_BUDGETS"] if name == "regulated" else []),
    }
    if on_demand:
        assert variables["STARBURST_ENDPOINTS_STACK"] == f"starburst-{name}-endpoints"
        assert variables["STARBURST_ENDPOINTS_ROLE"].endswith(f":role/starburst-{name}-endpoints")
    assert "Workers" in json.dumps(variables["STARBURST_SECURITY_GROUP"])
    assert "compute" in json.dumps(variables["STARBURST_CLUSTER"])


def test_what_wakes_it_is_bounded(name: str, control: Mapping[str, Any], on_demand: bool) -> None:
    rules = only(control, "AWS::Events::Rule")
    assert rules
    (sweep,) = (rule for rule in rules if "ScheduleExpression" in rule)
    assert sweep["ScheduleExpression"] == "rate(1 minute)"
    assert json.loads(sweep["Targets"][0]["Input"]) == {"starburst": "sweep"}
    patterns = {rule["EventPattern"]["source"][0]: rule for rule in rules if "EventPattern" in rule}
    stopped = patterns.pop("aws.ecs")
    assert stopped["EventPattern"]["detail"]["lastStatus"] == ["STOPPED"]
    assert stopped["EventPattern"]["detail"]["clusterArn"]
    assert stopped["EventPattern"]["detail"]["$or"] == list(LOST)
    if on_demand:
        detail = patterns.pop("aws.cloudformation")["EventPattern"]["detail"]
        [stack] = detail["stack-id"]
        assert stack["prefix"].endswith(f":stack/starburst-{name}-endpoints/")
        assert "UPDATE_COMPLETE" in detail["status-details"]["status"]
    assert not patterns
    for rule in rules:
        assert set(rule["Targets"][0]["RetryPolicy"]) == {
            "MaximumEventAgeInSeconds",
            "MaximumRetryAttempts",
        }
    retries = only(control, "AWS::Lambda::EventInvokeConfig")
    assert len(retries) == 2, "the function's, and the alias' by which events come"
    for invoke in retries:
        assert invoke["MaximumRetryAttempts"] == 2
        assert invoke["MaximumEventAgeInSeconds"] == 900


def test_only_its_own_rules_may_invoke_it(control: Mapping[str, Any]) -> None:
    permissions = only(control, "AWS::Lambda::Permission")
    calling = [
        rule
        for rule in only(control, "AWS::Events::Rule")
        if '"ControllerService' in json.dumps(rule["Targets"][0]["Arn"])
    ]
    assert len(permissions) == len(calling)
    for permission in permissions:
        assert permission["Principal"] == "events.amazonaws.com"
        assert permission["SourceArn"]["Fn::GetAtt"][0].startswith("Wake")
        assert permission["FunctionName"]["Ref"].startswith("ControllerService")


def test_what_happens_to_workers_never_takes_the_concurrency_that_people_need(
    control: Mapping[str, Any],
) -> None:
    (function,) = only(control, "AWS::Lambda::Function")
    (mapping,) = only(control, "AWS::Lambda::EventSourceMapping")
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert function["ReservedConcurrentExecutions"] - 2 >= 8
    assert "ControllerService" in json.dumps(mapping["FunctionName"]), "its door is the alias"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # Lambda takes more than ten messages at once only where it waits for them.
    assert mapping["BatchSize"] <= 10 or mapping["MaximumBatchingWindowInSeconds"] >= 1
    (queue,) = (q for q in only(control, "AWS::SQS::Queue") if "RedrivePolicy" in q)
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
    tried = queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]
    assert tried < queue["MessageRetentionPeriod"], "it is kept until it was tried so often"
    rules = only(control, "AWS::Events::Rule")
    name = f":{queue['QueueName']}"
    (target,) = (t for rule in rules for t in rule["Targets"] if str(t["Arn"]).endswith(name))
    assert "RoleArn" not in target


def finished(exit_code: int | None, stop_code: str, *beside: int) -> dict[str, Any]:
    container = {"name": "worker"} | ({} if exit_code is None else {"exitCode": exit_code})
    others = [{"name": "guard", "exitCode": code} for code in beside]
    return {"stopCode": stop_code, "containers": [container, *others]}


@pytest.mark.parametrize(
    ("detail", "heard"),
    [
        (finished(0, "EssentialContainerExited"), False),
        (finished(143, "UserInitiated"), False),
        (finished(137, "EssentialContainerExited"), True),
        (finished(1, "EssentialContainerExited", 0), True),
        (finished(None, "EssentialContainerExited"), True),
        (finished(None, "TaskFailedToStart"), True),
        (finished(0, "SpotInterruption"), True),
        (finished(None, "InfrastructureHealth"), True),
        (finished(137, "TerminationNotice"), True),
    ],
)
def test_it_hears_of_workers_that_were_lost_and_of_no_others(
    detail: dict[str, Any], heard: bool
) -> None:
    """By the engine of the emulator that the local environment runs on."""
    events = importlib.import_module("ministack.services.eventbridge")
    pattern = json.dumps({"detail": {"$or": list(LOST)}})
    assert bool(events._matches_pattern(pattern, {"Detail": json.dumps(detail)})) is heard


def test_its_three_doors_lead_to_the_newest_code(control: Mapping[str, Any]) -> None:
    doors = only(control, "AWS::Lambda::Alias")
    assert sorted(door["Name"] for door in doors) == ["analysts", "officers", "service"]
    assert {door["FunctionVersion"] for door in doors} == {"$LATEST"}


def patterns_of_workspaces(access: Mapping[str, Any]) -> set[str]:
    """Return the queues that analysts and workers may use, as their policies name them."""
    statements = [
        statement
        for logical, policy in access["Resources"].items()
        if policy["Type"] == "AWS::IAM::ManagedPolicy" and logical.startswith(("Analyst", "Worker"))
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and "sqs:" in json.dumps(statement["Action"])
    ]
    return {statement["Resource"].rpartition(":")[2] for statement in statements}


def test_lost_events_wait_encrypted_outside_every_workspaces_pattern(
    name: str, control: Mapping[str, Any], templates: Mapping[str, Any]
) -> None:
    patterns = patterns_of_workspaces(templates[f"{name}/access"])
    assert patterns
    assert all(fnmatch(pattern[:-1] + "a" * 20, pattern) for pattern in patterns)
    queues = only(control, "AWS::SQS::Queue")
    assert {q["QueueName"] for q in queues} == {
        f"starburst-{name}-failures",
        f"starburst-{name}-wakes",
    }
    for queue in queues:
        assert queue["KmsMasterKeyId"]
        assert not any(fnmatch(queue["QueueName"], pattern) for pattern in patterns)
    policies = only(control, "AWS::SQS::QueuePolicy")
    assert len(policies) == len(queues)
    senders = 0
    for policy in policies:
        insecure, strangers, *lets_in = policy["PolicyDocument"]["Statement"]
        assert insecure["Effect"] == strangers["Effect"] == "Deny"
        assert insecure["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert set(strangers["Condition"]["StringNotEquals"]) == {"aws:PrincipalAccount"}
        for one in lets_in:
            assert one["Principal"] == {"Service": "events.amazonaws.com"}
            assert one["Action"] == "sqs:SendMessage"
            assert set(one["Condition"]) == {"ArnEquals", "StringEquals"}
            senders += 1
    assert senders == 1, "EventBridge tells of workers that stopped"


def test_every_alarm_is_heard(name: str, control: Mapping[str, Any]) -> None:
    alarms = only(control, "AWS::CloudWatch::Alarm")
    counted = [json.dumps(alarm.get("MetricName") or alarm["Metrics"]) for alarm in alarms]
    watched = (
        "ApproximateAgeOfOldestMessage",
        "ApproximateNumberOfMessagesVisible",
        "Errors",
        "Throttles",
        f"{name}-sweeps",
        f"{name}-unfinished-sweeps",
        f"{name}-failed-verification",
        f"{name}-refused-requests",
        f"{name}-past-the-controller",
        f"{name}-record-weakened",
        f"{name}-opened-by-hand",
        f"{name}-opened-by-deployment",
        f"{name}-objects-touched-by-strangers",
        f"{name}-failed-logins",
        f"{name}-first-day-sweeps",
        *((f"starburst-{name}-read-bytes",) if name != "local" else ()),
        *((f"starburst-{name}-read-objects",) if name in ("prod", "regulated") else ()),
    )
    assert len(counted) == len(watched)
    assert [sum(metric in each for each in counted) for metric in watched] == [1 for _ in watched]
    assert all(alarm["AlarmActions"] for alarm in some(alarms))
    topics = only(control, "AWS::SNS::Topic")
    assert all(topic["KmsMasterKeyId"] for topic in some(topics))


def test_the_asset_holds_what_the_controller_needs_and_nothing_else(
    templates: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    del templates  # its synthesis has staged the asset, in whichever process it was
    base = tmp_path_factory.getbasetemp()
    staged = [
        folder
        for manifest in (base.parent if base.name.startswith("popen-") else base).rglob("asset.*")
        if (folder := manifest).is_dir() and (folder / "starburst").is_dir()
    ]
    assert staged
    for folder in staged:
        files = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
        assert {name.split("/")[1] for name in files if "/" in name} == set(CODE)
        assert {"starburst/controller/handler.py", "starburst/pricing/prices.json"} <= files
        assert not [name for name in files if "__pycache__" in name or "sealed" in name]
    assert (SOURCE / "starburst/_protocol/sealed").is_dir()


@pytest.mark.parametrize("environment", ALL, ids=lambda each: each.name)
def test_alerts_reach_people(templates: Mapping[str, Any], environment: Any) -> None:
    found = templates[f"{environment.name}/control"]["Resources"]
    told: dict[str, list[str]] = {"Alerts": [], "SecurityAlerts": []}
    for one in some(found.values()):
        if one["Type"] == "AWS::SNS::Subscription":
            assert one["Properties"]["Protocol"] == "email"
            told[one["Properties"]["TopicArn"]["Ref"][:-8]].append(one["Properties"]["Endpoint"])
    assert tuple(told["Alerts"]) == environment.alert_emails
    assert tuple(told["SecurityAlerts"]) == environment.security_emails
    assert told["Alerts"] or not environment.production


@pytest.mark.parametrize("environment", ALL, ids=lambda each: each.name)
def test_security_hears_what_is_theirs_and_no_alarm_is_lost(
    templates: Mapping[str, Any], environment: Any
) -> None:
    found = templates[f"{environment.name}/control"]["Resources"]
    heard = {
        name.removeprefix("Watch")[:-8]: [action["Ref"][:-8] for action in one["AlarmActions"]]
        for name, each in found.items()
        if each["Type"] == "AWS::CloudWatch::Alarm"
        for one in [each["Properties"]]
    }
    theirs = ["SecurityAlerts"] if environment.security_emails else ["Alerts"]
    for name, topics in some(heard.items()):
        assert topics == (theirs if CONTACTS[name] == "security" else ["Alerts"]), name
