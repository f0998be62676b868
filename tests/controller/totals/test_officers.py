"""Officers and budgets keep new sessions from starting, and end running ones where they say so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from starburst.contract import ControllerDoor, Totals
from starburst.controller.totals.budgets import BudgetUnread
from tests.controller.totals.people import (
    ALL,
    begin,
    command,
    deploy,
    error_of,
    keys_of,
    named,
)
from tests.controller.world import World

TOPIC = "arn:aws:sns:eu-west-1:123456789012:starburst-prod-budgets"

TEXT = """AWS Budget Notification January 15, 2027
AWS Account 123456789012

Dear AWS Customer,

You requested that we alert you when the {kind} Cost associated with your {budget} budget is \
greater than {threshold} for the current month. The {kind} Cost associated with this budget is \
$1,034.20. You can find additional details below and by accessing the AWS Budgets dashboard [1].

Budget Name: {budget}
Budget Type: Cost
Budgeted Amount: $1,000.00
Alert Type: {kind}
Alert Threshold: > {threshold}
{kind} Amount: $1,034.20

[1] https://console.aws.amazon.com/costmanagement/home#/budgets
"""
"""As AWS Budgets writes to its topics."""


@pytest.fixture(autouse=True)
def _deployed(world: World) -> None:
    deploy(world)
    world.environment.settings = replace(world.environment.settings, budgets=TOPIC)


def says(world: World, text: str, *, topic: str = TOPIC) -> dict[str, Any]:
    """Be SNS, which tells the controller by its service's alias."""
    record = {"EventSource": "aws:sns", "Sns": {"TopicArn": topic, "Message": text}}
    return world.tell({"Records": [record]})


def notice(
    budget: str = "starburst-prod-genomics-0123abcd",
    threshold: str = "$1,000.00",
    kind: str = "ACTUAL",
) -> str:
    return TEXT.format(budget=budget, threshold=threshold, kind=kind)


def test_a_freeze_stops_new_sessions_and_says_who_since_when_and_why(world: World) -> None:
    assert begin(world, 0)["ok"]
    world.later(60)
    answer = command(world, "freeze", workspace="genomics", why="a leaked key", by="ada")
    frozen = {"workspace": "genomics", "by": "ada", "why": "a leaked key", "end": False}
    assert answer == {
        "ok": True,
        "frozen": [{**frozen, "since": world.now, "until": 0}],
        "ending": 0,
    }
    world.later(60)
    assert error_of(begin(world, 1)) == (
        "SessionsFrozen",
        "no new session of workspace genomics may start: frozen by ada since 08:01 UTC: a leaked "
        "key. It ends when an officer thaws it; ask your platform team",
    )
    answer = world.request(keys_of(0), "extend", deadline=world.now + 7200)
    assert error_of(answer)[0] == "SessionsFrozen"
    assert begin(world, 2, workspace="imaging")["ok"]
    world.sweep()
    assert len(world.ecs.live(named(0))) == 3, "what runs goes on"
    assert command(world, "thaw", workspace="genomics")["frozen"] == []
    assert begin(world, 3)["ok"]


def test_a_freeze_of_all_is_thawed_by_itself(world: World) -> None:
    command(world, "freeze", workspace=None, why="end of the year")
    command(world, "freeze", workspace="imaging", why="an audit")
    kind, words = error_of(begin(world, 0))
    assert kind == "SessionsFrozen"
    assert words.startswith("no new session of all workspaces may start: frozen by an officer")
    assert [one["why"] for one in command(world, "thaw", workspace=None)["thawed"]] == [
        "end of the year"
    ]
    assert begin(world, 1)["ok"]
    assert error_of(begin(world, 2, workspace="imaging"))[0] == "SessionsFrozen"


def test_a_freeze_that_ends_sessions_ends_those_of_its_workspace(world: World) -> None:
    for number, workspace in enumerate(("genomics", "genomics", "imaging")):
        begin(world, number, workspace=workspace)
    answer = command(world, "freeze", workspace="genomics", why="an incident", by="ada", end=True)
    assert answer["ending"] == 2
    world.deliver(rounds=5)
    assert [len(world.ecs.live(named(n))) for n in range(3)] == [0, 0, 3]
    status = world.status(keys_of(0))
    assert status.reason == "stopped, as its workspace was frozen by ada: an incident"


def test_the_sweep_goes_on_with_ends_that_a_freeze_began(world: World) -> None:
    begin(world, 0)
    update = type(world.controller._life.records).update
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(world.controller._life.records), "update", _die)
        with pytest.raises(KeyboardInterrupt):
            command(world, "freeze", workspace="genomics", why="an incident", end=True)
    assert update is type(world.controller._life.records).update
    world.sweep()
    world.deliver(rounds=3)
    assert world.ecs.live() == []


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_officers_see_who_holds_what(world: World) -> None:
    deploy(world, workspace=replace(ALL, workers=5))
    begin(world, 0)
    begin(world, 1, wait=600, user="bobby")
    answer = command(world, "totals", workspace=None)
    used = {(one["scope"], one["name"]): one["used"] for one in answer["scopes"]}
    assert set(used) == {
        ("environment", "prod"),
        ("workspace", "genomics"),
        ("workspace", "imaging"),
        ("person", "alice"),
    }
    expected = {"sessions": 1, "workers": 3, "vcpu": 3, "memory_gb": 12}
    for scope in (("environment", "prod"), ("workspace", "genomics"), ("person", "alice")):
        assert used[scope].items() >= expected.items()
        assert used[scope]["usd_per_day"] == pytest.approx(used[scope]["usd_per_hour"])
    assert used["workspace", "imaging"]["workers"] == 0
    assert [(one["session"], one["workers"]) for one in answer["sessions"]] == [(named(0), 3)]
    assert [(one["session"], one["place"]) for one in answer["waiting"]] == [(named(1), 1)]
    one = command(world, "totals", workspace="imaging")
    assert [scope["name"] for scope in one["scopes"]] == ["imaging"]
    assert (one["sessions"], one["waiting"]) == ([], [])
    allowed = Totals(**answer["scopes"][1]["allowed"])
    assert allowed.workers == 5


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"action": "start"}, "AccessDenied"),
        ({"action": None}, "AccessDenied"),
        ({"action": "freeze", "workspace": "genomics"}, "ConfigurationError"),
        ({"action": "freeze", "workspace": "genomics", "why": " "}, "ConfigurationError"),
        ({"action": "freeze", "workspace": "genomics", "why": "x" * 301}, "ConfigurationError"),
        ({"action": "freeze", "workspace": "genomics", "why": 7}, "ConfigurationError"),
        ({"action": "freeze", "workspace": "x", "why": "y"}, "WorkspaceNotFound"),
        ({"action": "freeze", "workspace": ["genomics"], "why": "y"}, "WorkspaceNotFound"),
        ({"action": "freeze", "workspace": "*", "why": "y"}, "WorkspaceNotFound"),
        ({"action": "thaw", "workspace": "*"}, "WorkspaceNotFound"),
        ({"action": "freeze", "workspace": None, "why": "y", "end": "yes"}, "ConfigurationError"),
        ({"action": "freeze", "workspace": None, "why": "y", "by": ""}, "ConfigurationError"),
    ],
    ids=str,
)
def test_what_officers_cannot_mean_is_refused(
    world: World, payload: dict[str, Any], kind: str
) -> None:
    assert error_of(command(world, **payload))[0] == kind
    assert begin(world, 0)["ok"]


@pytest.mark.parametrize("door", [ControllerDoor.ANALYSTS, ControllerDoor.SERVICE])
def test_only_officers_freeze(world: World, door: str) -> None:
    payload = {"protocol": 1, "action": "freeze", "workspace": None, "why": "mischief"}
    answer = world.controller.handle(payload, door=door, seconds=60)
    assert error_of(answer)[0] in ("AccessDenied", "ConfigurationError")
    assert begin(world, 0)["ok"]


def test_words_of_officers_drive_no_terminal(world: World) -> None:
    command(world, "freeze", workspace=None, why="a\x1b[31mb\nc", by="d\re")
    assert "frozen by d\\re since 08:00 UTC: a\\x1b[31mb\\nc." in error_of(begin(world, 0))[1]


@pytest.mark.parametrize("end", [False, True])
def test_a_budget_that_is_spent_freezes_its_workspace_until_the_month_ends(
    world: World, end: bool
) -> None:
    world.environment.settings = replace(world.environment.settings, budgets_end=end)
    begin(world, 0, timeout_seconds=86_400)
    assert says(world, notice()) == {"ok": True}
    world.deliver(rounds=3)
    assert len(world.ecs.live()) == (0 if end else 3)
    assert error_of(begin(world, 1)) == (
        "SessionsFrozen",
        "no new session of workspace genomics may start: frozen by AWS budget "
        "starburst-prod-genomics-0123abcd since 08:00 UTC: its $1,000.00 of this month are spent. "
        "It ends at 00:00 UTC on 1 February, or when an officer thaws it; ask your platform team",
    )
    assert begin(world, 2, workspace="imaging")["ok"]
    assert len(command(world, "thaw", workspace="genomics")["thawed"]) == 1
    assert begin(world, 3)["ok"]
    says(world, notice())
    world.later(17 * 86_400)
    assert begin(world, 4)["ok"], "it is February"


@pytest.mark.parametrize(
    "text",
    [
        notice(threshold="$800.00"),
        notice(kind="FORECASTED"),
        notice(threshold="80%"),
        "ALARM: something else that shares the topic",
        "",
    ],
)
def test_what_is_no_spent_budget_freezes_nothing(world: World, text: str) -> None:
    assert says(world, text) == {"ok": True}
    assert begin(world, 0)["ok"]


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        (notice(), TOPIC + "2"),
        (notice("starburst-prod-imagin-0123abcd"), TOPIC),
        (notice("starburst-dev-genomics-0123abcd"), TOPIC),
        (notice("starburst-prod-genomics-x-0123abcd"), TOPIC),
        ("AWS Budget Notification\nBudget Name: starburst-prod-genomics-0123abcd", TOPIC),
        (notice(threshold="a lot"), TOPIC),
    ],
)
def test_what_should_perhaps_freeze_something_is_an_error(
    world: World, text: str, topic: str
) -> None:
    with pytest.raises(BudgetUnread):
        says(world, text, topic=topic)
    assert begin(world, 0)["ok"]


def test_no_topic_freezes_where_none_is_named(world: World) -> None:
    world.environment.settings = replace(world.environment.settings, budgets="")
    with pytest.raises(BudgetUnread, match="is none"):
        says(world, notice(), topic="")
