"""Disable an IAM user's keys and login: ``python -m deploy.credentials.disable`` (A4).

For environments whose people are ``MfaUsers``. All others are disabled at their identity provider.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from deploy.incident.command import (
    Clients,
    IncidentError,
    apply_options,
    caller,
    conclude,
    find_environment,
    say,
    shown,
    user_name,
    write_new,
)
from deploy.incident.steps import Steps
from stacks.settings import MfaUsers
from starburst.aws.calls import client_config
from starburst_constructs.identity.credentials import DENY_ALL, disabler_document

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

    from stacks.settings import Environment

__all__ = ["Credentials", "main"]

_COMMAND = "credentials.disable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a user signs in with.

    Attributes:
        user: their name.
        active: ids of access keys that work.
        login: whether they have a password for the console.
        denied: whether the denial is on them already.
    """

    user: str
    active: tuple[str, ...]
    login: bool
    denied: bool


def look(iam: IAMClient, user: str) -> Credentials:
    """Return what a user signs in with.

    Raises:
        IncidentError: there is no such user.
    """
    try:
        keys = [
            key
            for page in iam.get_paginator("list_access_keys").paginate(UserName=user)
            for key in page["AccessKeyMetadata"]
        ]
    except iam.exceptions.NoSuchEntityException as error:
        raise IncidentError(f"there is no IAM user {user}; nothing was done") from error
    return Credentials(
        user=user,
        active=tuple(key.get("AccessKeyId", "") for key in keys if key.get("Status") == "Active"),
        login=_has_login(iam, user),
        denied=any(
            one.get("PolicyArn") == DENY_ALL
            for page in iam.get_paginator("list_attached_user_policies").paginate(UserName=user)
            for one in page["AttachedPolicies"]
        ),
    )


def disable(iam: IAMClient, found: Credentials, steps: Steps) -> None:
    """Deny the user everything, then end each key and the login; twice is as good as once."""
    user = found.user
    steps.take(
        f"deny {user} everything",
        lambda: iam.attach_user_policy(UserName=user, PolicyArn=DENY_ALL),
    )
    for key in found.active:
        _switch(iam, user, key, "Inactive", steps)
    if found.login:
        steps.take(f"remove the login of {user}", lambda: iam.delete_login_profile(UserName=user))


def enable(iam: IAMClient, found: Credentials, keys: Sequence[str], steps: Steps) -> None:
    """Take the denial away and switch on the keys that worked before; a login is made by hand."""
    for key in keys:
        _switch(iam, found.user, key, "Active", steps)
    if found.denied:
        steps.take(
            f"take the denial from {found.user}",
            lambda: iam.detach_user_policy(UserName=found.user, PolicyArn=DENY_ALL),
        )


def main(arguments: Sequence[str] | None = None, *, clients: Clients | None = None) -> int:
    """Show, disable or enable; return the process's exit code.

    Args:
        arguments: of the command line.
        clients: made of the shell's credentials without it.
    """
    words = _options().parse_args(arguments)
    return conclude(_COMMAND, lambda: _work(words, clients))


def _work(words: argparse.Namespace, clients: Clients | None) -> None:
    environment = find_environment(words.environment)
    users = environment.identity
    if not isinstance(users, MfaUsers):
        raise IncidentError(
            f"people of {environment.name} come by a {type(users).__name__}: disable them there, "
            f"and end their sessions here with python -m deploy.revoke. Nothing was done"
        )
    if words.permission:
        shown(disabler_document(users.account, users.path))
        return
    user = user_name(words.user)
    if user is None:
        raise IncidentError("name who is meant: --user; nothing was done")
    clients = clients or _clients(environment, users)
    iam: IAMClient = clients("iam")
    found = look(iam, user)
    if words.undo:
        _undo(words, iam, found)
        return
    _tell(found)
    if not words.apply:
        say("Nothing was changed. Add --apply to do it.")
        return
    path = words.record or Path(f"disabled-{user}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json")
    by, when = caller(clients("sts")), datetime.now(UTC).isoformat(timespec="seconds")
    write_new(path, {**asdict(found), "environment": environment.name, "by": by, "when": when})
    steps = Steps(_COMMAND)
    disable(iam, found, steps)
    steps.end(f"{user} is disabled")
    say(f"{user} is disabled; {path} says which keys worked")
    say(
        "What they began as an analyst or a steward ends with: python -m deploy.revoke "
        f"--environment {environment.name} --user {user} --apply"
    )


def _undo(words: argparse.Namespace, iam: IAMClient, found: Credentials) -> None:
    if words.record is None:
        raise IncidentError("name the file that says which keys worked: --record; nothing was done")
    was = _read(words.record)
    if was.user != found.user:
        raise IncidentError(f"{words.record} is about {was.user}; nothing was done")
    if not words.apply:
        say(f"would switch on {', '.join(was.active) or 'no key'} of {was.user}, and deny nothing")
        say("Nothing was changed. Add --apply to do it.")
        return
    steps = Steps(_COMMAND)
    enable(iam, found, was.active, steps)
    steps.end(f"{was.user} may sign in again")
    say(f"{was.user} may sign in again")
    if was.login:
        say("They had a password; set them another: aws iam create-login-profile")


def _read(path: Path) -> Credentials:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Credentials(
            user=str(said["user"]),
            active=tuple(map(str, said["active"])),
            login=bool(said["login"]),
            denied=bool(said["denied"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IncidentError(
            f"{path} is no record of this command ({error}); nothing was done"
        ) from error


def _clients(environment: Environment, users: MfaUsers) -> Clients:
    """Return a maker of clients from the shell's credentials, for the account of the users."""
    session = boto3.Session(region_name=environment.region)
    account = session.client("sts", config=client_config()).get_caller_identity()["Account"]
    if account != users.account:
        raise IncidentError(
            f"the credentials are of account {account}, the users are in {users.account}; nothing "
            "was done. Sign in to that account"
        )
    make: Any = session.client
    return lambda service: make(service, config=client_config())


def _has_login(iam: IAMClient, user: str) -> bool:
    try:
        iam.get_login_profile(UserName=user)
    except iam.exceptions.NoSuchEntityException:
        return False
    return True


def _switch(iam: IAMClient, user: str, key: str, status: Any, steps: Steps) -> None:  # noqa: ANN401 - a literal of boto3's
    steps.take(
        f"make {key} of {user} {status.lower()}",
        lambda: iam.update_access_key(UserName=user, AccessKeyId=key, Status=status),
    )


def _tell(found: Credentials) -> None:
    say(f"{found.user} has {len(found.active)} access keys that work: {', '.join(found.active)}")
    say(f"{found.user} {'has a' if found.login else 'has no'} password for the console")
    if found.denied:
        say(f"{found.user} is denied everything already")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m deploy.{_COMMAND}",
        description="Disable an IAM user's access keys, password and running sessions.",
    )
    parser.add_argument("--environment", required=True, metavar="NAME")
    parser.add_argument("--user", metavar="NAME", help="whose credentials")
    parser.add_argument("--permission", action="store_true", help="print the policy that allows it")
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="a new file that says which keys worked"
    )
    apply_options(parser, undo="switch the keys on that the record names, and deny nothing")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
