"""Which state an alarm would have, minute by minute, by CloudWatch's documented rules.

Sources, under https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/:

- alarm-evaluation.html: an alarm is evaluated every minute, over the last N periods before it; M of
  them have to breach.
- alarms-and-missing-data.html: more periods than N are retrieved, the evaluation range. Where it
  holds N values, the newest N count and missing ones are passed over. Where it holds fewer, all of
  them count and missing ones are filled in. Where nothing but breaching values is left and the
  oldest of them is as old as M periods, the alarm rings ahead of time.
- ContributorInsights-GraphReportData.html: of a rule, what its largest contributor has in a period.
- using-metric-math.html: FILL puts a value where a series has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from starburst_assurance.alarms.insight_rules import MAX_CONTRIBUTOR
from starburst_assurance.alarms.model import (
    COMPARISONS,
    MINUTE,
    STATISTICS,
    Alarm,
    Missing,
    State,
)
from starburst_assurance.alarms.series import Series

__all__ = ["ASSUMPTIONS", "Assumption", "next_state", "states"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Assumption:
    """What AWS does not document of an evaluation; a verdict must hold under each.

    Attributes:
        beyond: how many periods more than N the evaluation range has. AWS's examples have two, and
            the page says that it depends on the period.
        fills_empty: whether FILL makes values of a range that has none.
        late: minutes by which values come late: metrics are delivered as well as it goes.
    """

    beyond: int
    fills_empty: bool
    late: int = 0


ASSUMPTIONS: Final = (
    Assumption(beyond=0, fills_empty=True),
    Assumption(beyond=2, fills_empty=False),
    Assumption(beyond=10, fills_empty=True, late=2),
)
"""Those under which every alarm is judged."""


def states(
    alarm: Alarm, series: Series, *, minutes: range, assumption: Assumption
) -> Iterator[State]:
    """Yield the state of an alarm at the end of each minute; at first it has no data.

    Args:
        alarm: which.
        series: what was sent.
        minutes: when it is looked at, each in turn.
        assumption: what AWS leaves open.
    """
    length = alarm.period // MINUTE
    reach = alarm.periods + assumption.beyond
    first = minutes.start - reach * length
    ends = [_value(alarm, series, end=end) for end in range(first, minutes.stop)]
    state = State.INSUFFICIENT_DATA
    known: dict[tuple[State, tuple[float | None, ...]], State] = {}
    for minute in minutes:
        at = minute - first
        found = tuple(ends[at - (reach - 1) * length : at + 1 : length])
        if assumption.late:
            found = _come(alarm, series, found, minute=minute, late=assumption.late)
        if (state, found) not in known:
            filled = _filled(alarm, found, assumption)
            known[state, found] = next_state(alarm, filled, before=state)
        state = known[state, found]
        yield state


def next_state(alarm: Alarm, values: Sequence[float | None], *, before: State) -> State:
    """Return the state that an evaluation leads to.

    Args:
        alarm: which.
        values: of the periods of its evaluation range, the newest last; None where one is missing.
        before: its state until now.
    """
    breaches = COMPARISONS[alarm.comparison]
    real = [breaches(each, alarm.threshold) for each in values if each is not None]
    lacking = alarm.periods - len(real)
    counted = sum(real[-alarm.periods :])
    if lacking > 0 and alarm.missing is Missing.BREACHING:
        counted += lacking
    if counted >= alarm.datapoints:
        return State.ALARM
    if lacking <= 0 or alarm.missing in (Missing.BREACHING, Missing.NOT_BREACHING):
        return State.OK
    if not all(real):
        return State.OK
    if alarm.missing is Missing.IGNORE:
        return before
    if not real:
        return State.INSUFFICIENT_DATA
    oldest = next(age for age, each in enumerate(values) if each is not None)
    return State.ALARM if len(values) - oldest >= alarm.datapoints else before


def _filled(
    alarm: Alarm, values: Sequence[float | None], assumption: Assumption
) -> Sequence[float | None]:
    empty = all(each is None for each in values)
    if alarm.fill is None or (empty and not assumption.fills_empty):
        return values
    return [alarm.fill if each is None else each for each in values]


def _come(
    alarm: Alarm, series: Series, values: tuple[float | None, ...], *, minute: int, late: int
) -> tuple[float | None, ...]:
    """Return the values as they are known in a minute, when the last ones have not come yet."""
    length = alarm.period // MINUTE
    known = list(values)
    for back in range(min(len(known), -(-late // length))):
        end = minute - back * length
        known[-1 - back] = _value(alarm, series, end=end, unseen=late - back * length)
    return tuple(known)


def _value(alarm: Alarm, series: Series, *, end: int, unseen: int = 0) -> float | None:
    """Return the value of the period that ends with a minute; None where nothing was sent.

    The last ``unseen`` minutes of it are left out.
    """
    minutes = range(end - alarm.period // MINUTE + 1, end + 1 - unseen)
    if alarm.statistic == MAX_CONTRIBUTOR:
        sums = [
            sum(added.get(minute, 0) for minute in minutes)
            for added in series.contributors(alarm.metric.name)
            if any(minute in added for minute in minutes)
        ]
        return max(sums, default=None)
    sent = series.of(alarm.metric)
    values = [each for minute in minutes for each in sent.get(minute, ())]
    return STATISTICS[alarm.statistic](values) if values else None
