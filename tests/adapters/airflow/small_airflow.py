"""As much of Airflow as the operators use: what a task is given, defers to, and leaves.

The real ones are tried by ``make airflow-check``.
"""

from __future__ import annotations

import logging
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn

import pytest

import starburst.airflow

__all__ = ["CONNECTIONS", "OURS", "Deferred", "TaskInstance", "install"]

OURS = tuple(starburst.airflow.__all__)
CONNECTIONS: dict[str, Any] = {}


class NotFound(Exception):
    pass


class Deferred(Exception):
    def __init__(self, trigger: Any, method: str, timeout: Any) -> None:
        super().__init__(method)
        self.trigger = trigger
        self.method = method
        self.timeout = timeout


class BaseHook:
    @classmethod
    def get_connection(cls, conn_id: str) -> Any:
        if conn_id not in CONNECTIONS:
            raise NotFound(conn_id)
        return CONNECTIONS[conn_id]


class BaseOperator:
    log = logging.getLogger(__name__)
    do_xcom_push = True

    def __init__(self, *, task_id: str, execution_timeout: Any = None) -> None:
        self.task_id = task_id
        self.execution_timeout = execution_timeout

    def defer(self, *, trigger: Any, method_name: str, timeout: Any = None) -> NoReturn:
        raise Deferred(trigger, method_name, timeout)


class BaseTrigger:
    pass


class TriggerEvent:
    def __init__(self, payload: Any) -> None:
        self.payload = payload


class XCom:
    @classmethod
    def get_value(cls, *, ti_key: Any, key: str) -> Any:
        return ti_key.left.get(key)


class TaskInstance:
    """One try, and what it leaves."""

    dag_id = "nightly"
    run_id = "manual__1"
    task_id = "burst"
    map_index = -1

    def __init__(self, try_number: int = 1) -> None:
        self.try_number = try_number
        self.left: dict[str, Any] = {}
        self.refuses = False

    def xcom_push(self, *, key: str, value: Any) -> None:
        if self.refuses:
            raise TypeError("an XCom cannot hold this")
        self.left[key] = value


class Conf:
    deferrable = False

    @classmethod
    def getboolean(cls, *_: str, fallback: bool) -> bool:
        return cls.deferrable or fallback


def install(patch: pytest.MonkeyPatch) -> None:
    """Put it where Airflow 3 has its names."""
    CONNECTIONS.clear()
    sdk = {
        **{"BaseHook": BaseHook, "BaseOperator": BaseOperator, "BaseXCom": XCom, "conf": Conf},
        "BaseOperatorLink": object,
    }
    names = {
        "airflow": {},
        "airflow.sdk": sdk,
        "airflow.sdk.exceptions": {"AirflowNotFoundException": NotFound},
        "airflow.triggers": {},
        "airflow.triggers.base": {"BaseTrigger": BaseTrigger, "TriggerEvent": TriggerEvent},
    }
    for name, members in names.items():
        module = ModuleType(name)
        module.__dict__.update(SimpleNamespace(**members).__dict__)
        patch.setitem(__import__("sys").modules, name, module)
