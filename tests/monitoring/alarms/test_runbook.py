"""Each alarm that exists has its place in the runbook, and the runbook speaks of no other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from environments import ALL
from starburst_constructs.monitoring.contacts import CONTACTS
from starburst_constructs.monitoring.watch import RUNBOOK, TOLD_BY_TRAIL
from tests.monitoring.alarms.stretches import name_of
from tests.some import some
from tests.stacks.reading import Template, across

PAGE = (Path(__file__).parents[3] / RUNBOOK).read_text()
NOT_OF_ONE_ALARM = ("Ask the trail", "What is proved, and what you try once")
NEEDS_NETWORKS = "Outsiders"
"""No environment that is shipped has ``trusted_cidrs``."""


@pytest.fixture(scope="module")
def alarms(templates: Mapping[str, Template]) -> dict[str, str]:
    """What each alarm of all environments says, by its name, and of one that none of them has."""
    description = f"Starburst: {TOLD_BY_TRAIL[NEEDS_NETWORKS]}. {RUNBOOK}#{NEEDS_NETWORKS.lower()}"
    return {
        NEEDS_NETWORKS: description,
        **{
            name_of(place.rpartition(": ")[2]): found["Properties"]["AlarmDescription"]
            for each in ALL
            for place, found in across(dict(templates), each.name, "AWS::CloudWatch::Alarm")
        },
    }


def test_each_alarm_has_its_place_in_the_runbook(alarms: Mapping[str, str]) -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert sorted(headings) == sorted([*some(alarms), *NOT_OF_ONE_ALARM])
    listed = re.findall(r"^\| \[(\w+)\]\(#(\w+)\) \| (.+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert {name: contact for name, _, contact, *_ in some(listed)} == CONTACTS
    assert [name for name, *_ in listed] == headings[: -len(NOT_OF_ONE_ALARM)], (
        "the table is in the page's order"
    )
    assert all(anchor == name.lower() for name, anchor, *_ in listed)
    for name, section in zip(
        headings, re.split(r"^## .+$", PAGE, flags=re.MULTILINE)[1:], strict=True
    ):
        assert name in NOT_OF_ONE_ALARM or "First: " in section or "Do not wait: " in section, name


def test_each_alarm_says_where_its_place_is(alarms: Mapping[str, str]) -> None:
    for name, description in some(alarms.items()):
        assert description.startswith("Starburst: ")
        assert description.endswith(f". {RUNBOOK}#{name.lower()}")
