"""Bursts as Airflow tasks: deferred while they run, so that they hold no worker of Airflow's.

Example::

    from airflow.sdk import dag
    from starburst.airflow import BurstOperator

    @dag
    def analysis():
        BurstOperator(
            task_id="simulate", function=simulate, inputs=range(10_000), options={"workers": 100}
        )

It runs in the environment of Airflow 3, or 2.11. Importing this module imports neither; each name
loads at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .hook import StarburstHook
    from .link import SessionLink
    from .operator import BurstOperator
    from .sessions import EndSessionOperator, StartSessionOperator
    from .trigger import BurstTrigger

__all__ = [
    "BurstOperator",
    "BurstTrigger",
    "EndSessionOperator",
    "SessionLink",
    "StarburstHook",
    "StartSessionOperator",
]

_HOMES: Final = {
    "BurstOperator": "operator",
    "BurstTrigger": "trigger",
    "EndSessionOperator": "sessions",
    "SessionLink": "link",
    "StarburstHook": "hook",
    "StartSessionOperator": "sessions",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
