"""The rules of ``profile="finma"``: FINMA circular 2023/1, Operational risks and resilience (P20).

Margin numbers are those by which commentaries cite the circular; its text is FINMA's.
https://www.finma.ch/en/documentation/circulars/
Encryption with keys of the environment, two zones or more, and a year of logs hold for every
environment in production, so that no rule of the profile repeats them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stacks.settings.profiles.parts import (
    has_addon,
    isolated,
    reads_recorded,
    restricted,
    told,
    took,
)
from stacks.settings.profiles.places import SWISS_REGIONS
from stacks.settings.profiles.rule import Refusal, Rule

if TYPE_CHECKING:
    from stacks.settings.environment import Environment

__all__ = ["FINMA"]

_CRITICAL_DATA: Final = "FINMA circular 2023/1, margin numbers 71 to 82"
_CYBER: Final = "FINMA circular 2023/1, margin numbers 61 to 70"


def _in_switzerland(environment: Environment) -> Refusal | None:
    abroad = [each for each in environment.allowed_regions if each not in SWISS_REGIONS]
    risk = "data-outside-switzerland"
    if not abroad or took(environment, risk):
        return None
    return Refusal(
        "allowed_regions",
        abroad[0],
        f"{', '.join(SWISS_REGIONS)}, or others with AcceptedRisk(risk='{risk}', reason=…)",
    )


def _addon(environment: Environment) -> Refusal | None:
    return has_addon(environment, "finma", "the add-on 'finma' of stacks.addons")


FINMA: Final = (
    Rule(
        name="finma-data-class",
        asked_by=_CRITICAL_DATA,
        why="critical data need increased security measures, which the kit has for this class",
        broken=restricted,
    ),
    Rule(
        name="finma-region",
        asked_by=_CRITICAL_DATA,
        why="where critical data lie is controlled, and each place abroad has its reason",
        broken=_in_switzerland,
    ),
    Rule(
        name="finma-no-way-out",
        asked_by=_CYBER,
        why="what reaches critical data is protected from a way out",
        broken=isolated,
    ),
    Rule(
        name="finma-reads-recorded",
        asked_by=_CRITICAL_DATA,
        why="each access to critical data is recorded",
        broken=reads_recorded,
    ),
    Rule(
        name="finma-alarms-told",
        asked_by=_CYBER,
        why="attacks must reach who reports them to FINMA",
        broken=told,
    ),
    Rule(
        name="finma-addon",
        asked_by="FINMA circular 2023/1, margin numbers 83 to 96",
        why="continuity needs backups that were restored, and a tolerance that was measured",
        broken=_addon,
    ),
)
"""Data first, then attacks, then continuity."""
