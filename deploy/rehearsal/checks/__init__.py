"""Every question of a first day, in the order that finds most."""

from __future__ import annotations

from typing import Final

from deploy.rehearsal.asking.check import Check
from deploy.rehearsal.checks.account_wide import QUOTA, SCANNING
from deploy.rehearsal.checks.alarms import ALARMS, FILTERS, SILENCE
from deploy.rehearsal.checks.budgets import BUDGETS, COST_TAG
from deploy.rehearsal.checks.default_group import DEFAULT_GROUP
from deploy.rehearsal.checks.endpoints import AGENTS, ENDPOINTS
from deploy.rehearsal.checks.events import EVENTS
from deploy.rehearsal.checks.flow_logs import RECORDS, STATUS
from deploy.rehearsal.checks.keys import KEYS
from deploy.rehearsal.checks.policies import ANALYST, VARIABLE
from deploy.rehearsal.checks.stops import STOPS
from deploy.rehearsal.checks.trail import TRAIL
from deploy.rehearsal.checks.worker import ONE_WORKER
from deploy.rehearsal.checks.young_queue import YOUNG_QUEUE

__all__ = ["ALL"]

ALL: Final[tuple[Check, ...]] = (
    STATUS,
    DEFAULT_GROUP,
    TRAIL,
    VARIABLE,
    ANALYST,
    # From here to the stops the endpoints are open, where they open for sessions alone.
    ONE_WORKER,
    ENDPOINTS,
    AGENTS,
    YOUNG_QUEUE,
    QUOTA,
    STOPS,
    EVENTS,
    RECORDS,
    ALARMS,
    FILTERS,
    BUDGETS,
    COST_TAG,
    SCANNING,
    KEYS,
    # Last, since nobody sweeps meanwhile.
    SILENCE,
)
