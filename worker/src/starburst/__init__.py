"""Map a Python function over inputs on cloud workers.

Example:
    >>> import starburst
    >>> starburst.map(abs, [-1, 2, -3])                          # doctest: +SKIP
    [1, 2, 3]

Importing this module imports nothing else and calls nobody; each name loads at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .client.api import as_completed, attach, session, sessions, wait
    from .client.attaching import SessionSummary
    from .client.connection import Connection, connect
    from .client.executor import StarburstExecutor as Executor
    from .client.login import login
    from .client.mapping import map_over as map
    from .client.options import SessionOptions
    from .client.report import Report
    from .client.session import Session
    from .errors import (
        AccessDenied,
        ConfigurationError,
        EnvironmentNotFound,
        FleetFailed,
        IntegrityError,
        KeyUnavailable,
        LimitExceeded,
        LocalEnvironmentError,
        PayloadError,
        RemoteTraceback,
        ResultTooLarge,
        SessionEnded,
        SessionError,
        SessionNotFound,
        StarburstError,
        TaskError,
        TaskTimeout,
        UnpicklableInput,
        UnsafeResult,
        VersionMismatch,
        WorkerLost,
        WorkspaceNotFound,
    )
    from .estimating import Estimate, estimate

__all__ = [
    "AccessDenied",
    "ConfigurationError",
    "Connection",
    "EnvironmentNotFound",
    "Estimate",
    "Executor",
    "FleetFailed",
    "IntegrityError",
    "KeyUnavailable",
    "LimitExceeded",
    "LocalEnvironmentError",
    "PayloadError",
    "RemoteTraceback",
    "Report",
    "ResultTooLarge",
    "Session",
    "SessionEnded",
    "SessionError",
    "SessionNotFound",
    "SessionOptions",
    "SessionSummary",
    "StarburstError",
    "TaskError",
    "TaskTimeout",
    "UnpicklableInput",
    "UnsafeResult",
    "VersionMismatch",
    "WorkerLost",
    "WorkspaceNotFound",
    "as_completed",
    "attach",
    "connect",
    "estimate",
    "login",
    "map",
    "session",
    "sessions",
    "wait",
]

__version__: Final = "0.1.0"

_ERRORS: Final = ".errors"
_HOMES: Final = {
    "Connection": (".client.connection", "Connection"),
    "Estimate": (".estimating", "Estimate"),
    "Executor": (".client.executor", "StarburstExecutor"),
    "Report": (".client.report", "Report"),
    "Session": (".client.session", "Session"),
    "SessionOptions": (".client.options", "SessionOptions"),
    "SessionSummary": (".client.attaching", "SessionSummary"),
    "as_completed": (".client.api", "as_completed"),
    "attach": (".client.api", "attach"),
    "connect": (".client.connection", "connect"),
    "estimate": (".estimating", "estimate"),
    "login": (".client.login", "login"),
    "map": (".client.mapping", "map_over"),
    "session": (".client.api", "session"),
    "sessions": (".client.api", "sessions"),
    "wait": (".client.api", "wait"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES.get(name, (_ERRORS, name))
    value = getattr(importlib.import_module(module, __name__), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
