"""``starburst attach`` and ``collect``: watch a session's tasks, and bring their results here."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from starburst.cli.saying import add_json, complain, say, say_json
from starburst.cli.sessions import stand
from starburst.cli.where import add_command, add_where, connected
from starburst.errors import ConfigurationError
from starburst.untrusted.terminal_text import one_line, tell

from .files import STDOUT, Count, check_out, write_results

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from starburst._client.session_core import SessionCore

__all__ = ["add_results"]

_TASKS_FAILED: Final = 3
_NOT_DONE: Final = 4


def add_results(commands: Any) -> None:  # noqa: ANN401 - argparse names the type with an underscore
    """Add the two commands."""
    command = add_command(
        commands, "attach", _attach, "watch a session until its tasks are done; Ctrl-C lets it go"
    )
    command.add_argument("session")
    _add_timeout(command)
    add_json(command, "how it stands then as a JSON object")
    add_where(command)

    command = add_command(commands, "collect", _collect, "bring a session's results here")
    command.add_argument("session")
    command.add_argument(
        "--out",
        "-o",
        default=STDOUT,
        metavar="FILE",
        help="a .jsonl, .csv, .parquet or .pickle file (default: JSON lines to standard output)",
    )
    command.add_argument("--force", action="store_true", help="replace a file that is there")
    command.add_argument("--no-wait", action="store_true", help="take what is done by now")
    _add_timeout(command)
    add_json(command, "how many results that were as a JSON object")
    add_where(command)


def _add_timeout(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="to wait at most (default: no end)"
    )


def _attach(arguments: argparse.Namespace) -> int:
    from starburst._client.attaching import attach_core  # noqa: PLC0415 - slow to import
    from starburst._client.packages.renewing import renew  # noqa: PLC0415 - slow to import

    seconds = _seconds(arguments.timeout)
    connection = connected(arguments)
    core = attach_core(connection, arguments.session, count_only=True)
    renew(connection, core.manifest)
    core.wait_for_room()
    try:
        done = _wait(core, seconds)
        core.control.refresh()
        status = core.status(core.statuses.read())
    finally:
        _let_go(core)
    if arguments.json:
        say_json(stand(status))
    else:
        say(status)
    if not done:
        return _NOT_DONE
    return _TASKS_FAILED if status.tasks.failed or status.tasks.cancelled else 0


def _collect(arguments: argparse.Namespace) -> int:
    from starburst._client.attaching import attach_core  # noqa: PLC0415 - slow to import
    from starburst._client.reporting.kept import check_kept  # noqa: PLC0415 - likewise

    if arguments.out == STDOUT and arguments.json:
        raise ConfigurationError(
            "--json without --out: standard output has the results then, which are JSON lines"
        )
    check_out(arguments.out, replace=arguments.force)
    seconds = 0 if arguments.no_wait else _seconds(arguments.timeout)
    core = attach_core(connected(arguments), arguments.session)
    try:
        check_kept(core)
        done = _wait(core, seconds)
        if not done and not arguments.no_wait:
            _say_what_is_left(core, f"after {seconds:g} s")
            return _NOT_DONE
        count = write_results(arguments.out, _ended(core))
    finally:
        _let_go(core)
    _tell(arguments, count)
    if count.left:
        return _NOT_DONE
    return _TASKS_FAILED if count.failed or count.cancelled else 0


def _seconds(given: float | None) -> float:
    if given is None:
        return threading.TIMEOUT_MAX
    if not 0 <= given <= threading.TIMEOUT_MAX:
        raise ConfigurationError(f"--timeout {given:g} is not a number of seconds from 0 on")
    return given


def _wait(core: SessionCore, seconds: float) -> bool:
    """Wait for all tasks; False where some are not done."""
    total = len(core.tasks)
    try:
        done = bool(core.tasks.wait(seconds, lambda: core.tasks.all_done(total)))
        if not done:
            core.collector.catch_up()
            done = core.tasks.all_done(total)
    except KeyboardInterrupt:
        tell(
            one_line(
                f"{core.id} goes on without you, and costs: `starburst attach {core.id}` shows it "
                f"again, `starburst cleanup {core.id}` ends it"
            ),
            sys.stderr,
        )
        raise
    core.display.rest()
    return done


def _let_go(core: SessionCore) -> None:
    from starburst.errors import SessionEnded  # noqa: PLC0415 - kept together with its use

    core.detach(SessionEnded("detached"))


def _ended(core: SessionCore) -> Iterator[tuple[int, object, BaseException | None, bool]]:
    """Yield each task: its number, result, why it failed, and whether it is done at all."""
    from concurrent.futures import CancelledError  # noqa: PLC0415 - slow to import

    for number, future in enumerate(core.futures):
        if not future.done():
            yield number, None, None, False
            continue
        try:
            error = future.exception()
        except CancelledError as cancelled:
            error = cancelled
        yield number, None if error is not None else future.result(), error, True


def _say_what_is_left(core: SessionCore, when: str) -> None:
    tally = core.tasks.tally
    complain(
        f"{tally.done:,} of {tally.total:,} tasks of session {core.id} are done {when}; the rest "
        "goes on. Collect again later, or what there is with --no-wait"
    )


def _tell(arguments: argparse.Namespace, count: Count) -> None:
    if arguments.json:
        say_json({"session": arguments.session, "out": arguments.out, **count.to_data()})
        return
    stream = sys.stderr if arguments.out == STDOUT else sys.stdout
    if arguments.out != STDOUT or count.results != count.total:
        tell(one_line(f"{arguments.session}: {count}"), stream)
