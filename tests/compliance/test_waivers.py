"""A waiver covers one finding at one resource until one day, and says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from starburst_constructs.compliance.waivers import Waiver, WaiverError, check_waivers

TODAY = date(2026, 11, 22)

GOOD = Waiver(
    rule="AwsSolutions-IAM5[Resource::*]",
    resource="network/DefaultGroup/Role",
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
        {"rule": "AwsSolutions-*"},
        {"rule": "*"},
        {"rule": ""},
        {"resource": "*"},
        {"resource": "network/*/Role"},
        {"resource": ""},
        {"resource": "network//Role"},
    ],
)
def test_a_waiver_of_more_than_one_rule_and_resource_is_refused(wide: dict[str, str]) -> None:
    with pytest.raises(WaiverError, match="no single rule and resource"):
        check_waivers([replace(GOOD, **wide)], today=TODAY)


@pytest.mark.parametrize("unexplained", [{"reason": "because"}, {"reason": ""}, {"owner": ""}])
def test_a_waiver_without_reason_or_owner_is_refused(unexplained: dict[str, str]) -> None:
    with pytest.raises(WaiverError, match="needs an owner and a reason"):
        check_waivers([replace(GOOD, **unexplained)], today=TODAY)


def test_a_waiver_that_is_there_twice_is_refused() -> None:
    with pytest.raises(WaiverError, match="is there twice"):
        check_waivers([GOOD, replace(GOOD, owner="somebody else")], today=TODAY)


def test_all_that_is_wrong_is_said_at_once() -> None:
    bad = [replace(GOOD, owner=""), replace(GOOD, resource="*")]
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
    assert GOOD.covers(path, rule=GOOD.rule) is covered


def test_a_waiver_covers_no_other_finding_of_its_rule() -> None:
    other = "AwsSolutions-IAM5[Resource::arn:aws:s3:::*]"
    assert not GOOD.covers(GOOD.resource, rule=other)
