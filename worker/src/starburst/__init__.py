"""Map a Python function over inputs on cloud workers.

Example:
    >>> import starburst
    >>> starburst.map(abs, [-1, 2, -3])                          # doctest: +SKIP
    [1, 2, 3]

Importing this module imports nothing else and calls no one; each name loads at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from starburst import data, home
    from starburst._client.streams.streaming import ResultIterator
    from starburst._functions.objects.handles import Handle
    from starburst._functions.ordinary.streams import rng

    from ._client.access.connection import Connection, connect
    from ._client.access.login import login
    from ._client.api import as_completed, attach, session, sessions, wait
    from ._client.attaching import SessionSummary
    from ._client.display.session_status import Status
    from ._client.estimating import estimate
    from ._client.executor import StarburstExecutor as Executor
    from ._client.iterating import imap_over as imap
    from ._client.logs.line import LogLine
    from ._client.mapping import map_over as map
    from ._client.mapping import starmap_over as starmap
    from ._client.options import SessionOptions
    from ._client.session import Session
    from ._client.tasks.futures import FutureList
    from ._client.travels import Travels
    from ._functions.putting import put
    from .errors import (
        AccessDenied,
        ConfigurationError,
        DataNotFound,
        EnvironmentNotFound,
        FleetFailed,
        ImageRefused,
        InitializerFailed,
        IntegrityError,
        KeyUnavailable,
        LimitExceeded,
        LocalEnvironmentError,
        PackagesRefused,
        PayloadError,
        RemoteTraceback,
        ResultTooLarge,
        SessionEnded,
        SessionError,
        SessionNotFound,
        SessionsFrozen,
        StarburstError,
        TaskError,
        TaskTimeout,
        UnpicklableInput,
        UnsafeResult,
        VersionMismatch,
        WorkerLost,
        WorkspaceNotFound,
        WrongArguments,
    )
    from .pricing.estimates import Estimate

__all__ = [
    "AccessDenied",
    "ConfigurationError",
    "Connection",
    "DataNotFound",
    "EnvironmentNotFound",
    "Estimate",
    "Executor",
    "FleetFailed",
    "FutureList",
    "Handle",
    "ImageRefused",
    "InitializerFailed",
    "IntegrityError",
    "KeyUnavailable",
    "LimitExceeded",
    "LocalEnvironmentError",
    "LogLine",
    "PackagesRefused",
    "PayloadError",
    "RemoteTraceback",
    "ResultIterator",
    "ResultTooLarge",
    "Session",
    "SessionEnded",
    "SessionError",
    "SessionNotFound",
    "SessionOptions",
    "SessionSummary",
    "SessionsFrozen",
    "StarburstError",
    "Status",
    "TaskError",
    "TaskTimeout",
    "Travels",
    "UnpicklableInput",
    "UnsafeResult",
    "VersionMismatch",
    "WorkerLost",
    "WorkspaceNotFound",
    "WrongArguments",
    "as_completed",
    "attach",
    "connect",
    "data",
    "estimate",
    "home",
    "imap",
    "login",
    "map",
    "put",
    "rng",
    "session",
    "sessions",
    "starmap",
    "wait",
]

__version__: Final = "0.2.0.dev0"

_ERRORS: Final = ".errors"
_MODULES: Final = ("data", "home")
_HOMES: Final = {
    "Connection": ("._client.access.connection", "Connection"),
    "Estimate": (".pricing.estimates", "Estimate"),
    "Executor": ("._client.executor", "StarburstExecutor"),
    "Handle": ("._functions.objects.handles", "Handle"),
    "FutureList": ("._client.tasks.futures", "FutureList"),
    "LogLine": ("._client.logs.line", "LogLine"),
    "ResultIterator": ("._client.streams.streaming", "ResultIterator"),
    "Session": ("._client.session", "Session"),
    "SessionOptions": ("._client.options", "SessionOptions"),
    "SessionSummary": ("._client.attaching", "SessionSummary"),
    "Status": ("._client.display.session_status", "Status"),
    "Travels": ("._client.travels", "Travels"),
    "as_completed": ("._client.api", "as_completed"),
    "attach": ("._client.api", "attach"),
    "connect": ("._client.access.connection", "connect"),
    "estimate": ("._client.estimating", "estimate"),
    "imap": ("._client.iterating", "imap_over"),
    "login": ("._client.access.login", "login"),
    "map": ("._client.mapping", "map_over"),
    "put": ("._functions.putting", "put"),
    "rng": ("._functions.ordinary.streams", "rng"),
    "session": ("._client.api", "session"),
    "sessions": ("._client.api", "sessions"),
    "starmap": ("._client.mapping", "starmap_over"),
    "wait": ("._client.api", "wait"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    module, attribute = _HOMES.get(name, (_ERRORS, name))
    value = getattr(importlib.import_module(module, __name__), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
