"""Show what is used of every total, what is frozen and who waits: ``python -m deploy.totals`` (A1).

The numbers are those by which the controller refuses: money counts what was spent and the most that
running sessions may still spend.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from deploy.incident.command import Clients, Scope, conclude, options, say, scope, shown
from deploy.spending.officers import EVERYTHING, ask, freezes, queue, scopes
from starburst_constructs.policies.incident_response import freezer_document

__all__ = ["main"]

_MOST_WAITING: Final = 20


def main(arguments: Sequence[str] | None = None, *, clients: Clients | None = None) -> int:
    """Ask and print; return the process's exit code.

    Args:
        arguments: of the command line.
        clients: made of the shell's credentials without it.
    """
    words = _options().parse_args(arguments)
    return conclude("totals", lambda: _work(words, clients))


def _work(words: argparse.Namespace, clients: Clients | None) -> None:
    about = scope(words)
    if words.permission:
        shown(freezer_document(about.environment.name, placement=about.placement))
        return
    clients = clients or about.clients()
    asked = about.workspaces[0] if len(about.workspaces) == 1 and not about.whole else None
    answer = ask(about, clients, "totals", workspace=asked)
    if words.json:
        shown(answer)
        return
    for line in _told(about, answer):
        say(line)


def _told(about: Scope, answer: Mapping[str, Any]) -> Iterator[str]:
    for one in scopes(answer):
        if one.scope != "workspace" or one.name in about.workspaces:
            yield str(one)
    for frozen in freezes(answer):
        if frozen.workspace == EVERYTHING or frozen.workspace in about.workspaces:
            yield str(frozen)
    waiting = [one for one in queue(answer) if one.workspace in about.workspaces]
    yield from map(str, waiting[:_MOST_WAITING])
    if len(waiting) > _MOST_WAITING:
        yield f"{len(waiting) - _MOST_WAITING:,} more wait: --json prints all"


def _options() -> argparse.ArgumentParser:
    parser = options(
        "totals", "Show what is used of every total, frozen and waited for.", user=False
    )
    parser.add_argument("--json", action="store_true", help="print what the controller answered")
    return parser
