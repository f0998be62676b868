"""Each alarm of each environment is quiet on a clean day, rings at what it is for, and is heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from environments import ALL
from stacks.settings import Environment
from starburst_assurance.alarms.judgement import Trial, faults, rings_amiss
from starburst_assurance.alarms.model import Alarm, Missing
from starburst_assurance.alarms.reading import Watched, read_watched
from tests.monitoring.alarms.stretches import Incident, incidents, name_of, quiet
from tests.some import some


@dataclass(frozen=True, kw_only=True)
class Judged:
    """An environment and all that is tried on its alarms."""

    environment: Environment
    watched: Watched
    quiet: tuple[Trial, ...]
    incidents: tuple[Incident, ...]

    def wrong(self, alarm: Alarm) -> Iterator[str]:
        """Yield all that is wrong with an alarm; what costs least to find comes first."""
        yield from faults(alarm, self.watched)
        name = name_of(alarm.name)
        for each in sorted(self.incidents, key=lambda each: name not in each.rings):
            yield from rings_amiss(alarm, each.trial, rings=name in each.rings)
        for trial in reversed(self.quiet):
            yield from rings_amiss(alarm, trial, rings=False)


@pytest.fixture(scope="module", params=ALL, ids=lambda each: each.name)
def judged(request: pytest.FixtureRequest, templates: Mapping[str, Any]) -> Judged:
    environment: Environment = request.param
    own = {
        name: each for name, each in templates.items() if name.startswith(f"{environment.name}/")
    }
    watched = read_watched(own, account=environment.account, region=environment.region)
    return Judged(
        environment=environment,
        watched=watched,
        quiet=tuple(quiet(environment, watched)),
        incidents=tuple(incidents(environment, watched)),
    )


def test_each_rings_at_what_it_is_for_and_at_nothing_else(judged: Judged) -> None:
    heard = () if judged.environment.alert_emails else ("nobody is subscribed to its topic",)
    assert judged.environment.alert_emails or not judged.environment.production
    wrong = {
        alarm.name: found
        for alarm in some(judged.watched.alarms)
        if (found := tuple(judged.wrong(alarm))) != heard
    }
    assert not wrong


def test_each_has_a_stretch_in_which_it_must_ring(judged: Judged) -> None:
    rings = set().union(*(each.rings for each in judged.incidents))
    alarms = {name_of(each.name) for each in judged.watched.alarms}
    assert alarms == rings, f"tests/monitoring/alarms/stretches.py: {sorted(alarms ^ rings)}"


def with_dimensions(alarm: Alarm, *dimensions: tuple[str, str]) -> Alarm:
    return replace(alarm, metric=replace(alarm.metric, dimensions=frozenset(dimensions)))


def spoilt(alarm: Alarm) -> Iterator[tuple[str, Alarm]]:
    """Yield the alarm with one mistake in it."""
    metric = alarm.metric
    topic = "arn:aws:sns:eu-west-1:111122223333:other"
    more = alarm.comparison.startswith("Greater")
    other_way = "LessThanThreshold" if more else "GreaterThanThreshold"
    yield "threshold far up", replace(alarm, threshold=alarm.threshold * 100)
    yield "compared the other way", replace(alarm, comparison=other_way)
    yield "a longer period", replace(alarm, period=alarm.period * 12)
    yield "a period that nothing is sent in", replace(alarm, period=10)
    yield "far more periods", replace(alarm, periods=30, datapoints=30)
    yield "more datapoints than periods", replace(alarm, datapoints=alarm.periods + 1)
    yield "another metric", replace(alarm, metric=replace(metric, name=f"{metric.name}s"))
    yield "another namespace", replace(alarm, metric=replace(metric, namespace="AWS/Logs"))
    yield "one dimension more", with_dimensions(alarm, *metric.dimensions, ("Stage", "prod"))
    yield "no action", replace(alarm, actions=())
    yield "actions that are off", replace(alarm, enabled=False)
    yield "another topic", replace(alarm, actions=(topic,))
    for name, value in metric.dimensions:
        yield "no dimension", with_dimensions(alarm)
        yield "another resource", with_dimensions(alarm, (name, f"{value}-2"))
    if alarm.fill is not None:
        yield "nothing filled in", replace(alarm, fill=None)
    if alarm.fill is not None or metric.namespace.startswith("AWS/"):  # a filter counts no zero
        yield "threshold at nothing", replace(alarm, threshold=0)
    if alarm.threshold > 1 or metric.namespace == "AWS/Lambda":  # several values a period
        yield "another statistic", replace(alarm, statistic="Minimum")
    for missing in OTHERWISE[alarm.missing]:
        yield f"missing data as {missing}", replace(alarm, missing=missing)


OTHERWISE = {
    Missing.BREACHING: [Missing.NOT_BREACHING, Missing.IGNORE, Missing.MISSING],
    Missing.NOT_BREACHING: [Missing.BREACHING],
    Missing.IGNORE: [Missing.BREACHING, Missing.NOT_BREACHING, Missing.MISSING],
}
"""What may not be taken for missing data instead. That of ``notBreaching`` could be ``missing``."""


def test_each_mistake_in_an_alarm_is_found(judged: Judged) -> None:
    heard = () if judged.environment.alert_emails else ("nobody is subscribed to its topic",)
    missed = {
        (name_of(alarm.name), mistake)
        for alarm in some(judged.watched.alarms)
        for mistake, spoiled in spoilt(alarm)
        if next((each for each in judged.wrong(spoiled) if each not in heard), None) is None
    }
    assert not missed
