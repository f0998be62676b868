"""Every attack that would ring an alarm is found in the lake afterwards; a clean week is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from stacks.addons.log_lake.conditions import ConditionError, as_sql
from stacks.addons.log_lake.questions import ALARMS
from tests.addons.log_lake.asking import Lake, judge, now
from tests.monitoring.noticed.world import Trace, World, attacks, clean_day
from tests.some import some

ATTACKS = list(attacks())
COUNTED = {"ManyDownloads": "Downloads"}
"""Two alarms that one query answers for."""


MOST_WRITTEN = 200
"""Copies of one record that stand in the file; more are made of it in the table."""


def records(world: World, events: Iterable[Any], *, at: datetime) -> Iterator[dict[str, Any]]:
    """Yield records as CloudTrail writes them, as often as a trace says, each with its own id."""
    for number, written in enumerate(events):
        record = world.record(written)
        begun = at + timedelta(minutes=written.get("minute", 0))
        for time in range(min(written.get("times", 1), MOST_WRITTEN)):
            yield {
                **record,
                "eventTime": begun.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "eventID": f"{at:%d%H}-{number}-{time}",
            }


def hour_of(row: dict[str, Any]) -> datetime:
    """Return the hour that a row is of, however its query says when."""
    said = row.get("time_dt") or row.get("first") or row["hour"]
    return said.replace(minute=0, second=0, microsecond=0, tzinfo=None)


def found(lake: Lake, saved: dict[str, str]) -> dict[datetime, set[str]]:
    """Return the alarms whose query finds something, by the hour of what it finds."""
    hours: dict[datetime, set[str]] = {}
    for alarm, name in ALARMS.items():
        for row in lake.ask(saved[name]):
            hours.setdefault(hour_of(row), set()).add(alarm)
    return hours


@pytest.fixture(scope="module")
def hours(lakes: Lake, world: World, saved: dict[str, str]) -> Iterator[Mapping[str, set[str]]]:
    """What is found of each attack: all are in one lake, each in an hour of its own."""
    begin = (now() - timedelta(days=6)).replace(minute=0, second=0, microsecond=0)
    times = [begin + timedelta(hours=number) for number in range(len(ATTACKS))]
    lakes.trail(
        record
        for attack, at in zip(ATTACKS, times, strict=True)
        for record in records(world, attack.events, at=at)
    )
    for attack, at in zip(ATTACKS, times, strict=True):
        for number, written in enumerate(attack.events):
            more = written.get("times", 1) - MOST_WRITTEN
            if more > 0:
                lakes.repeat("trail_files", "eventid", f"{at:%d%H}-{number}-0", more)
    by_hour = found(lakes, saved)
    yield {
        attack.name: by_hour.get(at.replace(tzinfo=None), set())
        for attack, at in zip(ATTACKS, times, strict=True)
    }
    lakes.clear()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda each: each.name)
def test_an_attack_is_found_by_what_it_rings_and_by_nothing_else(
    attack: Trace, hours: Mapping[str, set[str]]
) -> None:
    # Its own trail, and networks that are trusted: what either of the traces' two worlds hears.
    rings = attack.rings | (attack.forwarded & {"Outsiders"})
    assert hours[attack.name] == {COUNTED.get(alarm, alarm) for alarm in rings}


def test_a_clean_week_has_nothing_to_find_and_is_valid(
    world: World, saved: dict[str, str], lakes: Lake
) -> None:
    lakes.clear()
    days = [now() - timedelta(days=1 + day, hours=14) for day in range(6)]
    lakes.trail(record for day in days for record in records(world, clean_day(), at=day))
    assert len(lakes.ask('SELECT "time" FROM cloudtrail')) > 6 * len(clean_day())
    assert found(lakes, saved) == {}
    rows = lakes.ask("SELECT * FROM cloudtrail WHERE metadata.uid LIKE '%-0'")
    assert [judge(row) for row in some(rows) if judge(row)] == []
    lakes.clear()


def test_at_least_25_attacks_are_told_apart() -> None:
    assert len(ATTACKS) >= 25
    assert len({alarm for attack in ATTACKS for alarm in attack.rings}) >= 8


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ('"a word"', "no condition"),
        ('{ ($.tlsDetails.cipherSuite = "x") }', "no column"),
        ('{ ($.eventName > "x") }', "cannot be asked"),
        ("{ ($.eventName = ) }", "cannot be asked|lacks"),
    ],
)
def test_what_no_column_holds_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(ConditionError, match=said):
        as_sql(pattern)


def test_a_quote_and_a_wildcard_in_a_name_stay_letters() -> None:
    assert as_sql("""{ ($.eventName = "it's_50%*") }""") == (
        "(api.operation LIKE 'it''s!_50!%%' ESCAPE '!')"
    )
