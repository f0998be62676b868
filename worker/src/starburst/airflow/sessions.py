"""Setup and teardown: a session that several bursts of a DAG share, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from starburst._client.options import SessionOptions

from .bursts import Burst, begin, end
from .hook import StarburstHook
from .naming import Try
from .provider import DEFAULT_CONNECTION
from .releases import BaseOperator

__all__ = ["EndSessionOperator", "StartSessionOperator"]


class StartSessionOperator(BaseOperator):
    """Starts a session; its XCom is the session's id. The setup of a teardown.

    The bursts of one session run one after the other: two that send at once are refused.

    Args:
        options: the fields of :class:`starburst.SessionOptions`, such as ``{"workers": 50}``.
        starburst_conn_id: the Airflow connection.
        **kwargs: what every operator of Airflow's takes.

    Raises:
        ConfigurationError: an option is wrong.

    Example::

        start = StartSessionOperator(task_id="start")
        burst = BurstOperator(task_id="burst", function=f, inputs=range(9), session=start.output)
        end = EndSessionOperator(task_id="end", session=start.output)
        start >> burst >> end.as_teardown(setups=start)
    """

    def __init__(
        self,
        *,
        options: Mapping[str, Any] | None = None,
        starburst_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        SessionOptions.of(dict(options or {}))
        self.options = options
        self.starburst_conn_id = starburst_conn_id

    def execute(self, context: Mapping[str, Any]) -> str:
        """Start it, or find what an earlier process of this try started."""
        place = StarburstHook(self.starburst_conn_id).place()
        connection = place.connect()
        ids = Try.of(context["ti"]).ids(
            connection.document.environment, connection.workspace, connection.user, salt=place.salt
        )
        session = begin(connection, SessionOptions.of(dict(self.options or {})), ids)
        session.detach()
        self.log.info("session %s", session.id)
        return session.id


class EndSessionOperator(BaseOperator):
    """Ends a session, whatever became of the work; one that has ended already is left as it is.

    Args:
        session: its id, as :class:`StartSessionOperator` returns it. Templated.
        erase: its objects too; False keeps inputs and results until they expire.
        starburst_conn_id: the Airflow connection.
        **kwargs: what every operator of Airflow's takes.
    """

    template_fields: ClassVar[Sequence[str]] = ("session",)

    def __init__(
        self,
        *,
        session: str,
        erase: bool = True,
        starburst_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.session = session
        self.erase = erase
        self.starburst_conn_id = starburst_conn_id

    def execute(self, context: Mapping[str, Any]) -> None:
        """End it."""
        connection = StarburstHook(self.starburst_conn_id).place().connect()
        burst = Burst(session=self.session, first=0, count=0, own=True)
        end(connection, burst, erase=self.erase)
