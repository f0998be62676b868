"""The command that asks the doctor: a line for each finding, and its fix below it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from starburst.cli.saying import add_json, say, say_json
from starburst.cli.where import add_command, add_where, connected

if TYPE_CHECKING:
    import argparse

    from starburst.aws.cost_tag import CostTag

    from .finding import Finding

__all__ = ["add_doctor"]

_INDENT = " " * 6


def add_doctor(commands: Any) -> None:  # noqa: ANN401 - argparse names the type with an underscore
    """Add the command."""
    command = add_command(commands, "doctor", _doctor, "check that this machine could burst")
    add_json(command, "a JSON object a line")
    add_where(command, steward=True)


def _doctor(arguments: argparse.Namespace) -> int:
    from starburst.cli import doctor  # noqa: PLC0415 - slow to import

    sound = True
    ask = partial(_cost_tag, arguments.profile)
    for finding in doctor.examine(
        lambda: connected(arguments),
        cost_tag=ask,
        beforehand=_beforehand(arguments),
        profile=arguments.profile,
    ):
        sound = sound and finding.sound
        if arguments.json:
            say_json(finding.to_data())
            continue
        say(f"{'ok  ' if finding.sound else 'FIX '}  {finding.text}", indent=_INDENT)
        if finding.fix:
            say(f"{_INDENT}-> {finding.fix}", indent=f"{_INDENT}   ")
    return 0 if sound else 1


def _beforehand(arguments: argparse.Namespace) -> Iterator[Finding]:
    """Look at what an environment needs, wherever it is: a login for AWS, or the local extra."""
    from starburst._client.access.connection import LOCAL  # noqa: PLC0415 - slow to import

    from .local_extra import look_at_local_extra  # noqa: PLC0415 - likewise
    from .login import look_at_login  # noqa: PLC0415 - likewise

    name = arguments.environment or os.environ.get("STARBURST_ENVIRONMENT") or LOCAL
    if name == LOCAL:
        yield look_at_local_extra()
    else:
        yield from look_at_login(arguments.profile)


def _cost_tag(profile: str | None) -> CostTag:
    import boto3  # noqa: PLC0415 - slow to import

    from starburst.aws.cost_tag import billing, look_at_cost_tag  # noqa: PLC0415 - likewise
    from starburst.contract import COST_TAG  # noqa: PLC0415 - kept together with its use

    client = billing(boto3.session.Session(profile_name=profile))
    return look_at_cost_tag(client, COST_TAG)
