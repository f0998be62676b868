"""``starburst sessions``, ``status`` and ``extend``: which there are, how one stands, its end."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from starburst.errors import ConfigurationError, SessionEnded
from starburst.untrusted.terminal_text import one_line, tell

from .saying import COLUMNS, add_json, say, say_json, wrapped
from .where import add_command, add_where, connected

if TYPE_CHECKING:
    import argparse

    from starburst._client.attaching import SessionSummary
    from starburst._client.display.session_status import Status

__all__ = ["add_sessions", "stand"]

_MOST_HOURS: Final = 24 * 366 * 10


def add_sessions(commands: Any) -> None:  # noqa: ANN401 - argparse names the type with an underscore
    """Add the three commands."""
    command = add_command(commands, "sessions", _sessions, "list your sessions, newest first")
    add_json(command, "a JSON object a line")
    add_where(command)

    command = add_command(commands, "status", _status, "say how a session stands, and why it waits")
    command.add_argument("session")
    add_json(command)
    add_where(command)

    command = add_command(commands, "extend", _extend, "move a session's end")
    command.add_argument("session")
    command.add_argument("--hours", type=float, default=1, help="from now, at least (default 1)")
    add_json(command)
    add_where(command)


def stand(status: Status) -> dict[str, Any]:
    """Return how a session stands, as JSON says it; None is what the controller has not said."""
    said, tasks = status.workers, status.tasks
    return {
        "session": status.session,
        "state": status.state,
        "reason": None if said is None else said.reason,
        "place": status.place,
        "tasks": {
            "total": tasks.total,
            "done": tasks.done,
            "failed": tasks.failed,
            "cancelled": tasks.cancelled,
            "retried": tasks.retried,
            "seconds": tasks.seconds,
        },
        "workers": None
        if said is None
        else {
            "wanted": said.workers_wanted,
            "starting": said.workers_starting,
            "running": said.workers_running,
            "started": said.workers_started,
            "lost": said.workers_lost,
        },
        "usd": status.usd,
        "started": None if said is None else said.started,
        "deadline": None if said is None else said.deadline,
        "updated": None if said is None else said.updated,
    }


def _sessions(arguments: argparse.Namespace) -> None:
    from starburst._client.attaching import list_sessions  # noqa: PLC0415 - slow to import

    connection = connected(arguments)
    found = list_sessions(connection)
    if arguments.json:
        for summary in found:
            say_json(_listed(summary))
    elif found:
        _show(found)
    else:
        say(f"{connection.user} has no sessions in workspace {connection.workspace}.")


def _listed(summary: SessionSummary) -> dict[str, Any]:
    status, manifest = summary.status, summary.manifest
    return {
        "session": summary.id,
        "workspace": summary.workspace,
        "created": summary.created,
        "state": summary.state,
        "reason": None if status is None else status.reason,
        "workers_running": None if status is None else status.workers_running,
        "workers_wanted": None if status is None else status.workers_wanted,
        "usd": None if status is None else status.usd,
        "deadline": None if status is None else status.deadline,
        "labels": dict(manifest.labels),
    }


def _show(found: list[SessionSummary]) -> None:
    """Print a line for each, and its reason below it where there is no room beside it."""
    from starburst._client.display.progress import dollars  # noqa: PLC0415 - slow to import

    head = ("SESSION", "STARTED", "STATE", "WORKERS", "COST", "REASON")
    widths = (20, 16, 8, 7, 8, 0)
    lines: list[tuple[str, ...]] = [head]
    for summary in found:
        status = summary.status
        lines.append(
            (
                summary.id,
                time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.created)),
                summary.state,
                "-" if status is None else f"{status.workers_running}/{status.workers_wanted}",
                "-" if status is None else dollars(status.usd),
                "" if status is None else one_line(status.reason),
            )
        )
    for *cells, reason in lines:
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False))
        if len(line) + len("  ") + len(reason) <= COLUMNS:
            tell(f"{line}  {reason}".rstrip(), sys.stdout)
            continue
        tell(line.rstrip(), sys.stdout)
        for part in wrapped(reason, COLUMNS, first=" " * 4, indent=" " * 4):
            tell(part, sys.stdout)


def _status(arguments: argparse.Namespace) -> None:
    from starburst._client.attaching import attach_session  # noqa: PLC0415 - slow to import

    session = attach_session(
        connected(arguments), arguments.session, progress=False, count_only=True
    )
    with contextlib.suppress(SessionEnded):  # its results are erased, and their count is recorded
        session.collect(wait=False, return_exceptions=True)
    status = session.status()
    session.detach()
    if arguments.json:
        say_json(stand(status))
    else:
        say(status)


def _extend(arguments: argparse.Namespace) -> None:
    from starburst._client.attaching import attach_session  # noqa: PLC0415 - slow to import

    if not 0 < arguments.hours <= _MOST_HOURS:
        raise ConfigurationError(
            f"--hours {arguments.hours:g} is not a number of hours above 0, and up to "
            f"{_MOST_HOURS:,}"
        )
    session = attach_session(
        connected(arguments), arguments.session, progress=False, count_only=True
    )
    end = session.extend(int(arguments.hours * 3600))
    session.detach()
    if arguments.json:
        say_json({"session": arguments.session, "deadline": end})
        return
    say(f"{arguments.session} ends by {time.strftime('%Y-%m-%d %H:%M', time.localtime(end))}.")
