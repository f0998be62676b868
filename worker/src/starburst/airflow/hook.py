"""The hook: an Airflow connection of type ``starburst`` as a way into an environment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starburst.errors import StarburstError

from .place import Place
from .provider import CONNECTION_TYPE, DEFAULT_CONNECTION, HOOK_NAME, form
from .releases import AirflowNotFoundException, BaseHook

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection

__all__ = ["StarburstHook"]


class StarburstHook(BaseHook):
    """An Airflow connection as a way into an environment.

    Its host is the environment, its schema the workspace, its login the user; the extra may name an
    AWS ``profile``. What is left out is as :func:`starburst.connect` finds it. The connection
    ``starburst_default`` need not exist.

    Args:
        starburst_conn_id: the id of the Airflow connection.
    """

    conn_name_attr = "starburst_conn_id"
    default_conn_name = DEFAULT_CONNECTION
    conn_type = CONNECTION_TYPE
    hook_name = HOOK_NAME

    def __init__(self, starburst_conn_id: str = DEFAULT_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.starburst_conn_id = starburst_conn_id

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return how Airflow's form for such a connection looks."""
        return form()

    def place(self) -> Place:
        """Return what the connection says.

        Raises:
            AirflowNotFoundException: there is no such connection, and it is not the default one.
            ConfigurationError: its extra names what we do not know.
        """
        try:
            return Place.of(self.get_connection(self.starburst_conn_id))
        except AirflowNotFoundException:
            if self.starburst_conn_id != self.default_conn_name:
                raise
            return Place()

    async def aplace(self) -> Place:
        """Do as :meth:`place` does, from an event loop that goes on meanwhile."""
        if not hasattr(self, "aget_connection"):  # Airflow 2, and the first releases of 3
            return await asyncio.to_thread(self.place)
        try:
            return Place.of(await self.aget_connection(self.starburst_conn_id))
        except AirflowNotFoundException:
            if self.starburst_conn_id != self.default_conn_name:
                raise
            return Place()

    def get_conn(self) -> Connection:
        """Connect.

        Raises:
            StarburstError: as :func:`starburst.connect` does.
        """
        return self.place().connect()

    def test_connection(self) -> tuple[bool, str]:
        """Try the connection: Airflow's button, and ``airflow connections test``."""
        try:
            found = self.get_conn()
        except StarburstError as error:
            return False, str(error)
        return True, f"{found.user} in {found.workspace} of {found.document.environment}"
