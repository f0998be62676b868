"""Where a command acts: the arguments that say it, and the connection that they make."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

    from starburst._client.access.connection import Connection

__all__ = ["add_command", "add_where", "connected"]


def add_command(
    commands: Any,  # noqa: ANN401 - argparse names the type of subparsers with an underscore
    name: str,
    run: Callable[[argparse.Namespace], int | None] | None,
    text: str,
    *others: str,
) -> argparse.ArgumentParser:
    """Add a command named so that `run` does, or, without one, that has commands of its own.

    Args:
        commands: to which it is added.
        name: what people type.
        run: returns its exit code, or None for 0.
        text: says what it does.
        others: names that it has too.
    """
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text, aliases=others
    )
    if run is not None:
        command.set_defaults(run=run)
    return command


def add_where(command: argparse.ArgumentParser, *, steward: bool = False) -> None:
    """Let a command be told its environment, workspace, user and profile.

    Args:
        command: its parser.
        steward: whether it has something to do for a steward too.
    """
    command.add_argument("--environment", "-e")
    command.add_argument("--workspace", "-w")
    command.add_argument("--user")
    command.add_argument("--profile")
    if steward:
        command.add_argument(
            "--steward",
            action="store_true",
            help="act as the workspace's steward; in AWS, by a --profile with that role",
        )


def connected(arguments: argparse.Namespace) -> Connection:
    """Connect as a command's arguments say, then the variables, then the parameter."""
    from starburst._client.access.connection import connect  # noqa: PLC0415 - slow to import

    return connect(
        arguments.environment,
        arguments.workspace,
        user=arguments.user,
        profile=arguments.profile,
        steward=getattr(arguments, "steward", False),
    )
