"""What platform engineers and security officers see of a whole environment, and do in it.

Nothing here gives anybody data: the controller answers by a door that is for officers alone, from
its own records, in which no input, result, label or file is. Who may ask is who holds what
``python -m deploy.totals --permission`` prints; analysts do not.

Every call takes ``environment=``, ``profile=`` and ``aws=``; arguments win over
``STARBURST_ENVIRONMENT`` and ``AWS_PROFILE``.

Example:
    >>> from starburst import admin
    >>> admin.report("2026-11", environment="prod").usd          # doctest: +SKIP
    1034.2
"""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

from starburst._client.admin.ages import Age, Ages, ask_ages
from starburst._client.admin.measured import DayCost, Measured, MeasuredRow, Run
from starburst._client.admin.office import Officer, open_office
from starburst._client.admin.overview import AdminSession, Sessions, ask_sessions, stop_session
from starburst._client.admin.report import MonthlyReport, ReportRow, ask_report
from starburst._client.admin.totals import (
    EVERYTHING,
    Freeze,
    Holder,
    TotalsOverview,
    Used,
    Waiting,
    ask_totals,
)

__all__ = [
    "EVERYTHING",
    "AdminSession",
    "Age",
    "Ages",
    "DayCost",
    "Freeze",
    "Holder",
    "Measured",
    "MeasuredRow",
    "MonthlyReport",
    "ReportRow",
    "Run",
    "Sessions",
    "TotalsOverview",
    "Used",
    "Waiting",
    "ages",
    "report",
    "sessions",
    "stop",
    "totals",
]


def sessions(*, ended_since: datetime | None = None, **officer: Unpack[Officer]) -> Sessions:
    """Return all sessions of all users that have not ended, with what they cost so far.

    Args:
        ended_since: also those that ended since then; records are kept for 400 days.
        **officer: ``environment``, ``profile`` and ``aws``.

    Raises:
        AccessDenied: AWS refused: these are not an officer's credentials.
    """
    since = None if ended_since is None else ended_since.timestamp()
    return ask_sessions(open_office(**officer), ended_since=since)


def stop(
    session: str, *, why: str, by: str | None = None, **officer: Unpack[Officer]
) -> AdminSession:
    """End a session of anybody's; its results stay. Repeating it does no harm.

    Args:
        session: its id.
        why: its analyst reads it in the session's status.
        by: who says so; the ARN of who is signed in else.
        **officer: ``environment``, ``profile`` and ``aws``.

    Raises:
        SessionNotFound: the environment has no such session.
        AccessDenied: AWS refused: these are not an officer's credentials.
    """
    return stop_session(open_office(**officer), session, why=why, by=by)


def totals(*, workspace: str | None = None, **officer: Unpack[Officer]) -> TotalsOverview:
    """Return what is used of every total, which sessions hold it, who waits and what is frozen.

    Args:
        workspace: only this one; all, and people, else.
        **officer: ``environment``, ``profile`` and ``aws``.

    Raises:
        WorkspaceNotFound: the environment has no such workspace.
        AccessDenied: AWS refused: these are not an officer's credentials.
    """
    return ask_totals(open_office(**officer), workspace=workspace)


def report(month: str, **officer: Unpack[Officer]) -> MonthlyReport:
    """Return what each analyst used in each workspace in a month.

    Where the environment has job metrics, and who asks may read them, they are in it as a second
    witness, with where the two differ.

    Args:
        month: such as ``2026-11``, by UTC.
        **officer: ``environment``, ``profile`` and ``aws``.

    Raises:
        ConfigurationError: it is no month, has not begun, or is longer ago than records are kept.
        AccessDenied: AWS refused: these are not an officer's credentials.
    """
    return ask_report(open_office(**officer), month)


def ages(**officer: Unpack[Officer]) -> Ages:
    """Return how old keys, images and credentials are, and which are due.

    AWS is asked directly, as who is signed in. It takes what
    ``python -m deploy.audit --permission`` prints.
    """
    return ask_ages(open_office(**officer))
