"""Changes of Identity Center ring, whoever tells of them; what only looks alike does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from stacks.addons.identity_governance.events import PATTERNS, RINGS
from stacks.addons.identity_governance.member import member_template
from starburst_constructs.monitoring.noticed.patterns import MOST_CHARACTERS
from tests.addons.conftest import ON, with_one
from tests.addons.identity_governance.test_stack import MEMBER
from tests.monitoring.noticed.world import World, clean_day, passes, wrapped
from tests.some import some

ADMIN: Final = {
    "type": "AssumedRole",
    "arn": "arn:aws:sts::222233334444:assumed-role/admin/eve",
    "accountId": "222233334444",
}
NAMES: Final = frozenset(RINGS)
ATTACKS: Final = [
    (alarm, f"{source}.amazonaws.com", name)
    for alarm, calls in RINGS.items()
    for source, names in calls
    for name in names
]
CLEAN: Final = [
    # Amazon Connect, Lookout and EC2 have calls of the same or a like name.
    ("connect.amazonaws.com", "CreateInstance"),
    ("connect.amazonaws.com", "DeleteInstance"),
    ("servicecatalog-appregistry.amazonaws.com", "CreateApplication"),
    ("elasticbeanstalk.amazonaws.com", "UpdateApplication"),
    ("sso.amazonaws.com", "ListInstances"),
    ("sso.amazonaws.com", "DescribeInstance"),
    ("sso.amazonaws.com", "ListApplications"),
    ("sso.amazonaws.com", "Federate"),
    ("sso.amazonaws.com", "CreateToken"),
    ("sso-directory.amazonaws.com", "ListMfaDevicesForUser"),
    ("sso-directory.amazonaws.com", "CreateInstance"),
    ("identitystore.amazonaws.com", "ListUsers"),
    ("organizations.amazonaws.com", "ListAccounts"),
    ("sts.amazonaws.com", "AssumeRole"),
]


@pytest.fixture(scope="module")
def world(templates: Mapping[str, Any]) -> World:
    return World(ON, with_one(templates, "governance"))


def call(source: str, name: str, **words: Any) -> dict[str, Any]:
    return {"eventSource": source, "eventName": name, "userIdentity": ADMIN, **words}


@pytest.mark.parametrize(("alarm", "source", "name"), ATTACKS)
def test_a_change_rings_its_alarm_and_no_other(
    alarm: str, source: str, name: str, world: World
) -> None:
    assert world.rung([call(source, name)], judged=NAMES) == {alarm}
    refused = call(source, name, errorCode="AccessDenied")
    assert world.rung([refused], judged=NAMES) == {alarm}


@pytest.mark.parametrize(("source", "name"), CLEAN)
def test_what_looks_alike_rings_nothing(source: str, name: str, world: World) -> None:
    assert world.rung([call(source, name)], judged=NAMES) == frozenset()


def test_a_clean_day_rings_nothing(world: World) -> None:
    assert world.rung(clean_day(), until=14 * 60, judged=NAMES) == frozenset()


def test_by_the_name_alone_amazon_connect_would_ring() -> None:
    """As the post's query asks: the negative control of the eventSource."""
    by_name = {"detail": {"eventName": ["CreateInstance", "DeleteInstance"]}}
    event = {"detail": {"eventSource": "connect.amazonaws.com", "eventName": "CreateInstance"}}
    assert passes(by_name, event)
    assert not passes(PATTERNS["IdentityInstances"], {**event, "source": "aws.connect"})


def test_other_accounts_and_this_one_listen_to_the_same(world: World) -> None:
    """What the stack set's rules take, the rules of the bus take as well."""
    members = [
        each["Properties"]["EventPattern"]
        for each in member_template(MEMBER)["Resources"].values()
        if each["Type"] == "AWS::Events::Rule"
    ]
    ours = [
        each["Properties"]
        for each in world.template("governance")["Resources"].values()
        if each["Type"] == "AWS::Events::Rule" and "EventPattern" in each["Properties"]
    ]
    bus = [each["EventPattern"] for each in ours if "EventBusName" in each]
    here = [each["EventPattern"] for each in ours if "EventBusName" not in each]
    for pattern in some(members):
        assert pattern in bus
        assert pattern in here
    assert len(members) == len(bus) == len(here) == len(PATTERNS)
    record = world.record(call("sso.amazonaws.com", "CreateInstance"))
    assert any(passes(pattern, wrapped(record)) for pattern in members)


def test_every_filter_is_one_that_cloudwatch_takes(world: World) -> None:
    filters = [
        each["Properties"]["FilterPattern"]
        for each in world.template("governance")["Resources"].values()
        if each["Type"] == "AWS::Logs::MetricFilter"
    ]
    assert len(filters) == len(RINGS) + 1
    assert all(len(each) <= MOST_CHARACTERS for each in some(filters))


def test_who_hears_is_the_security_team(world: World) -> None:
    alarms = [
        each["Properties"]
        for each in world.template("governance")["Resources"].values()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    ]
    assert len(alarms) == len(RINGS) + 3
    [topics] = {str(each["AlarmActions"]) for each in alarms}
    assert "Alerts" in topics
