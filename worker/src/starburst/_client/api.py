"""The public functions that are thin on top of sessions."""

from __future__ import annotations

from concurrent.futures import as_completed, wait
from typing import Unpack

from starburst._client.access.connection import Connection, check_place, connect
from starburst._client.ending.leaving import say_that_it_is_left

from .attaching import SessionSummary, attach_core, list_sessions
from .opening import open_core
from .options import SessionOptionNames, SessionOptions
from .session import Session

__all__ = ["as_completed", "attach", "session", "sessions", "wait"]


def session(
    environment: str | Connection | None = None,
    workspace: str | None = None,
    *,
    user: str | None = None,
    profile: str | None = None,
    progress: bool | None = None,
    **options: Unpack[SessionOptionNames],
) -> Session:
    """Start a session: workers that outlive this process until cleaned up or timed out.

    A program that ends while tasks are not done says the session's id on stderr.

    Args:
        environment: where; see :func:`starburst.connect`.
        workspace: likewise.
        user: who to be; see :func:`starburst.connect`.
        profile: an AWS profile.
        progress: draw a bar; by default only where a person watches. False also keeps from showing
            what calls print as it comes.
        **options: the fields of :class:`starburst.SessionOptions`, such as ``workers=50``.

    Raises:
        ConfigurationError: an option is wrong, or the environment cannot be found.
        LimitExceeded: the workspace does not grant what was asked for, or there is no room for it
            in the totals and no ``wait=``.
        SessionsFrozen: no new session may start for now; it says by whom, since when, and why.
        ImageRefused: the worker image has a finding that nobody waived.

    Example:
        >>> with starburst.session(workers=2) as s:              # doctest: +SKIP
        ...     futures = s.map(abs, [-1, -2])
        ...     s.collect()
        [1, 2]
    """
    check_place(environment, workspace, user, profile)
    wanted = SessionOptions.of(options)
    connection = connect(environment, workspace, user=user, profile=profile)
    core = open_core(connection, wanted, progress=progress)
    say_that_it_is_left(core.id, core.tasks)
    return Session(core)


def attach(
    id: str,
    environment: str | Connection | None = None,
    workspace: str | None = None,
    *,
    user: str | None = None,
    profile: str | None = None,
    progress: bool | None = None,
) -> Session:
    """Find a session again, from this or another machine, with a future for each of its tasks.

    While tasks are open the latest of what they printed shows, and then what comes, unless
    ``progress`` is False. Of a session whose results were erased when it ended well, its report,
    its logs and its status are left.

    Args:
        id: of the session, as ``session.id``, :func:`starburst.sessions` and messages give it.
        environment: where; see :func:`starburst.connect`.
        workspace: likewise.
        user: who to be; see :func:`starburst.connect`.
        profile: an AWS profile.
        progress: draw a bar; by default only where a person watches.

    Raises:
        SessionNotFound: you have no such session in this workspace.
        SessionEnded: another program of yours is erasing it right now.
        AccessDenied: you are no analyst of this workspace.

    Example:
        >>> again = starburst.attach(session.id)                 # doctest: +SKIP
        >>> results = again.collect()                            # doctest: +SKIP
    """
    connection = connect(environment, workspace, user=user, profile=profile)
    core = attach_core(connection, id, progress=progress)
    say_that_it_is_left(core.id, core.tasks)
    return Session(core)


def sessions(
    environment: str | Connection | None = None,
    workspace: str | None = None,
    *,
    user: str | None = None,
    profile: str | None = None,
) -> list[SessionSummary]:
    """Return your sessions in a workspace, newest first.

    Args:
        environment: where; see :func:`starburst.connect`.
        workspace: likewise.
        user: who to be; see :func:`starburst.connect`.
        profile: an AWS profile.

    Raises:
        AccessDenied: you are no analyst of this workspace.

    Example:
        >>> starburst.sessions()[0]                              # doctest: +SKIP
        <starburst session …>
    """
    return list_sessions(connect(environment, workspace, user=user, profile=profile))
