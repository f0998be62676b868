"""What an Airflow connection says of where to burst, and who to be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from starburst._client.access.connection import LOCAL, Connection, connect
from starburst.errors import ConfigurationError

__all__ = ["Place"]

_STATE_VARIABLE: Final = "STARBURST_LOCAL_STATE"
_EXTRA: Final = frozenset({"profile"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where to burst. What is None is left to ``STARBURST_*`` variables, and to AWS's own.

    Attributes:
        environment, workspace, user, profile: as :func:`starburst.connect` takes them.
        salt: a secret that the ids of sessions are made with; none where it is empty.
    """

    environment: str | None = None
    workspace: str | None = None
    user: str | None = None
    profile: str | None = None
    salt: str = ""

    def __repr__(self) -> str:
        """Say where it is, and no secret."""
        return f"<Starburst {self.environment or 'by default'}/{self.workspace or 'by default'}>"

    @classmethod
    def of(cls, connection: Any) -> Self:  # noqa: ANN401 - Airflow's, of either release
        """Read a connection of Airflow's.

        Raises:
            ConfigurationError: its extra names what we do not know.
        """
        extra: Mapping[str, Any] = connection.extra_dejson
        unknown = sorted(set(extra) - _EXTRA)
        if unknown:
            raise ConfigurationError(
                f"the extra of Airflow connection {connection.conn_id!r} names "
                f"{', '.join(map(repr, unknown))}; there is 'profile' alone. Environment, "
                "workspace and user have fields of their own"
            )
        return cls(
            environment=connection.host or None,
            workspace=connection.schema or None,
            user=connection.login or None,
            profile=extra.get("profile") or None,
            salt=connection.password or "",
        )

    def connect(self) -> Connection:
        """Go there.

        Raises:
            ConfigurationError: it is ``local``, and each process of Airflow's would start its own.
            StarburstError: as :func:`starburst.connect` does.
        """
        name = self.environment or os.environ.get("STARBURST_ENVIRONMENT") or LOCAL
        if name == LOCAL and not os.environ.get(_STATE_VARIABLE):
            raise ConfigurationError(
                "Airflow runs tasks and triggers in processes of their own, and each would start a "
                "local environment for itself alone. Run Airflow within one: starburst local -- "
                "airflow standalone. Or name an environment: the host of the Airflow connection, "
                "or STARBURST_ENVIRONMENT"
            )
        return connect(self.environment, self.workspace, user=self.user, profile=self.profile)
