"""From the command line to calls; every import that takes time waits for its command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final

from starburst.errors import StarburstError

from .admin.command import add_admin
from .completion import add_completion
from .costs import add_costs
from .doctor.command import add_doctor
from .ending import add_ending
from .files import add_data, add_home
from .local import add_local
from .logs import add_logs
from .packages import add_packages
from .report import add_report
from .results.command import add_results
from .saying import complain, say_json
from .sessions import add_sessions

__all__ = ["main"]

_USAGE_ERROR: Final = 2
_SIGNALLED: Final = 128
_INTERRUPTED: Final = _SIGNALLED + 2
_PIPE_CLOSED: Final = _SIGNALLED + 13
_CODES: Final = (
    "Exit codes: 0 done; 1 refused or failed; 2 wrong usage; 3 some tasks failed; 4 some are not "
    "done yet; 130 interrupted."
)


def main(command_line: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code, as the help lists them."""
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
        if getattr(arguments, "json", False):
            say_json({"error": type(error).__name__, "message": str(error)}, sys.stderr)
        else:
            complain(error)
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
        epilog="Arguments win over STARBURST_ENVIRONMENT, STARBURST_WORKSPACE and STARBURST_USER. "
        + _CODES,
    )
    parser.add_argument("--version", action="version", version=_version())
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for add in (
        add_sessions,
        add_logs,
        add_report,
        add_results,
        add_ending,
        add_costs,
        add_packages,
        add_doctor,
        add_data,
        add_home,
        add_local,
        add_admin,
    ):
        add(commands)
    add_completion(commands, parser)
    return parser


def _version() -> str:
    from starburst import __version__  # noqa: PLC0415 - kept together with its use

    return f"starburst {__version__}"
