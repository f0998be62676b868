"""The queries over the trail name fields that records have, and are saved where the events are.

No emulator here runs Logs Insights beyond a filter on a whole line, so that AWS takes their syntax
is not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from starburst_constructs.monitoring.queries import OF_AN_ACTOR, in_detail, of_actor
from tests.monitoring.noticed.world import World, attacks, clean_day, wrapped
from tests.some import some

FIELD = re.compile(r"[a-zA-Z]+(?:\.[a-zA-Z]+)+|\b(?:aws|error|event|source|user|vpc)[A-Z]\w+")
AWS = re.compile(r'"[^"]*"|/[^/]*/')
"""Texts and expressions, in which no field stands."""


def paths(record: Any, above: str = "") -> Iterator[str]:
    if isinstance(record, dict):
        for name, value in record.items():
            yield f"{above}{name}"
            yield from paths(value, f"{above}{name}.")


@pytest.mark.parametrize("name", OF_AN_ACTOR)
@pytest.mark.parametrize("through", ["the trail", "EventBridge"])
def test_a_query_asks_for_fields_that_records_have(own: World, name: str, through: str) -> None:
    events = [*clean_day(), *(event for attack in attacks() for event in attack.events)]
    records = [own.record(event) for event in events]
    query = of_actor(OF_AN_ACTOR[name], "alice")
    if through == "EventBridge":
        records = [wrapped(record) for record in records]
        query = in_detail(query)
    known = {path for record in records for path in paths(record)}
    asked = set(FIELD.findall(AWS.sub("", query)))
    for field in some(asked):
        assert field in known, field


def test_each_log_of_events_has_its_queries(own: World, forwarded: World) -> None:
    for world, stack in ((own, "audit"), (forwarded, "control")):
        saved = {
            each["Properties"]["Name"].rpartition("/")[2]: each["Properties"]
            for each in world.template(stack)["Resources"].values()
            if each["Type"] == "AWS::Logs::QueryDefinition"
        }
        for name in some(OF_AN_ACTOR):
            wrapped_query = "detail." in saved[name]["QueryString"]
            assert wrapped_query is not world.environment.audit.trail
            assert len(saved[name]["LogGroupNames"]) == 1
