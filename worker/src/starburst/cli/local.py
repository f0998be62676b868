"""``starburst local``: run a command with a local environment."""

from __future__ import annotations

import argparse
from typing import Any

from .where import add_command

__all__ = ["add_local"]


def add_local(commands: Any) -> None:  # noqa: ANN401 - argparse names the type with an underscore
    """Add the command."""
    command = add_command(
        commands, "local", _local, "run a command with a local environment: starburst local -- CMD"
    )
    command.add_argument(
        "--unkind",
        type=int,
        metavar="SEED",
        help="be as slow, busy and late as AWS documents itself to be; the same seed is the same",
    )
    command.add_argument(
        "--strict",
        action="store_true",
        default=None,
        help="have workers see what AWS's would: the image's packages, those that travel, and the "
        "memory that they have",
    )
    command.add_argument("command", nargs=argparse.REMAINDER, metavar="CMD …")


def _local(arguments: argparse.Namespace) -> int:
    from starburst.local.running import run  # noqa: PLC0415 - an optional extra, and slow to import

    return run(arguments.command, unkind=arguments.unkind, strict=arguments.strict)
