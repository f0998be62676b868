"""What is wrong with an alarm: nobody sends what it watches, nobody hears, or it rings amiss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from starburst_assurance.alarms.emitted import unsent
from starburst_assurance.alarms.evaluation import ASSUMPTIONS, states
from starburst_assurance.alarms.model import MINUTE, Alarm, State
from starburst_assurance.alarms.reading import Watched
from starburst_assurance.alarms.series import Series

__all__ = ["Trial", "faults", "rings_amiss"]

_DAY_SECONDS: Final = 86_400
_READ: Final = ("email:", "email-json:", "https:", "sms:")
"""How a topic reaches people, or what calls them. A function or a queue is nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A stretch of time in an environment, and what is to be heard of it.

    Attributes:
        name: in words.
        series: what was counted and logged.
        minutes: when alarms are looked at.
        begins: minute in which something goes wrong; None where nothing does.
        within: so many minutes later it must have rung, or later where values come late.
        ends: minute in which all is well again; None where it stays wrong, and rings to the end.
        quiet_within: so many minutes later it must be quiet, so that the next time rings anew.
    """

    name: str
    series: Series
    minutes: range
    begins: int | None = None
    within: int = 0
    ends: int | None = None
    quiet_within: int = 0


def faults(alarm: Alarm, watched: Watched) -> Iterator[str]:
    """Yield what can be seen of an alarm without any series, a clause each."""
    reason = unsent(alarm.metric, watched)
    if reason:
        yield reason
    if alarm.period < MINUTE or alarm.period % MINUTE:
        yield f"nothing is sent every {alarm.period} seconds"
    elif alarm.period * alarm.periods > _DAY_SECONDS:
        yield "it looks back for more than a day, and so once an hour only"
    if not 1 <= alarm.datapoints <= alarm.periods:
        yield f"{alarm.datapoints} of {alarm.periods} periods can never breach"
    if not alarm.enabled:
        yield "its actions are switched off"
    if not alarm.actions:
        yield "it calls nothing"
    for action in alarm.actions:
        if action not in watched.subscribed:
            yield f"it calls {action}, which is no topic of the environment"
        elif not any(each.startswith(_READ) for each in watched.subscribed[action]):
            yield "nobody is subscribed to its topic"


def rings_amiss(alarm: Alarm, trial: Trial, *, rings: bool) -> Iterator[str]:
    """Yield what an alarm does wrong in a trial, a clause for each assumption that shows it.

    Args:
        alarm: which.
        trial: the stretch of time.
        rings: whether it must ring there.
    """
    for assumption in ASSUMPTIONS:
        found = states(alarm, trial.series, minutes=trial.minutes, assumption=assumption)
        loud = [minute for minute, state in zip(trial.minutes, found, strict=True) if _loud(state)]
        must = rings and trial.begins is not None
        told = _amiss(loud, trial, late=assumption.late) if must else _noise(loud)
        if told:
            yield f"{trial.name}: {told} ({assumption})"


def _loud(state: State) -> bool:
    return state is State.ALARM


def _noise(loud: list[int]) -> str:
    return f"it rings in minute {loud[0]}" if loud else ""


def _amiss(loud: list[int], trial: Trial, *, late: int) -> str:
    begins = trial.begins or 0
    early = [minute for minute in loud if minute < begins]
    if early:
        return f"it rings in minute {early[0]}, before anything is wrong"
    last = trial.ends if trial.ends is not None else trial.minutes.stop
    first = loud[0] if loud else None
    if first is None or first > begins + trial.within + late:
        return f"it does not ring within {trial.within} minutes"
    silent = set(range(first, last)) - set(loud)
    if silent:
        return f"it is quiet again in minute {min(silent)}, and nothing is well"
    after = [minute for minute in loud if minute >= last + trial.quiet_within + late]
    return f"it still rings in minute {after[0]}, so the next time is not heard" if after else ""
