"""``starburst report``: a page that shows how a session went."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from starburst.untrusted.terminal_text import one_line, tell

from .where import add_command, add_where, connected

if TYPE_CHECKING:
    import argparse

__all__ = ["add_report"]


def add_report(commands: Any) -> None:  # noqa: ANN401 - argparse names it with an underscore
    """Add ``report`` to the commands."""
    command = add_command(commands, "report", _report, "write a page that shows how a session went")
    command.add_argument("session")
    command.add_argument(
        "--out", metavar="FILE", help="where to (default starburst-SESSION.html, here)"
    )
    command.add_argument("--json", action="store_true", help="say where it is as JSON")
    add_where(command)


def _report(arguments: argparse.Namespace) -> None:
    from starburst._client.attaching import attach_session  # noqa: PLC0415 - slow to import

    session = attach_session(
        connected(arguments), arguments.session, progress=False, count_only=True
    )
    try:
        path = session.report(arguments.out)
    finally:
        session.detach()
    if arguments.json:
        said = json.dumps({"session": session.id, "report": str(path.absolute())})
    else:
        said = f"{path} shows how session {session.id} went."
    tell(one_line(said, most=10_000), sys.stdout)
