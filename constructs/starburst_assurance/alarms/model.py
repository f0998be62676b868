"""A metric alarm and what it watches, as values."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = ["COMPARISONS", "MINUTE", "STATISTICS", "Alarm", "Metric", "Missing", "State"]

MINUTE: Final = 60
"""Seconds. A metric of standard resolution has one value a minute, and an alarm is looked at once
a minute."""


class State(StrEnum):
    """Of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """What an alarm takes a period without any value for."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = MappingProxyType(
    {
        "GreaterThanOrEqualToThreshold": operator.ge,
        "GreaterThanThreshold": operator.gt,
        "LessThanThreshold": operator.lt,
        "LessThanOrEqualToThreshold": operator.le,
    }
)
"""Value against threshold. Those of anomaly bands are not judged here."""

STATISTICS: Final[Mapping[str, Callable[[list[float]], float]]] = MappingProxyType(
    {
        "Average": lambda values: sum(values) / len(values),
        "Maximum": max,
        "Minimum": min,
        "SampleCount": len,
        "Sum": sum,
    }
)
"""Of the values of one period; there is one at least."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A series of values; CloudWatch finds it by all of this, or not at all.

    Attributes:
        namespace: such as ``AWS/Lambda``.
        name: within it.
        dimensions: name and value of each. A metric with other dimensions, or one more, is another.
    """

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """One metric alarm.

    Attributes:
        name: logical id in its template.
        description: as people read it.
        metric: what it watches.
        statistic: how the values of a period become one.
        fill: what takes the place of a period without a value, by the function FILL of metric math.
        period: seconds.
        periods: how many are evaluated (N).
        datapoints: how many of them must breach (M).
        comparison: of value and threshold.
        threshold: where breaching begins.
        missing: what a period without a value counts for.
        actions: ARNs of what is called when it rings.
        enabled: whether they are called at all.
    """

    name: str
    description: str
    metric: Metric
    statistic: str
    period: int
    periods: int
    datapoints: int
    comparison: str
    threshold: float
    missing: Missing
    fill: float | None = None
    actions: tuple[str, ...] = ()
    enabled: bool = True
