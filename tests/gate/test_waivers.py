"""A waiver covers one finding at one resource until one day, and says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from environments import PROD, REGULATED
from stacks.waivers import waivers
from starburst_assurance.waivers import Waiver, WaiverError, check_waivers

TODAY = date(2026, 11, 22)

GOOD = Waiver(
    rules=("AwsSolutions-IAM5[Resource::*]", "PCI.DSS.321-IAMPolicy"),
    resources=("network/DefaultGroup/Role",),
    reason="The action has no resource to name.",
    owner="platform team",
    expires=TODAY,
)


def test_a_waiver_holds_on_its_last_day() -> None:
    check_waivers([GOOD], today=TODAY)


def test_an_expired_waiver_is_refused_the_day_after() -> None:
    with pytest.raises(WaiverError, match="expired on 2026-11-22"):
        check_waivers([GOOD], today=date(2026, 11, 23))


@pytest.mark.parametrize(
    "wide",
    [
        {"rules": ("AwsSolutions-*",)},
        {"rules": ("*",)},
        {"rules": ("",)},
        {"resources": ("*",)},
        {"resources": ("network/*/Role",)},
        {"resources": ("",)},
        {"resources": ("network//Role",)},
        {"rules": ("AwsSolutions-S1", "*")},
        {"resources": ("network/DefaultGroup/Role", "*")},
        {"rules": ()},
        {"resources": ()},
    ],
)
def test_a_waiver_that_does_not_name_rules_and_resources_is_refused(
    wide: dict[str, tuple[str, ...]],
) -> None:
    with pytest.raises(WaiverError, match="one by one"):
        check_waivers([replace(GOOD, **wide)], today=TODAY)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("stack", ["network", "/network", "network/"])
def test_a_waiver_of_a_whole_stack_is_refused(stack: str) -> None:
    with pytest.raises(WaiverError, match="whole stack"):
        check_waivers([replace(GOOD, resources=(stack,))], today=TODAY)


def test_a_waiver_that_outlives_the_next_review_is_refused() -> None:
    check_waivers([replace(GOOD, expires=TODAY + timedelta(days=400))], today=TODAY)
    for days in (401, 3652):
        with pytest.raises(WaiverError, match="at most 400 days"):
            check_waivers([replace(GOOD, expires=TODAY + timedelta(days=days))], today=TODAY)


@pytest.mark.parametrize(
    "unexplained", [{"reason": "because"}, {"reason": " " * 30}, {"owner": ""}, {"owner": " "}]
)
def test_a_waiver_without_reason_or_owner_is_refused(unexplained: dict[str, str]) -> None:
    with pytest.raises(WaiverError, match="needs an owner and a reason"):
        check_waivers([replace(GOOD, **unexplained)], today=TODAY)


def test_a_waiver_that_is_there_twice_is_refused() -> None:
    with pytest.raises(WaiverError, match="is there twice"):
        check_waivers([GOOD, replace(GOOD, owner="somebody else")], today=TODAY)
    with pytest.raises(WaiverError, match=r"PCI.* is there twice"):
        check_waivers([GOOD, replace(GOOD, rules=GOOD.rules[1:])], today=TODAY)


def test_all_that_is_wrong_is_said_at_once() -> None:
    bad = [replace(GOOD, owner=""), replace(GOOD, resources=("*",))]
    with pytest.raises(WaiverError) as caught:
        check_waivers(bad, today=TODAY)
    assert len(str(caught.value).splitlines()) == len(bad)


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("network/DefaultGroup/Role", True),
        ("network/DefaultGroup/Role/Policy/Resource", True),
        ("network/DefaultGroup/Roles", False),
        ("network/DefaultGroup", False),
        ("other/network/DefaultGroup/Role", False),
    ],
)
def test_a_waiver_covers_its_construct_and_what_is_inside(path: str, covered: bool) -> None:
    assert GOOD.covers(path, rule=GOOD.rules[0]) is covered


def test_a_waiver_covers_no_other_finding_of_its_rule() -> None:
    other = "AwsSolutions-IAM5[Resource::arn:aws:s3:::*]"
    assert not GOOD.covers(GOOD.resources[0], rule=other)


def test_a_reviewer_of_production_signs_a_dozen_decisions_at_most() -> None:
    decisions = {each.reason for each in (*waivers(PROD), *waivers(REGULATED))}
    assert len(decisions) <= 12


def test_a_decision_keeps_only_the_rules_of_packs_that_judge() -> None:
    alone = replace(PROD, packs=("PCI.DSS.321",))
    rules = {rule for each in waivers(alone) for rule in each.rules}
    assert rules
    assert all(rule.startswith("PCI.DSS.321-") for rule in rules)
