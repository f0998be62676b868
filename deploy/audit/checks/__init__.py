"""All checks, in the order in which they are told."""

from __future__ import annotations

from typing import Final

from deploy.audit.subject import Check

from .buckets import BUCKETS
from .drift import DRIFT, STACKS
from .exposure import EXPOSURE
from .images import IMAGES
from .invokers import INVOKERS
from .keys import KEYS
from .network import ENDPOINTS, GROUPS, SUBNETS
from .orphans import LEFT_OPEN, ORPHANS
from .people import PEOPLE
from .records import LOG_GROUPS, TRAIL
from .spending import BUDGETS, LIMITS

__all__ = ["CHECKS"]

CHECKS: Final[tuple[Check, ...]] = (
    STACKS,
    DRIFT,
    PEOPLE,
    BUCKETS,
    KEYS,
    SUBNETS,
    ENDPOINTS,
    GROUPS,
    TRAIL,
    LOG_GROUPS,
    BUDGETS,
    LIMITS,
    IMAGES,
    EXPOSURE,
    INVOKERS,
    ORPHANS,
    LEFT_OPEN,
)
