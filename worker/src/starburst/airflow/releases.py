"""The names of Airflow that are used here, and where Airflow 3 and Airflow 2 have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = [
    "AirflowNotFoundException",
    "BaseHook",
    "BaseOperator",
    "BaseOperatorLink",
    "BaseTrigger",
    "TriggerEvent",
    "XCom",
    "conf",
]

if TYPE_CHECKING:
    # Airflow's environment is one of its own, so it is not there where these files are checked:
    # this is the part of it that is used.
    import logging
    from collections.abc import Collection, Sequence
    from datetime import timedelta
    from typing import ClassVar, NoReturn

    class BaseHook:
        """A way to another system."""

        log: logging.Logger

        def __init__(self) -> None: ...
        @classmethod
        def get_connection(cls, conn_id: str) -> Any: ...
        @classmethod
        async def aget_connection(cls, conn_id: str) -> Any: ...

    class BaseOperator:
        """A task."""

        log: logging.Logger
        task_id: str
        do_xcom_push: bool
        execution_timeout: timedelta | None
        template_fields: ClassVar[Sequence[str]]
        operator_extra_links: Collection[Any]
        ui_color: str

        def __init__(self, **kwargs: Any) -> None: ...
        def defer(
            self, *, trigger: BaseTrigger, method_name: str, timeout: timedelta | None = None
        ) -> NoReturn: ...

    class BaseOperatorLink:
        """A button of a task."""

    class BaseTrigger:
        """What waits for an event in place of a task."""

        log: logging.Logger

        def __init__(self) -> None: ...

    class TriggerEvent:
        """What a trigger waited for."""

        def __init__(self, payload: Any) -> None: ...

    class XCom:
        """What tasks leave for others."""

        @classmethod
        def get_value(cls, *, ti_key: Any, key: str) -> Any: ...

    class AirflowNotFoundException(Exception):
        """There is no connection of that name."""

    conf: Any
else:
    from airflow.triggers.base import BaseTrigger, TriggerEvent

    try:
        from airflow.sdk import BaseHook, BaseOperator, BaseOperatorLink, conf
        from airflow.sdk import BaseXCom as XCom
        from airflow.sdk.exceptions import AirflowNotFoundException
    except ModuleNotFoundError:  # Airflow 2
        from airflow.configuration import conf
        from airflow.exceptions import AirflowNotFoundException
        from airflow.hooks.base import BaseHook
        from airflow.models import BaseOperator, XCom
        from airflow.models.baseoperatorlink import BaseOperatorLink
