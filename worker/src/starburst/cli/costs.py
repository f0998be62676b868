"""``starburst estimate`` and ``quota``: what a burst costs, and what one may have."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from starburst.errors import StarburstError
from starburst.untrusted.terminal_text import one_line, tell

from .saying import add_json, say, say_json, say_table, say_text
from .where import add_command, add_where, connected

if TYPE_CHECKING:
    import argparse

    from starburst._client.access.connection import Connection
    from starburst._client.access.totals import HeldBySession, HeldByWorkspace, HeldTotals

__all__ = ["add_costs"]

_TOTALS: Final = {
    "sessions": "sessions at once",
    "workers": "workers at once",
    "vcpu": "vCPU",
    "memory_gb": "GB of memory",
    "usd_per_hour": "$ an hour",
    "usd_per_day": "$ a day",
    "usd_per_month": "$ a month",
}
_NONE: Final = "-"
_MOST_SESSIONS: Final = 20


def add_costs(commands: Any) -> None:  # noqa: ANN401 - argparse names the type with an underscore
    """Add the two commands."""
    command = add_command(commands, "estimate", _estimate, "say what a fleet costs, before it runs")
    command.add_argument("--workers", type=int, required=True)
    command.add_argument("--cpu", type=float, default=1, help="vCPU of each (default 1)")
    command.add_argument(
        "--memory",
        type=_memory,
        default=4,
        help="of each, such as 8GB or 512MB; GB where no unit is named (default 4)",
    )
    command.add_argument("--hours", type=float, required=True)
    command.add_argument("--region", help="whose prices (default us-east-1)")
    command.add_argument("--capacity", choices=("on-demand", "spot", "mixed"), default="on-demand")
    command.add_argument("--architecture", choices=("x86_64", "arm64"), default="x86_64")
    command.add_argument("--scratch-gb", type=int, help="disk of each (default 20, which is free)")
    add_json(command)

    command = add_command(
        commands, "quota", _quota, "say what sessions may have, and who has what now"
    )
    add_json(command)
    add_where(command)


def _memory(text: str) -> float | str:
    """Return a number of GB, or text that has a unit and that Python's own option reads."""
    try:
        return float(text)
    except ValueError:
        return text


def _estimate(arguments: argparse.Namespace) -> None:
    from starburst._client.estimating import estimate  # noqa: PLC0415 - slow to import

    found = estimate(
        workers=arguments.workers,
        cpu=arguments.cpu,
        memory=arguments.memory,
        hours=arguments.hours,
        region=arguments.region,
        capacity=arguments.capacity,
        architecture=arguments.architecture,
        scratch_gb=arguments.scratch_gb,
    )
    if arguments.json:
        say_json({**asdict(found), "breakdown": dict(found.breakdown)})
    else:
        say_text(found)


def _quota(arguments: argparse.Namespace) -> None:
    from starburst._client.access.totals import ask_totals  # noqa: PLC0415 - slow to import

    connection = connected(arguments)
    held, unknown = None, ""
    try:
        held = ask_totals(connection)
    except StarburstError as error:
        unknown = str(error)
    if arguments.json:
        say_json(_as_data(connection, held, unknown))
        return
    used = _used(connection) if held is None else asdict(held.person)
    say_table(*_quotas(connection, held, used))
    limits = connection.limits
    say(
        f"A session may last {limits.timeout_seconds / 3600:g} hours, a worker have "
        f"{limits.scratch_gb} GB of disk, and results be pickled: "
        f"{'yes' if limits.pickle_results else 'no'}. Of each pair the first is used, or may be by "
        "sessions that run, and the second is what there is in total."
    )
    if held is None:
        say(
            f"Yours are those of {connection.workspace} alone, without money; what others use is "
            f"not known: {unknown}"
        )
    else:
        _say_holders(connection, held)


def _as_data(connection: Connection, held: HeldTotals | None, unknown: str) -> dict[str, Any]:
    document = connection.document
    return {
        "environment": document.environment,
        "workspace": connection.workspace,
        "user": connection.user,
        "session": asdict(connection.limits),
        "yours": asdict(document.user_totals),
        "in_use": _used(connection) if held is None else asdict(held.person),
        "workspace_total": asdict(document.workspaces[connection.workspace].totals),
        "environment_total": asdict(document.totals),
        "held": None if held is None else held.to_data(),
        "unknown": unknown or None,
    }


def _quotas(
    connection: Connection, held: HeldTotals | None, mine: dict[str, float]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the table of what one session, one's own, the workspace's and all of them may use."""
    document, workspace = connection.document, connection.workspace
    head = ("OF", "A SESSION", "ALL OF YOURS", "THE WORKSPACE", "EVERYONE")
    columns = (
        (mine, document.user_totals),
        (None if held is None else asdict(held.workspace), document.workspaces[workspace].totals),
        (None if held is None else asdict(held.environment), document.totals),
    )
    rows = [
        (
            words,
            _amount(getattr(connection.limits, name, None)),
            *(_pair(used, name, getattr(totals, name)) for used, totals in columns),
        )
        for name, words in _TOTALS.items()
    ]
    return head, rows


def _pair(used: dict[str, float] | None, name: str, allowed: float) -> str:
    there = None if used is None else used.get(name)
    return f"{_amount(there)}/{_amount(allowed)}"


def _say_holders(connection: Connection, held: HeldTotals) -> None:
    """Name the sessions that hold what is used, and the other workspaces."""
    if held.frozen is not None:
        say(one_line(held.frozen))
    if held.waiting:
        say(f"{held.waiting:,} session{'s wait' if held.waiting != 1 else ' waits'} for room.")
    if held.sessions:
        tell("", sys.stdout)
        say_table(
            ("SESSION", "OF", "WORKERS", "VCPU", "GB", "$/HOUR", "ENDS BY"),
            [_holder(connection, each) for each in held.sessions[:_MOST_SESSIONS]],
        )
        more = len(held.sessions) - _MOST_SESSIONS
        if more > 0:
            say(f"and {more:,} smaller ones; --json has them")
    others = [each for each in held.workspaces if each.workspace != connection.workspace]
    if others:
        tell("", sys.stdout)
        say_table(
            ("OTHER WORKSPACE", "SESSIONS", "WORKERS", "VCPU", "GB", "$/HOUR"),
            [(each.workspace, _amount(each.sessions), *_size(each)) for each in others],
        )


def _holder(connection: Connection, each: HeldBySession) -> tuple[str, ...]:
    """Return a row; a session of another workspace is one's own, so that tells more."""
    of = each.user if each.workspace == connection.workspace else f"in {each.workspace}"
    end = time.strftime("%m-%d %H:%M", time.localtime(each.until))
    return (each.session, of, *_size(each), end)


def _size(each: HeldBySession | HeldByWorkspace) -> tuple[str, ...]:
    """Return the amounts that both tables have."""
    amounts = (each.workers, each.vcpu, each.memory_gb)
    return (*map(_amount, amounts), f"{each.usd_per_hour:,.2f}")


def _amount(value: float | None) -> str:
    return _NONE if value is None else f"{round(value, 2):,.10g}"


def _used(connection: Connection) -> dict[str, float]:
    """Return what the person's sessions that have not ended ask for in their manifests."""
    from starburst._client.attaching import list_sessions  # noqa: PLC0415 - slow to import

    active = [
        each.manifest for each in list_sessions(connection) if each.state in ("starting", "running")
    ]
    return {
        "sessions": len(active),
        "workers": sum(each.workers for each in active),
        "vcpu": math.fsum(each.workers * each.cpu for each in active),
        "memory_gb": math.fsum(each.workers * each.memory_gb for each in active),
    }
