"""Each attack rings the alarms that the runbook says, and no other; a clean day rings none."""

from __future__ import annotations

import pytest

from tests.monitoring.noticed.world import Trace, World, attacks, clean_day

ATTACKS = list(attacks())
AT_LEAST = 25


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda each: each.name)
def test_an_attack_rings_what_it_must_and_nothing_else(attack: Trace, world: World) -> None:
    expected = attack.rings if world.environment.audit.trail else attack.forwarded
    assert world.rung(attack.events) == expected


def test_a_clean_day_rings_nothing(world: World) -> None:
    assert world.rung(clean_day(), until=14 * 60) == frozenset()


def test_a_storm_of_refusals_rings_and_some_do_not(world: World) -> None:
    assert world.rung((), refusals=49) == frozenset()
    assert world.rung((), refusals=50) == {"Refusals"}
