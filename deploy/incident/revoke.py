"""End sessions that began before a moment: ``python -m deploy.revoke`` shows what it would put."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

from deploy.incident.command import (
    Clients,
    IncidentError,
    apply_options,
    conclude,
    options,
    parse_time,
    runtime,
    say,
    scope,
    shown,
)
from deploy.incident.steps import Steps
from deploy.incident.subject import require_known
from starburst_constructs.naming import role_name
from starburst_constructs.policies.revocation import (
    policy_name,
    revocation_document,
    revoker_document,
)

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

    from stacks.settings import Environment

__all__ = [
    "Change",
    "Done",
    "each_change",
    "is_there",
    "main",
    "plan",
    "put",
    "put_document",
    "undo",
]

Done = Literal["put", "already there", "a later one stays", "taken away", "nothing to undo"]


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
    """Return what to put: on all roles of a workspace, or with a user on those of people alone.

    Workers carry no user's name: a user's own are stopped, not revoked.
    """
    purposes = ("analyst", "steward", "worker") if user is None else ("analyst", "steward")
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
        iam: of a role that may.
    """
    there = _there(change, iam)
    if there is not None and _moment(there) > _moment(change.document):
        return "a later one stays"
    return _put(change, iam, there=there)


def put_document(change: Change, iam: IAMClient) -> Done:
    """Put one policy unless exactly it is there.

    Args:
        change: what to put.
        iam: of a role that may.
    """
    return _put(change, iam, there=_there(change, iam))


def _put(change: Change, iam: IAMClient, *, there: dict[str, Any] | None) -> Done:
    if there == change.document:
        return "already there"
    iam.put_role_policy(
        RoleName=change.role,
        PolicyName=change.policy,
        PolicyDocument=json.dumps(change.document),
    )
    return "put"


def each_change(
    steps: Steps,
    changes: Iterable[Change],
    make: Callable[[Change, IAMClient], Done],
    iam: IAMClient,
) -> Iterator[tuple[str, Done]]:
    """Make each change that AWS takes; yield its role and policy, and what became of it."""
    for change in changes:
        what = f"{change.role}: {change.policy}"
        if done := steps.take(what, partial(make, change, iam)):
            yield what, done


def is_there(change: Change, iam: IAMClient) -> bool:
    """Return whether the role has a policy of this name, whatever it says."""
    return _there(change, iam) is not None


def undo(change: Change, iam: IAMClient) -> Done:
    """Take one policy away, if it is there; a look before might not see what was just put."""
    try:
        iam.delete_role_policy(RoleName=change.role, PolicyName=change.policy)
    except iam.exceptions.NoSuchEntityException as error:
        _require_role(change, error)
        return "nothing to undo"
    return "taken away"


def main(arguments: Sequence[str] | None = None, *, clients: Clients | None = None) -> int:
    """Show, put or take away; return the process's exit code.

    Args:
        arguments: of the command line.
        clients: made of the shell's credentials without it.
    """
    words = _options().parse_args(arguments)
    return conclude("revoke", lambda: _work(words, clients))


def _work(words: argparse.Namespace, clients: Clients | None) -> None:
    about = scope(words)
    changes = plan(
        about.environment,
        workspaces=about.workspaces,
        before=words.before or datetime.now(UTC),
        user=about.user,
    )
    if words.permission:
        clients = clients or about.clients()
        account = about.environment.account
        shown(
            revoker_document(
                about.environment.name,
                about.workspaces,
                [f"arn:aws:iam::{account}:role/{one.role}" for one in changes],
                bucket=runtime(about.environment, clients).bucket,
                placement=about.placement,
            )
        )
        return
    if about.user is not None and not words.in_advance:
        clients = clients or about.clients()
        iam = clients("iam")
        if not any(is_there(change, iam) for change in changes):
            require_known(
                about,
                clients,
                otherwise="To shut a user out before they come, add --in-advance",
            )
    if not words.apply:
        _show(changes, undone=words.undo)
        return
    client, steps = (clients or about.clients())("iam"), Steps("revoke")
    for what, done in each_change(steps, changes, undo if words.undo else put, client):
        say(f"{what} {done}")
    steps.end(f"{about} is {'free' if words.undo else 'revoked'}")


def _options() -> argparse.ArgumentParser:
    parser = options("revoke", "End sessions that began before a moment.")
    parser.add_argument(
        "--before",
        type=parse_time,
        metavar="TIME",
        help="ISO 8601 (default: now); a time to come also locks out until then",
    )
    parser.add_argument(
        "--in-advance",
        action="store_true",
        help="also a user who has nothing there yet: the name is not looked up",
    )
    apply_options(parser, undo="take the policy away again")
    return parser


def _there(change: Change, iam: IAMClient) -> dict[str, Any] | None:
    try:
        found = iam.get_role_policy(RoleName=change.role, PolicyName=change.policy)
    except iam.exceptions.NoSuchEntityException as error:
        _require_role(change, error)
        return None
    return cast("dict[str, Any]", found["PolicyDocument"])


def _require_role(change: Change, error: Exception) -> None:
    """Raise where it is the role that IAM did not find, for which it has the same code."""
    if change.policy not in str(error):
        raise IncidentError(
            f"there is no role {change.role} in this account; nothing was changed on it. Check "
            "that the credentials are of the environment's account"
        ) from error


def _moment(document: dict[str, Any]) -> str:
    return document["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"]


def _show(changes: Sequence[Change], *, undone: bool) -> None:
    for change in changes:
        if undone:
            say(f"would take {change.policy} from {change.role}")
        else:
            say(f"would put {change.policy} on {change.role}:")
            shown(change.document)
    say("Nothing was changed. Add --apply to do it.")
