"""End sessions that began before a moment: ``python -m deploy.revoke`` shows what it would put."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, cast

import boto3
import botocore.exceptions

from environments import ALL
from starburst.contract import PRINCIPAL_NAME
from starburst_constructs.naming import role_name
from starburst_constructs.revocation import policy_name, revocation_document, revoker_document

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

    from stacks.settings import Environment

__all__ = ["Change", "RevokeError", "main", "plan", "put", "undo"]

Done = Literal["put", "already there", "a later one stays", "taken away", "nothing to undo"]


class RevokeError(RuntimeError):
    """Nothing was revoked; says why, and what to do next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One inline policy of one role.

    Attributes:
        role: its name.
        policy: the inline policy's name.
        document: what it says.
    """

    role: str
    policy: str
    document: dict[str, Any]


def plan(
    environment: Environment,
    *,
    workspaces: Sequence[str],
    before: datetime,
    user: str | None = None,
) -> list[Change]:
    """Return what to put: on analyst and worker roles, or with a user on analyst roles alone.

    Workers carry no user's name: a user's own are stopped, not revoked.
    """
    purposes = ("analyst", "worker") if user is None else ("analyst",)
    return [
        Change(
            role=role_name(environment.name, purpose, workspace),
            policy=policy_name(user),
            document=revocation_document(before, user=user),
        )
        for workspace in workspaces
        for purpose in purposes
    ]


def put(change: Change, iam: IAMClient) -> Done:
    """Put one policy; twice is as good as once, and an earlier moment never takes a later's place.

    Args:
        change: what to put.
        iam: of somebody who may.
    """
    there = _there(change, iam)
    if there == change.document:
        return "already there"
    if there is not None and _moment(there) > _moment(change.document):
        return "a later one stays"
    iam.put_role_policy(
        RoleName=change.role,
        PolicyName=change.policy,
        PolicyDocument=json.dumps(change.document),
    )
    return "put"


def undo(change: Change, iam: IAMClient) -> Done:
    """Take one policy away, if it is there."""
    if _there(change, iam) is None:
        return "nothing to undo"
    iam.delete_role_policy(RoleName=change.role, PolicyName=change.policy)
    return "taken away"


def main(arguments: Sequence[str] | None = None, *, iam: IAMClient | None = None) -> int:
    """Show, put or take away; return the process's exit code.

    Args:
        arguments: of the command line.
        iam: made of the shell's credentials without it.
    """
    options = _options().parse_args(arguments)
    try:
        environment = _environment(options.environment)
        changes = plan(
            environment,
            workspaces=_workspaces(environment, options.workspace),
            before=options.before or datetime.now(UTC),
            user=_user(options.user),
        )
        if options.permission:
            roles = [f"arn:aws:iam::{environment.account}:role/{one.role}" for one in changes]
            _say(json.dumps(revoker_document(roles), indent=2))
            return 0
        if not options.apply:
            _show(changes, undone=options.undo)
            return 0
        client = iam or boto3.client("iam")
        for change in changes:
            done = undo(change, client) if options.undo else put(change, client)
            _say(f"{change.role}: {change.policy} {done}")
    except RevokeError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        sys.stderr.write(
            f"{error}\nNothing more was changed; what is named above was. Who revokes needs what "
            "python -m deploy.revoke --permission prints; then run the same command again.\n"
        )
        return 1
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.revoke", description="End sessions that began before a moment."
    )
    parser.add_argument("--environment", required=True, metavar="NAME")
    parser.add_argument(
        "--workspace", action="append", metavar="NAME", help="one of them (default: all)"
    )
    parser.add_argument("--user", metavar="NAME", help="only this analyst's sessions")
    parser.add_argument(
        "--before",
        type=_time,
        metavar="TIME",
        help="ISO 8601 (default: now); a time to come also locks out until then",
    )
    parser.add_argument("--undo", action="store_true", help="take the policy away again")
    parser.add_argument("--apply", action="store_true", help="do it; without this, only show it")
    parser.add_argument(
        "--permission", action="store_true", help="print the policy of somebody who may revoke"
    )
    return parser


def _time(text: str) -> datetime:
    when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _environment(name: str) -> Environment:
    for environment in ALL:
        if environment.name == name:
            return environment
    known = ", ".join(one.name for one in ALL)
    raise RevokeError(f"no environment is called {name}; environments.py has {known}")


def _workspaces(environment: Environment, wanted: Sequence[str] | None) -> list[str]:
    known = [workspace.name for workspace in environment.workspaces]
    for name in wanted or ():
        if name not in known:
            raise RevokeError(
                f"{environment.name} has no workspace {name}; it has {', '.join(known)}"
            )
    return list(wanted or known)


def _user(name: str | None) -> str | None:
    if name is not None and not PRINCIPAL_NAME.fullmatch(name):
        raise RevokeError(f"{name!r} is no user's name: it takes 3 to 32 of a-z and 0-9")
    return name


def _there(change: Change, iam: IAMClient) -> dict[str, Any] | None:
    try:
        found = iam.get_role_policy(RoleName=change.role, PolicyName=change.policy)
    except iam.exceptions.NoSuchEntityException as error:
        # IAM answers alike where the role is missing, but then names that.
        if change.policy not in str(error):
            raise RevokeError(
                f"there is no role {change.role} in this account; nothing was changed on it. Check "
                "that the credentials are of the environment's account"
            ) from error
        return None
    return cast("dict[str, Any]", found["PolicyDocument"])


def _moment(document: dict[str, Any]) -> str:
    return document["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"]


def _show(changes: Sequence[Change], *, undone: bool) -> None:
    for change in changes:
        if undone:
            _say(f"would take {change.policy} from {change.role}")
        else:
            _say(f"would put {change.policy} on {change.role}:")
            _say(json.dumps(change.document, indent=2))
    _say("Nothing was changed. Add --apply to do it.")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    raise SystemExit(main())
