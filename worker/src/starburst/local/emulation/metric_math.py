"""Keep a template's alarm on metric math; stock refuses the whole stack for one."""

from __future__ import annotations

from typing import Any

from .patching import Function, Patch, module, wrap
from .resource_types import Properties

__all__ = ["PATCH"]

_OF_ONE_METRIC = frozenset(
    {"Dimensions", "ExtendedStatistic", "MetricName", "Namespace", "Period", "Statistic", "Unit"}
)
_STAND_IN = {"MetricName": "none", "Namespace": "none"}


def _apply() -> None:
    def make(original: Function) -> Function:
        def record(name: str, properties: Properties) -> Any:
            if not properties.get("Metrics"):
                return original(name, properties)
            others = {key: each for key, each in properties.items() if key != "Metrics"}
            kept = original(name, {**others, **_STAND_IN})
            alarm = {key: each for key, each in kept.items() if key not in _OF_ONE_METRIC}
            # Without a name of a metric stock never evaluates it.
            return {**alarm, "Metrics": properties["Metrics"]}

        return record

    wrap(module("services.cloudformation.provisioners"), "_cw_metric_alarm_record", make)


PATCH = Patch(
    name="metric_math",
    stock="refuses a stack with an alarm on metric math",
    apply=_apply,
)
