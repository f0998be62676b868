"""From the command line to calls; every import that takes time waits for its command."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from starburst.errors import ConfigurationError, SessionNotFound, StarburstError
from starburst.untrusted.terminal_text import many_lines, one_line, tell

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst.aws.cost_tag import CostTag

__all__ = ["main"]

_MOST_HOURS: Final = 24 * 366 * 10
_USAGE_ERROR: Final = 2
_SIGNALLED: Final = 128
_INTERRUPTED: Final = _SIGNALLED + 2
_PIPE_CLOSED: Final = _SIGNALLED + 13


def main(command_line: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: 0 done, 1 refused or failed, 2 wrong usage."""
    parser = _parser()
    arguments = parser.parse_args(command_line)
    if arguments.run is None:
        parser.print_help()
        return _USAGE_ERROR
    try:
        code = int(arguments.run(arguments) or 0)
        sys.stdout.flush()
        return code
    except StarburstError as error:
        # Some of ours have several lines; none that is quoted may begin one.
        tell(f"starburst: {many_lines(error)}".replace("\n", "\n  "), sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # the reader has closed the pipe, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="starburst",
        description="Look after bursts in a Starburst environment.",
        epilog="Arguments win over STARBURST_ENVIRONMENT, STARBURST_WORKSPACE and STARBURST_USER.",
    )
    parser.add_argument("--version", action="version", version=_version())
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="")

    command = _command(commands, "sessions", _sessions, "list your sessions, newest first")
    _where(command)

    command = _command(commands, "status", _status, "say how a session stands, and why it waits")
    command.add_argument("session")
    _where(command)

    command = _command(commands, "extend", _extend, "move a session's end")
    command.add_argument("session")
    command.add_argument("--hours", type=float, default=1, help="from now, at least (default 1)")
    _where(command)

    command = _command(commands, "stop", _stop, "stop a session's workers; results are kept")
    command.add_argument("session")
    command.add_argument("--erase", action="store_true", help="erase all its objects as well")
    _where(command)

    command = _command(commands, "estimate", _estimate, "say what a fleet costs, before it runs")
    command.add_argument("--workers", type=int, required=True)
    command.add_argument("--cpu", type=float, default=1, help="vCPU of each (default 1)")
    command.add_argument("--memory", type=float, default=4, help="GB of each (default 4)")
    command.add_argument("--hours", type=float, required=True)
    command.add_argument("--region", help="whose prices (default us-east-1)")
    command.add_argument("--capacity", choices=("on-demand", "spot", "mixed"), default="on-demand")
    command.add_argument("--architecture", choices=("x86_64", "arm64"), default="x86_64")
    command.add_argument("--scratch-gb", type=int, help="disk of each (default 20, which is free)")

    command = _command(commands, "doctor", _doctor, "check that this machine could burst")
    _where(command)

    command = _command(
        commands, "local", _local, "run a command with a local environment: starburst local -- CMD"
    )
    command.add_argument(
        "--unkind",
        type=int,
        metavar="SEED",
        help="be as slow, busy and late as AWS documents itself to be; the same seed is the same",
    )
    command.add_argument("command", nargs=argparse.REMAINDER, metavar="CMD …")
    return parser


def _command(
    commands: Any,  # noqa: ANN401 - argparse names the type of subparsers with an underscore
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    text: str,
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command


def _where(command: argparse.ArgumentParser) -> None:
    command.add_argument("--environment", "-e")
    command.add_argument("--workspace", "-w")
    command.add_argument("--user")
    command.add_argument("--profile")


def _connect(arguments: argparse.Namespace) -> Connection:
    from starburst._client.access.connection import connect  # noqa: PLC0415 - slow to import

    return connect(
        arguments.environment, arguments.workspace, user=arguments.user, profile=arguments.profile
    )


def _version() -> str:
    from starburst import __version__  # noqa: PLC0415 - kept together with its use

    return f"starburst {__version__}"


def _sessions(arguments: argparse.Namespace) -> None:
    from starburst._client.attaching import list_sessions  # noqa: PLC0415 - slow to import
    from starburst._client.display.progress import dollars  # noqa: PLC0415 - slow to import

    connection = _connect(arguments)
    found = list_sessions(connection)
    if not found:
        _say(f"{connection.user} has no sessions in workspace {connection.workspace}.")
        return
    _say(f"{'SESSION':20}  {'STARTED':16}  {'STATE':8}  {'WORKERS':>9}  {'COST':>8}  REASON")
    for summary in found:
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.created))
        status = summary.status
        running = "-" if status is None else f"{status.workers_running}/{status.workers_wanted}"
        cost = "-" if status is None else dollars(status.usd)
        reason = "" if status is None else status.reason
        _say(f"{summary.id}  {started}  {summary.state:8}  {running:>9}  {cost:>8}  {reason}")


def _status(arguments: argparse.Namespace) -> None:
    from starburst._client.attaching import attach_session  # noqa: PLC0415 - slow to import

    session = attach_session(
        _connect(arguments), arguments.session, progress=False, count_only=True
    )
    session.collect(wait=False, return_exceptions=True)
    _say(str(session.status()))
    session.detach()


def _extend(arguments: argparse.Namespace) -> None:
    from starburst._client.attaching import attach_session  # noqa: PLC0415 - slow to import

    if not 0 < arguments.hours <= _MOST_HOURS:
        raise ConfigurationError(
            f"--hours {arguments.hours:g} is not a number of hours above 0, and up to "
            f"{_MOST_HOURS:,}"
        )
    session = attach_session(
        _connect(arguments), arguments.session, progress=False, count_only=True
    )
    end = session.extend(int(arguments.hours * 3600))
    session.detach()
    _say(f"{arguments.session} ends by {time.strftime('%Y-%m-%d %H:%M', time.localtime(end))}.")


def _stop(arguments: argparse.Namespace) -> None:
    from starburst._client.access.controller import Control  # noqa: PLC0415 - slow to import
    from starburst._client.attaching import session_keys  # noqa: PLC0415 - slow to import
    from starburst._client.ending.erase import erase  # noqa: PLC0415 - slow to import
    from starburst._client.ending.stopped_workers import wait_until_workers_left  # noqa: PLC0415 - slow to import

    connection = _connect(arguments)
    keys = session_keys(connection, arguments.session)
    control = Control(connection, keys)
    try:
        control.stop()
        _say(f"{arguments.session} is stopped.")
    except SessionNotFound:  # it never began, or ended long ago: its objects are all there is
        _say(f"The controller knows no session {arguments.session}: nothing of it runs.")
    if arguments.erase:
        if not wait_until_workers_left(connection, keys, control):
            _say("Workers are still there and may write once more: erase again in a few minutes.")
        _say(f"{erase(connection, keys):,} object versions erased.")


def _say(text: str) -> None:
    """Print a line; whatever is quoted in it, it stays one."""
    tell(one_line(text), sys.stdout)


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
    tell(many_lines(found), sys.stdout)


def _doctor(arguments: argparse.Namespace) -> int:
    from .doctor import examine  # noqa: PLC0415 - slow to import

    sound = True
    ask = partial(_cost_tag, arguments.profile)
    for finding in examine(lambda: _connect(arguments), cost_tag=ask):
        sound = sound and finding.sound
        _say(f"{'ok  ' if finding.sound else 'FIX '}  {finding.text}")
    return 0 if sound else 1


def _cost_tag(profile: str | None) -> CostTag:
    import boto3  # noqa: PLC0415 - slow to import

    from starburst.aws.cost_tag import billing, look_at_cost_tag  # noqa: PLC0415 - likewise
    from starburst.contract import WORKSPACE_TAG  # noqa: PLC0415 - kept together with its use

    client = billing(boto3.session.Session(profile_name=profile))
    return look_at_cost_tag(client, WORKSPACE_TAG)


def _local(arguments: argparse.Namespace) -> int:
    from starburst.local.running import run  # noqa: PLC0415 - an optional extra, and slow to import

    return run(arguments.command, unkind=arguments.unkind)
