"""The trust of an analyst role admits one tag, ``userName``, and only one plain word in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from starburst.contract import PRINCIPAL_NAME
from starburst_constructs.identity import analyst_conditions

TAG = "aws:RequestTag/userName"


@pytest.fixture
def admits(matches: Callable[[str, str], bool]) -> Callable[[str], bool]:
    conditions = analyst_conditions()
    wanted = conditions["StringLike"][TAG]
    refused = conditions["StringNotLike"][TAG]
    return lambda name: matches(wanted, name) and not any(matches(one, name) for one in refused)


@pytest.mark.parametrize("name", ["abc", "alice", "a1b2", "x" * 32])
def test_a_user_name_is_admitted(admits: Callable[[str], bool], name: str) -> None:
    assert PRINCIPAL_NAME.fullmatch(name)
    assert admits(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "x" * 33,
        "bob/secret",
        "../bob",
        "bob secret",
        "bob-",
        "a_b",
        "a.b",
        "a:b",
        "a=b",
        "a+b",
        "alice@example.com",
    ],
)
def test_anything_that_could_reach_elsewhere_is_refused(
    admits: Callable[[str], bool], name: str
) -> None:
    assert not admits(name)


def test_presence_is_asked_for_beside_the_set_of_keys() -> None:
    conditions = analyst_conditions()
    assert conditions["Null"] == {TAG: "false"}
    assert conditions["ForAllValues:StringEquals"] == {"aws:TagKeys": ["userName"]}
