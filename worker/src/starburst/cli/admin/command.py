"""``starburst admin sessions``, ``stop``, ``totals``, ``report`` and ``ages``."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starburst.cli.saying import add_json, complain, say, say_json, say_table
from starburst.cli.where import add_command
from starburst.errors import ConfigurationError
from starburst.untrusted.terminal_text import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starburst._client.admin.ages import Age
    from starburst._client.admin.office import Officer
    from starburst.admin import AdminSession, MonthlyReport, TotalsOverview

__all__ = ["add_admin"]

_MOST_ROWS: Final = 200
_A_MONTH: Final = 31


def add_admin(commands: Any) -> None:  # noqa: ANN401 - argparse names the type with an underscore
    """Add the command and its own commands."""
    parser = add_command(
        commands, "admin", None, "see and stop everybody's sessions: for officers, not analysts"
    )
    own = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command = _add(own, "sessions", _sessions, "list all sessions of all users, with their cost")
    command.add_argument(
        "--ended-since", type=_moment, metavar="TIME", help="also those that ended since this time"
    )
    command.add_argument("--workspace", "-w", help="only of this one")
    command.add_argument("--user", help="only of this analyst")

    command = _add(own, "stop", _stop, "end a session of anybody's; its results stay")
    command.add_argument("session", metavar="SESSION")
    command.add_argument("--why", required=True, help="its analyst reads it")

    command = _add(own, "totals", _totals, "say what is used of every total, and who holds it")
    command.add_argument("--workspace", "-w", help="only of this one")

    command = _add(own, "report", _report, "say what each analyst used in a month", json=False)
    command.add_argument("month", metavar="MONTH", help="such as 2026-11, by UTC")
    form = command.add_mutually_exclusive_group()
    add_json(form)  # type: ignore[arg-type] # a group takes options as a parser does
    form.add_argument("--csv", action="store_true", help="print CSV")
    form.add_argument("--html", metavar="FILE", help="write one page")

    _add(own, "ages", _ages, "say how old keys, images and credentials are, and which are due")


def _add(
    commands: Any,  # noqa: ANN401 - likewise
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    text: str,
    *,
    json: bool = True,
) -> argparse.ArgumentParser:
    command = add_command(commands, name, run, text)
    command.add_argument("--environment", "-e")
    command.add_argument("--profile")
    if json:
        add_json(command)
    return command


def _where(arguments: argparse.Namespace) -> Officer:
    return {"environment": arguments.environment, "profile": arguments.profile}


def _sessions(arguments: argparse.Namespace) -> int:
    from starburst import admin  # noqa: PLC0415 - slow to import

    found = admin.sessions(ended_since=arguments.ended_since, **_where(arguments))
    wanted = [
        one
        for one in found.sessions
        if arguments.workspace in (None, one.workspace) and arguments.user in (None, one.user)
    ]
    if arguments.json:
        said = {"sessions": [asdict(one) for one in wanted], "unread": dict(found.unread)}
        say_json({"at": found.at, **said})
        return _code(found.unread)
    if wanted:
        head = ("SESSION", "WORKSPACE", "USER", "STATE", "WORKERS", "STARTED", "HOURS", "USD")
        say_table(head, [_row(one) for one in wanted[:_MOST_ROWS]])
        if len(wanted) > _MOST_ROWS:
            say(f"and {len(wanted) - _MOST_ROWS:,} earlier ones; --json has them")
    else:
        say("No session runs.")
    return _code(found.unread, tell_them=True)


def _row(one: AdminSession) -> tuple[str, ...]:
    return (
        one.session,
        one.workspace,
        one.user,
        "waiting" if one.waiting else one.state,
        f"{one.running}/{one.workers}",
        time.strftime("%m-%d %H:%M", time.localtime(one.started)),
        f"{one.worker_seconds / 3600:,.1f}",
        f"{one.usd:,.2f}",
    )


def _stop(arguments: argparse.Namespace) -> None:
    from starburst import admin  # noqa: PLC0415 - slow to import

    found = admin.stop(arguments.session, why=arguments.why, **_where(arguments))
    if arguments.json:
        say_json(asdict(found))
        return
    say(
        f"Session {found.session} of {found.user} in {found.workspace}: {found.reason}. It cost "
        f"{found.usd:,.2f} USD so far; its workers stop within a minute, and its results stay."
    )


def _totals(arguments: argparse.Namespace) -> None:
    from starburst import admin  # noqa: PLC0415 - slow to import

    found = admin.totals(workspace=arguments.workspace, **_where(arguments))
    if arguments.json:
        say_json(asdict(found))
        return
    for scope in found.scopes:
        say(str(scope))
    _say_holders(found)
    for line in (*found.frozen, *found.waiting):
        say(line)


def _say_holders(found: TotalsOverview) -> None:
    from starburst._client.admin.totals import in_short  # noqa: PLC0415 - slow to import

    if not found.holders:
        say("No session holds any of it.")
        return
    say_table(
        ("SESSION", "WORKSPACE", "USER", "WORKERS", "VCPU", "GB", "$/HOUR", "ENDS BY"),
        [
            (
                one.session,
                one.workspace,
                one.user,
                *map(in_short, (one.workers, one.vcpu, one.memory_gb)),
                f"{one.usd_per_hour:,.2f}",
                time.strftime("%m-%d %H:%M", time.localtime(one.until)),
            )
            for one in found.holders[:_MOST_ROWS]
        ],
    )
    if len(found.holders) > _MOST_ROWS:
        say(f"and {len(found.holders) - _MOST_ROWS:,} smaller ones; --json has them")


def _report(arguments: argparse.Namespace) -> int:
    from starburst import admin  # noqa: PLC0415 - slow to import

    found = admin.report(arguments.month, **_where(arguments))
    if arguments.json:
        tell(found.to_json(), sys.stdout)
        return _code(found.unread)
    if arguments.csv:
        tell(found.to_csv().rstrip("\n"), sys.stdout)
    elif arguments.html is not None:
        say(_written(found, Path(arguments.html)))
    else:
        _say_report(found)
    return _code(found.unread, tell_them=True)


def _written(found: MonthlyReport, path: Path) -> str:
    try:
        path.write_text(found.to_html(), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written ({error}); name another") from error
    return f"{path} shows {found.month} of {found.environment}"


def _say_report(found: MonthlyReport) -> None:
    from starburst._client.admin.measured import REFUSED  # noqa: PLC0415 - slow to import

    if found.rows:
        say_table(
            ("WORKSPACE", "ANALYST", "SESSIONS", "RUNNING", "FAILED", "HOURS", "USD"),
            [
                (
                    row.workspace,
                    row.analyst,
                    *map(str, (row.sessions, row.still_running, row.failed)),
                    f"{row.worker_hours:,.1f}",
                    f"{row.usd_at_list_price:,.2f}",
                )
                for row in found.rows
            ],
        )
    else:
        say(f"No session began in {found.month}.")
    say(
        f"{found.usd:,.2f} USD at list price, of workers alone. A session counts whole for the "
        f"month in which it began.{'' if found.over else ' The month is not over.'}"
    )
    if found.measured is not None:
        say(
            f"{found.measured.usd:,.2f} USD by the events of workers that have stopped (job "
            f"metrics){': no row differs.' if not found.differences else '; they differ:'}"
        )
        for sentence in found.differences:
            say(f"- {sentence}.")
    elif found.unmeasured and not found.unmeasured.startswith(REFUSED):
        complain(f"job metrics were not read: {found.unmeasured}")


def _code(unread: Mapping[str, str], *, tell_them: bool = False) -> int:
    """Return the exit code: 1 where something could not be read, so that nobody takes it for all.

    Args:
        unread: why, by session.
        tell_them: whether to print the reasons, beside what was asked for.
    """
    for why in unread.values() if tell_them else ():
        complain(why)
    return 1 if unread else 0


def _ages(arguments: argparse.Namespace) -> int:
    from starburst import admin  # noqa: PLC0415 - slow to import

    found = admin.ages(**_where(arguments))
    if arguments.json:
        told = [{**asdict(one), "due": one.due, "days_left": one.days_left} for one in found.ages]
        say_json({"ages": told, "unread": list(found.unread)})
    else:
        if found.ages:
            say_table(
                ("WHICH", "KIND", "DAYS", "DUE AFTER", ""),
                [
                    (
                        one.name,
                        one.kind,
                        f"{one.days:,.0f}",
                        str(one.most_days),
                        _due(one),
                    )
                    for one in found.ages
                ],
            )
        for sentence in found.unread:
            say(sentence)
    return 1 if found.unread else 0


def _due(one: Age) -> str:
    """Return whether a thing is due, or will be before people look again: they do each month."""
    if one.due:
        return "due"
    return f"in {one.days_left:,.0f} days" if one.days_left <= _A_MONTH else ""


def _moment(text: str) -> datetime:
    """Read an ISO 8601 time; one without a zone is UTC."""
    try:
        when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time such as 2026-11-30 or 2026-11-30T12:00Z"
        ) from error
    return when if when.tzinfo else when.replace(tzinfo=UTC)
