"""Rotate the keys of an environment on demand: ``python -m deploy.credentials.rotate`` (A4).

KMS rotates them each year by itself. What was encrypted before stays readable: KMS keeps the older
material, so a rotation ends nobody's access. It bounds what one piece of key material encrypts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from deploy.incident.command import (
    Clients,
    IncidentError,
    Scope,
    apply_options,
    conclude,
    find_environment,
    runtime,
    say,
    shown,
)
from deploy.incident.steps import Steps
from starburst_constructs.identity.credentials import rotator_document

__all__ = ["main"]

_COMMAND = "credentials.rotate"
_MOST = 25
"""Rotations on demand that KMS allows a key in its life.
https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys-on-demand.html
"""


def rotate(kms: Any, key: str, steps: Steps) -> None:  # noqa: ANN401 - any client of boto3
    """Rotate one key, unless KMS is at it already."""
    if kms.get_key_rotation_status(KeyId=key).get("OnDemandRotationStartDate") is not None:
        say(f"{key} is being rotated already")
        return
    if steps.take(f"rotate {key}", lambda: kms.rotate_key_on_demand(KeyId=key)) is not None:
        say(f"{key} is being rotated; kms list-key-rotations shows it when it is done")


def main(arguments: Sequence[str] | None = None, *, clients: Clients | None = None) -> int:
    """Show or rotate; return the process's exit code.

    Args:
        arguments: of the command line.
        clients: made of the shell's credentials without it.
    """
    words = _options().parse_args(arguments)
    return conclude(_COMMAND, lambda: _work(words, clients))


def _work(words: argparse.Namespace, clients: Clients | None) -> None:
    about = Scope(environment=find_environment(words.environment), workspaces=(), whole=True)
    clients = clients or about.clients()
    key = runtime(about.environment, clients).key_arn
    if words.permission:
        shown(rotator_document([key]))
        return
    kms = clients("kms")
    done = sum(
        one.get("RotationType") == "ON_DEMAND"
        for page in kms.get_paginator("list_key_rotations").paginate(KeyId=key)
        for one in page["Rotations"]
    )
    say(f"{key} was rotated on demand {done} times, of {_MOST} that KMS allows")
    if done >= _MOST:
        raise IncidentError(
            f"KMS rotates {key} on demand no more: {_MOST} times are all. It goes on each year"
        )
    if not words.apply:
        say("would rotate it: what it encrypted stays readable, by whom it was")
        say("Nothing was changed. Add --apply to do it.")
        return
    steps = Steps(_COMMAND)
    rotate(kms, key, steps)
    steps.end(f"the data key of {about.environment.name} is rotated")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m deploy.{_COMMAND}",
        description="Rotate the data key of an environment on demand.",
    )
    parser.add_argument("--environment", required=True, metavar="NAME")
    parser.add_argument("--permission", action="store_true", help="print the policy that allows it")
    apply_options(parser)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
