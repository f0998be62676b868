"""Totals follow from limits where none are set; those that contradict anything are refused (A1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

import environments
from stacks.settings import Environment, SettingsError, Storage, Workspace
from starburst.contract import Limits, Totals
from tests.some import some

DEV = replace(environments.DEV, storage=Storage(session_days=14))
"""Where sessions may last as long as any may."""

HIGH = Totals(
    sessions=60,
    workers=1000,
    vcpu=4000,
    memory_gb=16_000,
    usd_per_hour=300,
    usd_per_day=3000,
    usd_per_month=30_000,
)


def workspace(name: str = "genomics", **changes: Any) -> Workspace:
    return Workspace(**{"name": name, "budget_emails": ("team@example.com",), **changes})


def environment(*workspaces: Workspace, **changes: Any) -> Environment:
    return replace(DEV, workspaces=workspaces or (workspace(),), **changes)


def of_workspace(**changes: Any) -> Workspace:
    return workspace(totals=Totals(**changes))


def of_all(**changes: Any) -> Environment:
    return environment(totals=replace(HIGH, **changes))


def of_people(**changes: Any) -> Environment:
    return environment(user_totals=replace(HIGH, **changes))


def of_parts(*workspaces: Workspace, **changes: Any) -> Environment:
    """An environment with totals of its own, beside those of its parts."""
    return environment(*workspaces, totals=Totals(), **changes)


def one_above(**changes: Any) -> Environment:
    return of_parts(workspace(totals=replace(Totals(), **changes)))


REFUSALS: dict[str, tuple[Callable[..., object], dict[str, Any], str]] = {
    "no totals but a number": (workspace, {"totals": 5}, "totals is 5; allowed: Totals(…) or None"),
    "limits for totals": (workspace, {"totals": Limits()}, "allowed: Totals(…) or None."),
    "a word for a choice": (environment, {"freeze_at_budget": "yes"}, "allowed: True or False."),
    "ending without freezing": (
        environment,
        {"end_at_budget": True},
        "environment dev: end_at_budget is True; allowed: False without freeze_at_budget: new "
        "sessions would start at once.",
    ),
    **{
        f"{name} of {value}": (make, {name: value}, f"totals.{name} is {value!r}; allowed: ")
        for make in (of_workspace, of_all)
        for name in (each.name for each in fields(Totals))
        for value in (0, -1, float("nan"), float("inf"), True, "10", 10**9, None)
    },
    "half a session": (
        of_all,
        {"sessions": 1.5},
        "totals.sessions is 1.5; allowed: a whole number",
    ),
    "a day of more than its month": (
        of_workspace,
        {"usd_per_month": 1000},
        "workspace genomics: totals.usd_per_month is 1000; allowed: 1,500 or more, as usd_per_day "
        "says; raise it, or lower usd_per_day.",
    ),
    "an hour of more than its day": (
        of_people,
        {"usd_per_day": 200.5},
        "environment dev: user_totals.usd_per_day is 200.5; allowed: 300 or more, as usd_per_hour "
        "says; raise it, or lower usd_per_hour.",
    ),
    "a session above its workspace's total": (
        of_workspace,
        {"workers": 99},
        "workspace genomics: totals.workers is 99; allowed: 100 or more, what limits.workers lets "
        "one session have; raise it, or lower that limit.",
    ),
    **{
        f"a session above {name} of {whose}": (
            make,
            {name: 1},
            f"{whose}.{name} is 1; allowed: {getattr(Limits(), name):,} or more, what "
            f"limits.{name} lets one session of workspace genomics have; raise it, or lower that "
            "limit.",
        )
        for whose, make in (
            ("environment dev: totals", of_all),
            ("environment dev: user_totals", of_people),
        )
        for name in ("workers", "vcpu", "memory_gb", "usd_per_hour")
    },
    "a workspace above the environment": (
        one_above,
        {"sessions": 51},
        "workspace genomics: totals.sessions is 51; allowed: at most the 50 of environment dev: "
        "totals.sessions; lower it, or raise that.",
    ),
    "a person above the environment": (
        of_parts,
        {"user_totals": replace(Totals(), usd_per_month=20_000.0)},
        "environment dev: user_totals.usd_per_month is 20000.0; allowed: at most the 15,000 of "
        "environment dev: totals.usd_per_month; lower it, or raise that.",
    ),
}


@pytest.mark.parametrize(("build", "changes", "said"), REFUSALS.values(), ids=REFUSALS)
def test_totals_that_cannot_be_meant_are_refused_in_one_sentence(
    build: Callable[..., object], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        build(**changes)
    sentence = str(refusal.value)
    assert said in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")


SIZES = (
    Limits(),
    Limits(workers=1, vcpu=1, memory_gb=4, usd_per_hour=0.05, timeout_seconds=60),
    Limits(workers=500, vcpu=8000, memory_gb=60_000, usd_per_hour=1000, timeout_seconds=1_209_600),
)


def fits(limits: Limits, totals: Totals) -> bool:
    """Whether a session at its limits has room, for as long as it may last."""
    hours = limits.timeout_seconds / 3600
    return (
        limits.workers <= totals.workers
        and limits.vcpu <= totals.vcpu
        and limits.memory_gb <= totals.memory_gb
        and limits.usd_per_hour <= totals.usd_per_hour
        and limits.usd_per_hour * min(24, hours) <= totals.usd_per_day
        and limits.usd_per_hour * hours <= totals.usd_per_month
    )


@pytest.mark.parametrize("limits", SIZES, ids=str)
def test_what_follows_lets_any_session_within_its_limits_start(limits: Limits) -> None:
    found = environment(workspace("one", limits=limits), workspace("other")).effective_totals
    for totals in (found.environment, found.user, found.workspaces["one"]):
        assert fits(limits, totals)
        assert totals.usd_per_hour <= totals.usd_per_day <= totals.usd_per_month
    for each in some(fields(Totals)):
        parts = [getattr(one, each.name) for one in found.workspaces.values()]
        assert getattr(found.environment, each.name) == sum(parts)
        assert getattr(found.user, each.name) <= getattr(found.environment, each.name)
        assert type(getattr(found.user, each.name)) is type(getattr(Totals(), each.name)) or (
            each.name not in ("sessions", "workers")
        )


def test_what_follows_from_default_limits_is_what_totals_say_by_themselves() -> None:
    assert environment().effective_totals.workspaces["genomics"] == Totals()


def test_what_follows_is_never_above_what_is_set_for_the_environment() -> None:
    least = Totals(
        sessions=3,
        workers=100,
        vcpu=400,
        memory_gb=1600,
        usd_per_hour=50,
        usd_per_day=60,
        usd_per_month=70,
    )
    found = environment(workspace(), workspace("other"), totals=least).effective_totals
    assert found.environment == found.user == least
    assert {*found.workspaces.values()} == {least}


def test_what_is_set_is_what_holds() -> None:
    own = replace(Totals(), workers=123)
    person = replace(Totals(), sessions=2)
    chosen = environment(workspace(totals=own), totals=HIGH, user_totals=person)
    found = chosen.effective_totals
    assert (found.environment, found.user, found.workspaces) == (HIGH, person, {"genomics": own})


def test_production_says_its_totals_within_its_budgets() -> None:
    for chosen in some(one for one in environments.ALL if one.production):
        assert chosen.totals is not None
        assert chosen.user_totals is not None
        for one in some(chosen.workspaces):
            assert one.totals is not None
            assert one.monthly_budget_usd is not None
            assert one.totals.usd_per_month <= one.monthly_budget_usd
            assert fits(one.limits, one.totals)
