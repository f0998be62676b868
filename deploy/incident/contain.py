"""Stop what a user's code does, and keep it stopped: ``python -m deploy.contain`` (S37).

Nothing is deleted, by nobody: until it is taken back, no session of theirs erases or overwrites an
object, however late it signed in. What ran is written down first; then the roles are denied; then
the workers are stopped, by when the controller can start no others.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import botocore.exceptions

from deploy.changing.workers import living
from deploy.incident.command import (
    Clients,
    IncidentError,
    Scope,
    apply_options,
    caller,
    conclude,
    read_hours,
    runtime,
    say,
    scope,
    shown,
    write_new,
)
from deploy.incident.records import locker, try_lock
from deploy.incident.retention import keep
from deploy.incident.revoke import (
    Change,
    Done,
    each_change,
    is_there,
    plan,
    put,
    put_document,
    undo,
)
from deploy.incident.steps import Steps
from deploy.incident.subject import require_known
from deploy.incident.together import also, also_documents, also_options, merged, refuse_apart
from deploy.incident.versions import session_options
from starburst.aws.calls import code_of
from starburst.contract import WORKSPACE_TAG
from starburst_constructs.naming import cluster_names, role_name
from starburst_constructs.policies.incident_response import (
    container_document,
    launch_denial_document,
    launch_policy_name,
)

__all__ = ["Contained", "contain", "denials", "main", "permission", "release", "tasks"]

LOCKOUT_HOURS: Final = 12.0
"""By then every session that began before has expired, whatever its role's longest is."""

_ONE_SESSION: Final = (
    "This is about one session: its user stays signed in and may start others, and its workers' "
    "role is their workspace's, so what was taken off a worker still works. Without --session "
    "both end"
)
_REASON: Final = 255
_PASSES: Final = 5
_GONE: Final = "InvalidParameterException"
"""It stopped by itself, and ECS has forgotten it. ``ClientException`` may be a missing permission:
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contained:
    """What containing did.

    Attributes:
        policies: what became of each denial, by role and policy.
        stopped: ARNs of the workers that were told to stop, or had stopped by themselves.
        left: those that were started meanwhile and still run; run it again.
    """

    policies: dict[str, Done]
    stopped: tuple[str, ...]
    left: tuple[str, ...] = ()


def denials(about: Scope) -> list[Change]:
    """Return the policies that keep the controller from starting workers, and them from erasing."""
    environment = about.environment
    launches = [
        Change(
            role=role_name(environment.name, "controller"),
            policy=launch_policy_name(workspace, about.user, about.session),
            document=launch_denial_document(
                environment.name,
                workspace,
                user=about.user,
                session=about.session,
                placement=about.placement,
            ),
        )
        for workspace in about.workspaces
    ]
    return [*launches, *keep(about, "contained")]


def _logins(about: Scope, before: datetime) -> list[Change]:
    """Return the policies that end their logins; who has other sessions keeps those of one."""
    if about.session is not None:
        return []
    return plan(about.environment, workspaces=about.workspaces, before=before, user=about.user)


def tasks(about: Scope, clients: Clients) -> list[dict[str, Any]]:
    """Return their workers that were not told to stop yet, as ECS describes them."""
    return [task for task in _living(about, clients) if _theirs(about, task)]


def _living(about: Scope, clients: Clients) -> list[dict[str, Any]]:
    return [task for cluster in _clusters(about) for task in living(clients("ecs"), cluster)]


def _clusters(about: Scope) -> tuple[str, ...]:
    """Return where workers may be: in all clusters, should some run where they must not."""
    return cluster_names(about.environment.name, about.environment.own_clusters)


def contain(
    about: Scope, clients: Clients, *, until: datetime, reason: str, steps: Steps
) -> Contained:
    """Deny the roles, then stop the workers; twice is as good as once.

    Args:
        about: which users and workspaces.
        clients: of a role that may.
        until: who signs in before is refused as well.
        reason: ECS keeps it with each task.
        steps: what AWS refuses is told there, and stops nothing else.
    """
    iam = clients("iam")
    policies: dict[str, Done] = {
        **dict(each_change(steps, denials(about), put_document, iam)),
        **dict(each_change(steps, _logins(about, until), put, iam)),
    }
    stopped: list[str] = []
    asked: set[str] = set()
    for _ in range(_PASSES):
        new = _new(about, clients, steps, asked)
        if not new:
            return Contained(policies=policies, stopped=tuple(stopped))
        asked.update(new)
        stopped += [arn for arn in new if _stop(about, clients, arn, reason=reason, steps=steps)]
    left = _new(about, clients, steps, asked)
    return Contained(policies=policies, stopped=tuple(stopped), left=tuple(left))


def _new(about: Scope, clients: Clients, steps: Steps, asked: Container[str]) -> list[str]:
    """Return workers that nobody told to stop; what is about to may be listed once more."""
    found = _read(about, clients, steps, "stop workers: they cannot be listed")
    return [task["taskArn"] for task in found or () if task["taskArn"] not in asked]


def _read(about: Scope, clients: Clients, steps: Steps, what: str) -> list[dict[str, Any]] | None:
    """Return their workers in each cluster that ECS tells of; None where it tells of none.

    One that cannot be read, such as one that is in the settings and not deployed yet, is told.
    """
    clusters = _clusters(about)
    read = [
        steps.take(
            what if len(clusters) == 1 else f"{what} ({cluster})",
            partial(living, clients("ecs"), cluster),
        )
        for cluster in clusters
    ]
    if all(found is None for found in read):
        return None
    return [task for found in read for task in found or () if _theirs(about, task)]


def release(about: Scope, clients: Clients, *, steps: Steps) -> dict[str, Done]:
    """Take the denials away; what was stopped stays stopped."""
    iam = clients("iam")
    changes = [*_logins(about, datetime.now(UTC)), *denials(about)]
    return dict(each_change(steps, changes, undo, iam))


def main(arguments: Sequence[str] | None = None, *, clients: Clients | None = None) -> int:
    """Show, do or take back; return the process's exit code.

    Args:
        arguments: of the command line.
        clients: made of the shell's credentials without it.
    """
    words = _options().parse_args(arguments)
    return conclude("contain", lambda: _work(words, clients))


def _work(words: argparse.Namespace, clients: Clients | None) -> int | None:
    about = scope(words)
    refuse_apart(words)
    if words.permission:
        clients = clients or about.clients()
        shown(permission(words, about, clients))
        return None
    until = datetime.now(UTC) + timedelta(hours=words.hours)
    if about.user is not None and not words.in_advance:
        clients = clients or about.clients()
        _require_known(about, clients)
    if not words.apply:
        for line in _would(about, until, undone=words.undo):
            say(line)
        if words.isolate or words.hold:
            also(words, about, clients or about.clients())
        say("Nothing was changed. Add --apply to do it.")
        return None
    clients = clients or about.clients()
    now = datetime.now(UTC)
    noun = "release" if words.undo else "incident"
    path = words.record or Path(f"{noun}-{about.environment.name}-{now:%Y%m%dT%H%M%SZ}.json")
    steps, sts = Steps("contain"), clients("sts")
    before = [] if words.undo else _read(about, clients, steps, "write down what runs")
    record = {
        "what": f"before {'releasing' if words.undo else 'containing'} {about}",
        "by": steps.take("write down who asks", partial(caller, sts)),
        "at": now.isoformat(),
        "reason": words.reason,
        "tasks": before,
    }
    write_new(path, record)
    if before is not None:
        say(f"{path}: what ran ({len(before)} tasks) is written down")
    # Nothing may keep an incident from being contained, so the locked copy is told of at the end.
    wrong = try_lock(about, clients, "release" if words.undo else "contain", record)
    if words.undo:
        _release(words, about, clients, steps=steps, wrong=wrong)
        return None
    done = contain(about, clients, until=until, reason=words.reason, steps=steps)
    for what, how in done.policies.items():
        say(f"{what} {how}")
    say(f"{len(done.stopped)} workers were told to stop: they are gone within two minutes")
    if about.session is not None:
        say(_ONE_SESSION)
    steps.refused += also(words, about, clients)
    if done.left:
        late = (
            f"{len(done.left)} workers were started meanwhile, because IAM takes some seconds; run "
            "the same command again in a minute"
        )
        wrong = f"{late}. Besides, {wrong}" if wrong else late
    elif not steps.refused:
        say(
            "Run it again in a minute: IAM takes some seconds, and a worker may have started in "
            "them."
        )
        if not words.hold:
            say(
                "They can erase nothing now, but the lifecycle expires objects as before: keep "
                "what is there with python -m deploy.hold and the same words"
            )
    steps.end(f"{about} is contained", besides=wrong)
    return None


def _release(
    words: argparse.Namespace, about: Scope, clients: Clients, *, steps: Steps, wrong: str
) -> None:
    for what, done in release(about, clients, steps=steps).items():
        say(f"{what} {done}")
    if not steps.refused:
        say("Sessions that ended stay ended; their results are there.")
    steps.refused += also(words, about, clients)
    steps.end(f"{about} is released", besides=wrong)


def permission(words: argparse.Namespace, about: Scope, clients: Clients) -> dict[str, Any]:
    """Return the policy that allows what the words ask for, and to take it back."""
    own = container_document(
        about.environment.name,
        about.workspaces,
        bucket=runtime(about.environment, clients).bucket,
        locker=locker(about.environment, clients),
        placement=about.placement,
        apart=about.environment.own_clusters,
    )
    return merged([own, *also_documents(words, about, clients)])


def _require_known(about: Scope, clients: Clients) -> None:
    """Refuse a name that nobody bears; who was contained in advance has a denial by now."""
    iam = clients("iam")
    if any(is_there(change, iam) for change in denials(about)):
        return
    tags = [_tags(task) for task in _living(about, clients)]
    if about.session is not None and not any(_is_theirs(about, one) for one in tags):
        raise IncidentError(
            f"no worker of session {about.session} of {about.user} in "
            f"{', '.join(about.workspaces)} of {about.environment.name} runs, and no denial bears "
            "it, so nothing was done. Check the id; to keep it from starting workers, add "
            "--in-advance"
        )
    require_known(
        about,
        clients,
        also={
            one.get("starburst:user", "")
            for one in tags
            if one.get(WORKSPACE_TAG) in about.workspaces
        },
        otherwise="To contain a user before they come, add --in-advance",
    )


def _would(about: Scope, until: datetime, *, undone: bool) -> Iterator[str]:
    changes = [*denials(about), *_logins(about, until)]
    if undone:
        yield from (f"would take {change.policy} from {change.role}" for change in changes)
        return
    yield f"would write down every task of {about}"
    for change in changes:
        yield f"would put {change.policy} on {change.role}: {json.dumps(change.document)}"
    if about.session is not None:
        yield _ONE_SESSION
    yield f"would stop every worker of {about} in cluster {', '.join(_clusters(about))}"


def _theirs(about: Scope, task: dict[str, Any]) -> bool:
    if about.whole:
        return True
    return _is_theirs(about, _tags(task))


def _is_theirs(about: Scope, tags: Mapping[str, str]) -> bool:
    return (
        tags.get(WORKSPACE_TAG) in about.workspaces
        and about.user in (None, tags.get("starburst:user"))
        and about.session in (None, tags.get("starburst:session"))
    )


def _tags(task: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in task.get("tags") or ()}


def _stop(about: Scope, clients: Clients, arn: str, *, reason: str, steps: Steps) -> bool:
    """Tell a worker to stop; return whether it will have stopped."""
    ecs = clients("ecs")
    # Of a task's ARN, in which its cluster is.
    cluster = arn.split("/")[-2]

    def stop() -> bool:
        try:
            ecs.stop_task(cluster=cluster, task=arn, reason=f"security: {reason}"[:_REASON])
        except botocore.exceptions.ClientError as error:
            if code_of(error) != _GONE:
                raise
        return True

    return bool(steps.take(f"stop {arn}", stop))


def _options() -> argparse.ArgumentParser:
    parser = session_options(
        "contain", "Stop the workers of a user, deny new ones and end their sessions."
    )
    parser.add_argument(
        "--hours",
        type=read_hours,
        default=LOCKOUT_HOURS,
        help=f"who signs in so soon is refused as well (default {LOCKOUT_HOURS:g})",
    )
    parser.add_argument("--reason", default="contained", help="kept with each stopped task")
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="where to write down what ran (a new file)"
    )
    parser.add_argument(
        "--in-advance",
        action="store_true",
        help="also a user who has nothing there yet: the name is not looked up",
    )
    also_options(parser)
    apply_options(parser, undo="take the denials away again")
    return parser
