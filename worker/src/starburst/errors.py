"""Every error that Starburst raises on purpose.

::

    StarburstError
    ├── ConfigurationError       an argument, a setting or the installation is wrong; nothing ran
    │   ├── EnvironmentNotFound  no runtime document: not deployed, wrong region or account
    │   ├── WorkspaceNotFound    the environment has no such workspace
    │   ├── WrongArguments       a function cannot be called as asked; a TypeError too
    │   └── VersionMismatch      client and worker differ (Python, protocol)
    ├── AccessDenied             AWS refused: names who asked, for what, and who can fix it
    ├── LimitExceeded            the controller refused: names the limit, the value, the allowed
    │   └── SessionsFrozen       no new session for now: says by whom, since when, and why
    ├── ImageRefused             the worker image has a finding that nobody waived: names it
    ├── KeyUnavailable           the data key is disabled or gone; nothing was sent in the clear
    ├── SessionError             about one session
    │   ├── SessionNotFound      no manifest under that id for this user
    │   ├── SessionEnded         it was cleaned up, timed out or was stopped
    │   └── FleetFailed          its workers cannot start; carries ECS's own reason
    ├── PayloadError             about what travels
    │   ├── UnpicklableInput     the function or an input cannot travel, or be loaded there
    │   ├── UnsafeResult         a result is not data; names the type and the opt-in
    │   ├── ResultTooLarge       above the size limit
    │   └── IntegrityError       an object failed verification; it was never parsed
    ├── TaskError                the function raised what cannot be raised here as itself
    │   ├── InitializerFailed    what was to run first on each worker raised; a BrokenExecutor too
    │   ├── TaskTimeout          it took longer than ``timeout``
    │   └── WorkerLost           it took its worker down every time; says how
    └── LocalEnvironmentError    the local environment could not start or stop

A message says what happened, why, and what to do next.
"""

from __future__ import annotations

from concurrent.futures import BrokenExecutor

from starburst.untrusted.page_text import escaped
from starburst.untrusted.terminal_text import many_lines, one_line

__all__ = [
    "AccessDenied",
    "ConfigurationError",
    "DataNotFound",
    "EnvironmentNotFound",
    "FleetFailed",
    "ImageRefused",
    "InitializerFailed",
    "IntegrityError",
    "KeyUnavailable",
    "LimitExceeded",
    "LocalEnvironmentError",
    "PackagesRefused",
    "PayloadError",
    "RemoteTraceback",
    "ResultTooLarge",
    "SessionEnded",
    "SessionError",
    "SessionNotFound",
    "SessionsFrozen",
    "StarburstError",
    "TaskError",
    "TaskTimeout",
    "UnpicklableInput",
    "UnsafeResult",
    "VersionMismatch",
    "WorkerLost",
    "WorkspaceNotFound",
    "WrongArguments",
]


class StarburstError(Exception):
    """Base of all errors that Starburst raises on purpose.

    A message may quote untrusted text: shown, it holds nothing that drives a terminal.
    """

    def _repr_html_(self) -> str:
        remote = RemoteTraceback.of(self)
        said = [str(self), *getattr(self, "__notes__", ())]
        words = "".join(f"<div>{escaped(each, most=2_000, lines=True)}</div>" for each in said)
        trace = (
            "" if remote is None else f"<pre>{escaped(remote.text, most=8_000, lines=True)}</pre>"
        )
        return (
            '<div style="border-left:3px solid #d9434e;padding:4px 14px;white-space:pre-wrap">'
            f"<b>{escaped(type(self).__name__)}</b>{words}{trace}</div>"
        )

    def __str__(self) -> str:
        """Return the message, fit for a terminal."""
        return many_lines(super().__str__())


class ConfigurationError(StarburstError, ValueError):
    """An argument, a setting or the installation is wrong; nothing was created."""


class EnvironmentNotFound(ConfigurationError):
    """There is no runtime document where one was looked for."""


class WorkspaceNotFound(ConfigurationError):
    """The environment has no workspace of that name."""


class WrongArguments(ConfigurationError, TypeError):
    """A function cannot be called with these arguments. Nothing was sent."""


class VersionMismatch(ConfigurationError):
    """Client and workers differ in a version that must agree."""


class PackagesRefused(ConfigurationError):
    """A package may not travel to workers, cannot, or did not arrive there."""


class DataNotFound(StarburstError, FileNotFoundError):
    """Nothing stands there in the workspace's data, or in one's home."""


class AccessDenied(StarburstError, PermissionError):
    """AWS refused a call."""


class LimitExceeded(StarburstError):
    """The controller refused what is over its workspace's limits, or has no room in the totals."""


class SessionsFrozen(LimitExceeded):
    """New sessions of a workspace or of all were stopped: by an officer, a budget, its retiring."""


class ImageRefused(StarburstError):
    """The worker image has a finding that nobody waived, or what is known of it is too old."""


class KeyUnavailable(StarburstError):
    """The data key that protects every session is disabled, pending deletion or gone."""


class SessionError(StarburstError):
    """Base of errors about one session."""


class SessionNotFound(SessionError):
    """The user has no session with that id."""


class SessionEnded(SessionError, RuntimeError):
    """The session has ended, so it takes no more work.

    A ``RuntimeError`` too, as other executors raise it for ``submit`` after ``shutdown``.
    """


class FleetFailed(SessionError):
    """The session's workers cannot start; the message carries ECS's own reason."""


class PayloadError(StarburstError):
    """Base of errors about what travels between client and workers."""


class UnpicklableInput(PayloadError):
    """The function or an input cannot be sent, or a worker cannot load it."""


class UnsafeResult(PayloadError):
    """A result is not data, and the session did not opt in to pickled results."""


class ResultTooLarge(PayloadError):
    """A result is larger than the session allows."""


class IntegrityError(PayloadError):
    """A stored object failed verification. Nothing of it was parsed."""


class TaskError(StarburstError):
    """The function raised on a worker what cannot be raised here as itself.

    An exception comes back as one of its own class where that is imported here. Otherwise, or where
    not all of it is data, its class here is a TaskError, and of the nearest classes that it derives
    from, so that ``except ValueError`` catches it. What would end a program or a loop, such as
    SystemExit and StopIteration, is a TaskError alone.

    Attributes:
        type_name: qualified name of the exception's type on the worker.
    """

    def __init__(self, message: str, *, type_name: str = "") -> None:
        super().__init__(message)
        self.type_name = one_line(type_name)


class TaskTimeout(TaskError, TimeoutError):
    """A task took longer than the ``timeout`` that it was given."""


class InitializerFailed(TaskError, BrokenExecutor):
    """The ``initializer`` raised on a worker, so its tasks did not run there."""


class WorkerLost(TaskError):
    """A task took its worker down at every attempt."""


class LocalEnvironmentError(StarburstError):
    """The local environment could not start, deploy or stop."""


class RemoteTraceback(Exception):
    """The traceback on the worker, as text: the last cause of a task's exception.

    It is the exception's ``__cause__``, or follows the causes that the task itself gave
    (``raise … from …``). A worker wrote it: what could drive a terminal is written out in it.

    Example:
        >>> try:
        ...     raise ValueError("on a worker") from RemoteTraceback("Traceback …")
        ... except ValueError as error:
        ...     RemoteTraceback.of(error).text
        'Traceback …'
    """

    def __init__(self, text: str) -> None:
        text = many_lines(text)
        super().__init__(text)
        self.text = text

    @classmethod
    def of(cls, error: BaseException) -> RemoteTraceback | None:
        """Return the remote traceback of an exception; None if no task raised it."""
        cause, seen = error.__cause__, {id(error)}
        while cause is not None and id(cause) not in seen:
            if isinstance(cause, cls):
                return cause
            seen.add(id(cause))
            cause = cause.__cause__
        return None

    def __str__(self) -> str:
        """Return the remote traceback."""
        return f'\n"""\n{self.text}"""'
