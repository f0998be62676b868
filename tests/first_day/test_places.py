"""Endpoints, queues, alarms, budgets, scanning and keys: as they must be, and as they must not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploy.rehearsal.asking.check import Finding
from deploy.rehearsal.checks.account_wide import SCANNING
from deploy.rehearsal.checks.alarms import ALARMS, FILTERS, SILENCE
from deploy.rehearsal.checks.budgets import BUDGETS, COST_TAG
from deploy.rehearsal.checks.endpoints import AGENTS, ENDPOINTS
from deploy.rehearsal.checks.keys import KEYS
from deploy.rehearsal.checks.young_queue import YOUNG_QUEUE
from tests.first_day.stubs import ACCOUNT, ANY, NAME, REGION, THEN, Stubs, Time, ask, subject

ECS = ("AWS::EC2::VPCEndpoint", "EndpointsEcs", "vpce-1")
OURS = json.dumps({"Statement": [{"Sid": "OurPrincipalsToOurResources", "Effect": "Allow"}]})
TEMPLATE = {"Resources": {"EndpointsEcs": {"Type": "AWS::EC2::VPCEndpoint"}}}
STANDING = {
    "VpcEndpointId": "vpce-1",
    "VpcEndpointType": "Interface",
    "VpcId": "vpc-1",
    "ServiceName": f"com.amazonaws.{REGION}.ecs",
    "State": "available",  # AWS writes it small, whatever the model says
    "PrivateDnsEnabled": True,
    "PolicyDocument": OURS,
    "SubnetIds": ["subnet-1", "subnet-2"],
    "Groups": [{"GroupId": "sg-1", "GroupName": "endpoints"}],
}


def endpoints(*there: tuple[str, str, str], **fields: Any) -> Finding:
    stubs = Stubs().answers(
        "cloudformation",
        "get_template",
        {"TemplateBody": json.dumps(TEMPLATE)},
        StackName=f"starburst-{NAME}-endpoints",
    )
    stubs.deployed(*there)
    if there:
        stubs.answers("ec2", "describe_vpc_endpoints", {"VpcEndpoints": [{**STANDING, **fields}]})
    finding = ask(ENDPOINTS, subject(stubs))
    stubs.all_were_asked()
    return finding


def test_an_endpoint_that_is_available_with_our_policy_holds() -> None:
    finding = endpoints(ECS)
    assert (finding.verdict, finding.answer.held) == ("held", ("ecs: available, with our policy",))


@pytest.mark.parametrize(
    ("fields", "verdict", "words"),
    [
        ({"PrivateDnsEnabled": False}, "did not hold", "no private DNS"),
        ({"PolicyDocument": '{"Statement": [{"Effect": "Allow"}]}'}, "did not hold", "not ours"),
        ({"State": "failed", "FailureReason": "no addresses"}, "did not hold", "no addresses"),
        ({"State": "pending"}, "not settled", "ecs: pending"),
    ],
)
def test_an_endpoint_that_is_not_as_asked_is_told(
    fields: dict[str, Any], verdict: str, words: str
) -> None:
    finding = endpoints(ECS, **fields)
    assert finding.verdict == verdict
    assert words in " ".join((*finding.answer.failed, *finding.answer.pending))


def test_an_endpoint_that_is_not_there_is_told() -> None:
    finding = endpoints()
    assert "1 do not exist" in finding.answer.failed[0]


NONE = "The Service only supports the full-access endpoint policy"


def agents(*made: str) -> Finding:
    """Let EC2 take or refuse each attempt: ``with``, ``without`` or a refusal's message."""
    stubs = Stubs().deployed(ECS)
    stubs.answers("ec2", "describe_vpc_endpoints", {"VpcEndpoints": [STANDING]})
    ids = []
    for number, how in enumerate(made):
        if how not in ("with", "without"):
            stubs.refuses("ec2", "create_vpc_endpoint", "InvalidParameter", how)
            continue
        ids.append(f"vpce-9{number}")
        stubs.answers(
            "ec2",
            "create_vpc_endpoint",
            {"VpcEndpoint": {"VpcEndpointId": ids[-1]}},
            VpcEndpointType="Interface",
            VpcId="vpc-1",
            ServiceName=ANY,
            SubnetIds=["subnet-1"],
            SecurityGroupIds=["sg-1"],
            PrivateDnsEnabled=False,
            TagSpecifications=ANY,
            **({"PolicyDocument": OURS} if how == "with" else {}),
        )
    if ids:
        stubs.answers("ec2", "delete_vpc_endpoints", {}, VpcEndpointIds=ids)
        deleting = [{"VpcEndpointId": ids[0], "State": "deleting"}]
        stubs.answers("ec2", "describe_vpc_endpoints", {"VpcEndpoints": deleting})
        stubs.answers("ec2", "describe_vpc_endpoints", {"VpcEndpoints": []})
    finding = ask(AGENTS, subject(stubs))
    stubs.all_were_asked()
    return finding


def test_agents_endpoints_without_a_policy_are_as_the_kit_makes_them_and_go_again() -> None:
    finding = agents(NONE, "without", NONE, "without")
    assert finding.verdict == "held"
    assert finding.answer.facts["ecs-agent"] == f"InvalidParameter: {NONE}"


def test_agents_endpoints_that_take_a_policy_are_to_be_sent_back() -> None:
    finding = agents("with", NONE, "without")
    assert "ecs-agent: takes our policy" in finding.answer.held[0]


def test_agents_endpoints_that_cannot_be_made_are_told() -> None:
    finding = agents(NONE, "no such service", "with")
    assert finding.answer.failed == (
        "ecs-agent: not even without a policy: InvalidParameter: no such service",
    )


def queue(*, late: int) -> tuple[Finding, Time]:
    """Let the first queue be seen after so many looks."""
    stubs, time = Stubs(), Time()
    for number in range(5):
        url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/starburst-{NAME}-probe{number}"
        stubs.answers("sqs", "create_queue", {"QueueUrl": url}, QueueName=ANY)
        for _ in range(late if number == 0 else 0):
            stubs.refuses("sqs", "get_queue_url", "AWS.SimpleQueueService.NonExistentQueue")
        if number or late <= 300:
            stubs.answers("sqs", "get_queue_url", {"QueueUrl": url})
        stubs.answers("sqs", "get_queue_attributes", {})
        stubs.answers("sqs", "send_message", {})
        stubs.answers("sqs", "receive_message", {})
        stubs.answers("sqs", "delete_queue", {}, QueueUrl=url)
    finding = ask(YOUNG_QUEUE, subject(stubs, time=time))
    stubs.all_were_asked()
    return finding, time


def test_a_queue_that_is_seen_late_holds_with_its_seconds() -> None:
    finding, time = queue(late=20)
    assert (finding.verdict, round(time.seconds, 1)) == ("held", 4.0)
    assert "4.0 s for GetQueueUrl" in finding.answer.held[0]


def test_a_queue_that_is_not_seen_for_longer_than_we_believe_is_told() -> None:
    finding, _ = queue(late=301)
    assert finding.answer.failed == ("GetQueueUrl: a queue was not seen within 60 s",)


ALARM = ("AWS::CloudWatch::Alarm", "Errors", "starburst-errors")


def rung(summary: str, *, actions: tuple[str, ...] = ("arn:aws:sns:topic",)) -> Finding:
    stubs = Stubs().deployed(ALARM)
    alarm = {"AlarmName": "starburst-errors", "StateValue": "OK", "AlarmActions": list(actions)}
    stubs.answers("cloudwatch", "describe_alarms", {"MetricAlarms": [alarm]})
    stubs.answers("cloudwatch", "set_alarm_state", {})
    items = [{"HistorySummary": summary}] if summary else []
    for _ in range(1 if summary else 19):
        stubs.answers("cloudwatch", "describe_alarm_history", {"AlarmHistoryItems": items})
    finding = ask(ALARMS, subject(stubs))
    stubs.all_were_asked()
    return finding


def test_an_alarm_that_reaches_its_topic_holds() -> None:
    assert rung("Successfully executed action arn:aws:sns:topic").verdict == "held"


@pytest.mark.parametrize(
    ("summary", "actions", "words"),
    [
        ("Failed to execute action arn:aws:sns:topic", ("arn:aws:sns:topic",), "Failed to"),
        ("", ("arn:aws:sns:topic",), "no action within 90 s"),
        ("Successfully executed action arn:aws:sns:topic", (), "it tells nobody"),
    ],
)
def test_an_alarm_that_nobody_hears_is_told(
    summary: str, actions: tuple[str, ...], words: str
) -> None:
    assert words in " ".join(rung(summary, actions=actions).answer.failed)


RULE = ("AWS::Events::Rule", "WakeEachMinute1234ABCD", "each-minute")
NO_SWEEP = ("AWS::CloudWatch::Alarm", "WatchNoSweep1234ABCD", "no-sweep")


def silenced(*states: str, again: int = 0) -> Finding:
    """Ask with these states of the alarm, the last of them so many times more."""
    stubs = Stubs().deployed(RULE, NO_SWEEP, times=2)
    for state in (*states, *states[-1:] * again):
        found = {"AlarmName": "no-sweep", "StateValue": state}
        stubs.answers("cloudwatch", "describe_alarms", {"MetricAlarms": [found]})
    if states[0] == "OK":
        stubs.answers("events", "disable_rule", {}, Name="each-minute")
        stubs.answers("events", "enable_rule", {}, Name="each-minute")
    finding = ask(SILENCE, subject(stubs))
    stubs.all_were_asked()
    return finding


def test_silence_that_rings_and_is_over_holds() -> None:
    finding = silenced("OK", "OK", "OK", "ALARM", "ALARM", "OK")
    assert finding.verdict == "held"
    assert finding.answer.facts == {"seconds until it rang": 10, "seconds until it was over": 5}


@pytest.mark.parametrize(
    ("states", "again", "words"),
    [
        (("INSUFFICIENT_DATA",), 0, "no-sweep: INSUFFICIENT_DATA while sweeps are made"),
        (("OK", "OK"), 121, "no sweep for 600 s, and it is quiet"),
        (("OK", "ALARM", "ALARM"), 60, "sweeps for 300 s, and it still rings"),
    ],
)
def test_silence_that_does_not_is_told(states: tuple[str, ...], again: int, words: str) -> None:
    """The rule is enabled again whatever came of it."""
    assert words in " ".join(silenced(*states, again=again).answer.failed)


FILTER = ("AWS::Logs::MetricFilter", "Tampering", "tampering")
LOG = ("AWS::Logs::LogGroup", "Log", "controller")


@pytest.mark.parametrize(
    ("pattern", "matches", "verdict"),
    [
        ('"starburst-tampering"', [1], "held"),
        ('"starburst-tampering"', [], "did not hold"),
        ('"starburst-tampering"', [1, 2], "did not hold"),
        ('{ ($.event = "starburst-sweep") }', [1], "held"),
        ('{ ($.event = "starburst-sweep") }', [], "did not hold"),
        ('{ $.eventName = "RunTask" }', [], "held"),
        ('{ $.eventName != "RunTask" }', [1], "did not hold"),
    ],
)
def test_a_filter_is_tried_on_lines(pattern: str, matches: list[int], verdict: str) -> None:
    stubs = Stubs().deployed(LOG, FILTER, times=2)
    one = {"filterName": "tampering", "filterPattern": pattern, "logGroupName": "controller"}
    stubs.answers(
        "logs", "describe_metric_filters", {"metricFilters": [one]}, logGroupName="controller"
    )
    found = {"matches": [{"eventNumber": number} for number in matches]}
    stubs.answers("logs", "test_metric_filter", found)
    assert ask(FILTERS, subject(stubs)).verdict == verdict


def test_a_filter_on_fields_is_not_said_to_find_what_it_must() -> None:
    stubs = Stubs().deployed(LOG, FILTER, times=2)
    found = {"filterName": "Tampering", "filterPattern": '{ $.a = "b" }', "logGroupName": "log"}
    stubs.answers("logs", "describe_metric_filters", {"metricFilters": [found]})
    stubs.answers("logs", "test_metric_filter", {"matches": []})
    answer = ask(FILTERS, subject(stubs)).answer
    assert answer.held == ("1 metric filters stand, and count no line that is not theirs",)
    assert answer.facts["on fields of events, not tried on one"] == 1


def test_a_filter_that_is_not_there_is_told() -> None:
    stubs = Stubs().deployed(LOG, FILTER, times=2)
    stubs.answers("logs", "describe_metric_filters", {"metricFilters": []})
    assert ask(FILTERS, subject(stubs)).answer.failed == ("0 of 1 metric filters stand",)


def budgets(subscribers: dict[float, tuple[str, ...]]) -> Finding:
    stubs = Stubs().deployed(("AWS::Budgets::Budget", "Budget", "probe-1"))
    notifications = [
        {
            "NotificationType": "ACTUAL",
            "ComparisonOperator": "GREATER_THAN",
            "Threshold": threshold,
            "ThresholdType": "PERCENTAGE",
            "NotificationState": "OK",
        }
        for threshold in subscribers
    ]
    stubs.answers(
        "budgets",
        "describe_notifications_for_budget",
        {"Notifications": notifications},
        AccountId=ACCOUNT,
        BudgetName="probe-1",
    )
    for kinds in subscribers.values():
        people = [{"SubscriptionType": kind, "Address": "ada@example.com"} for kind in kinds]
        stubs.answers("budgets", "describe_subscribers_for_notification", {"Subscribers": people})
    finding = ask(BUDGETS, subject(stubs))
    stubs.all_were_asked()
    return finding


def test_a_budget_that_tells_whom_it_must_holds_and_names_nobody() -> None:
    finding = budgets({50: ("EMAIL",), 80: ("EMAIL",), 100: ("EMAIL", "SNS")})
    assert finding.verdict == "held"
    assert "ada" not in str(finding.answer)


@pytest.mark.parametrize(
    ("subscribers", "words"),
    [
        ({50: ("EMAIL",), 100: ("EMAIL", "SNS")}, "nobody hears at 80 %"),
        ({50: ("EMAIL",), 80: ("EMAIL",), 100: ("EMAIL",)}, "the topic does not hear"),
        ({50: ("SNS",), 80: ("EMAIL",), 100: ("EMAIL", "SNS")}, "no address hears at 50 %"),
    ],
)
def test_a_budget_that_lacks_one_is_told(
    subscribers: dict[float, tuple[str, ...]], words: str
) -> None:
    assert words in " ".join(budgets(subscribers).answer.failed)


def test_a_workspace_without_a_budget_is_told() -> None:
    finding = ask(BUDGETS, subject(Stubs().deployed()))
    assert finding.answer.failed == ("0 budgets for 1 workspaces",)


@pytest.mark.parametrize(
    ("kind", "inspector", "verdict"),
    [
        ("BASIC", None, "held"),
        ("ENHANCED", "ENABLED", "held"),
        ("ENHANCED", "DISABLED", "did not hold"),
    ],
)
def test_scanning_is_what_inspector_does(kind: str, inspector: str | None, verdict: str) -> None:
    stubs = Stubs()
    configuration = {"scanType": kind, "rules": []}
    stubs.answers(
        "ecr", "get_registry_scanning_configuration", {"scanningConfiguration": configuration}
    )
    if inspector:
        state = {"status": inspector, "errorCode": "ALREADY_ENABLED", "errorMessage": "none"}
        resources = dict.fromkeys(("ec2", "ecr"), state)
        accounts = [{"accountId": ACCOUNT, "state": state, "resourceState": resources}]
        stubs.answers("inspector2", "batch_get_account_status", {"accounts": accounts})
    assert ask(SCANNING, subject(stubs)).verdict == verdict


@pytest.mark.parametrize(
    ("state", "rotates", "sid", "words"),
    [
        ("Enabled", True, "DenyStrangers", ""),
        ("Disabled", True, "DenyStrangers", "it is Disabled"),
        ("Enabled", False, "DenyStrangers", "does not rotate"),
        ("Enabled", True, "Other", "has no DenyStrangers"),
    ],
)
def test_a_key_is_enabled_rotates_and_keeps_strangers_out(
    state: str, rotates: bool, sid: str, words: str
) -> None:
    stubs = Stubs().deployed(("AWS::KMS::Key", "DataKey", "key-1"))
    metadata = {"KeyId": "key-1", "KeyState": state, "CreationDate": THEN}
    stubs.answers("kms", "describe_key", {"KeyMetadata": metadata}, KeyId="key-1")
    stubs.answers("kms", "get_key_rotation_status", {"KeyRotationEnabled": rotates})
    stubs.answers("kms", "get_key_policy", {"Policy": json.dumps({"Statement": [{"Sid": sid}]})})
    grants = [{"GranteePrincipal": "fargate.amazonaws.com", "Operations": ["Decrypt"]}]
    stubs.answers("kms", "list_grants", {"Grants": grants})
    finding = ask(KEYS, subject(stubs))
    assert finding.verdict == ("did not hold" if words else "held")
    assert words in " ".join(finding.answer.failed)
    assert "fargate.amazonaws.com" in str(finding.answer.facts)


@pytest.mark.parametrize(
    ("states", "verdict"),
    [(["Active"], "held"), (["Inactive"], "did not hold"), ([], "did not hold")],
)
def test_budgets_that_count_nothing_do_not_hold(states: list[str], verdict: str) -> None:
    tag = {"TagKey": "starburst-cost", "Type": "UserDefined"}
    found = [{**tag, "Status": state} for state in states]
    stubs = Stubs()
    stubs.answers("ce", "list_cost_allocation_tags", {"CostAllocationTags": found})
    finding = ask(COST_TAG, subject(stubs))
    assert finding.verdict == verdict
    assert verdict == "held" or "every budget reads zero" in finding.answer.failed[0]


def test_who_may_not_ask_for_the_tag_is_told_so() -> None:
    stubs = Stubs()
    stubs.refuses("ce", "list_cost_allocation_tags", "AccessDeniedException")
    assert ask(COST_TAG, subject(stubs)).verdict == "could not be asked"
