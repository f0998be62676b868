"""``starburst cancel`` and ``cleanup``: end a session's tasks, its workers, all that is of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starburst.errors import ConfigurationError, SessionNotFound

from .saying import add_json, say, say_json
from .where import add_command, add_where, connected

if TYPE_CHECKING:
    import argparse

    from starburst._client.session import Session

__all__ = ["add_ending"]


def add_ending(commands: Any) -> None:  # noqa: ANN401 - argparse names the type with an underscore
    """Add the two commands."""
    command = add_command(commands, "cancel", _cancel, "cancel tasks; workers and results stay")
    command.add_argument("session")
    command.add_argument(
        "--task",
        type=int,
        action="append",
        metavar="N",
        help="only task N, counted from 0; may be given again (default: all that are not done)",
    )
    add_json(command)
    add_where(command)

    command = add_command(
        commands, "cleanup", _clean_up, "end a session's workers; results are kept", "stop"
    )
    command.add_argument("session")
    command.add_argument(
        "--erase", action="store_true", help="erase all that it holds too, results as well"
    )
    add_json(command)
    add_where(command)


def _cancel(arguments: argparse.Namespace) -> None:
    from starburst._client.attaching import attach_session  # noqa: PLC0415 - slow to import

    session = attach_session(
        connected(arguments), arguments.session, progress=False, count_only=True
    )
    try:
        count = session.cancel(_named(session, arguments.task))
    finally:
        session.detach()
    if arguments.json:
        say_json({"session": arguments.session, "cancelled": count})
        return
    tasks = "1 task is" if count == 1 else f"{count:,} tasks are"
    say(f"{tasks} cancelled; what was done before stays. `starburst cleanup` ends the workers.")


def _named(session: Session, numbers: list[int] | None) -> list[Any] | None:
    if numbers is None:
        return None
    futures = session.futures
    for number in numbers:
        if not 0 <= number < len(futures):
            raise ConfigurationError(
                f"--task {number}: session {session.id} has {len(futures):,} tasks, counted from 0"
            )
    return [futures[number] for number in numbers]


def _clean_up(arguments: argparse.Namespace) -> None:
    from starburst._client.access.controller import Control  # noqa: PLC0415 - slow to import
    from starburst._client.attaching import session_keys  # noqa: PLC0415 - slow to import
    from starburst._client.ending.erase import erase  # noqa: PLC0415 - slow to import
    from starburst._client.ending.stopped_workers import wait_until_workers_left  # noqa: PLC0415 - slow to import

    connection = connected(arguments)
    keys = session_keys(connection, arguments.session)
    control = Control(connection, keys)
    known, left, erased = True, True, None
    try:
        control.stop()
    except SessionNotFound:  # it never began, or ended long ago: its objects are all there is
        known = False
    if not arguments.json:
        say(
            f"{arguments.session} is stopped."
            if known
            else f"The controller knows no session {arguments.session}: nothing of it runs."
        )
    if arguments.erase:
        left = wait_until_workers_left(connection, keys, control)
        if not (left or arguments.json):
            say("Workers are still there and may write once more: erase again in a few minutes.")
        erased = erase(connection, keys)
    if arguments.json:
        say_json(
            {
                "session": arguments.session,
                "known": known,
                "erased": erased,
                "may_write_once_more": not left,
            }
        )
    elif erased is not None:
        say(f"{erased:,} object versions erased.")
