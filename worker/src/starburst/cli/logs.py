"""``starburst logs``: what a session's tasks printed."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from starburst.untrusted.terminal_text import tell

from .where import add_command, add_where, connected

if TYPE_CHECKING:
    import argparse

__all__ = ["add_logs"]


def add_logs(commands: Any) -> None:  # noqa: ANN401 - argparse names the type with an underscore
    """Add the command."""
    command = add_command(commands, "logs", _logs, "show what a session's tasks printed")
    command.add_argument("session")
    command.add_argument("--task", type=int, metavar="N", help="only task N, counted from 0")
    command.add_argument("--worker", metavar="W", help="only workers whose name begins so")
    command.add_argument(
        "--follow", "-f", action="store_true", help="go on until all tasks are done"
    )
    command.add_argument("--json", action="store_true", help="one JSON object a line")
    add_where(command)


def _logs(arguments: argparse.Namespace) -> None:
    from starburst._client.attaching import attach_session  # noqa: PLC0415 - slow to import

    session = attach_session(
        connected(arguments), arguments.session, progress=False, count_only=True
    )
    try:
        found = session.logs(arguments.task, arguments.worker, follow=arguments.follow)
        for line in found:
            if arguments.json:
                tell(json.dumps(line.to_data()), sys.stdout)
            else:
                tell(line.labelled if arguments.task is None else line.text, sys.stdout)
    finally:
        session.detach()
