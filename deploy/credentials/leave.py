"""List what a leaver has, stop it, deny what is new: ``python -m deploy.credentials.leave`` (A17).

It shows, and does nothing until told. What Identity Center has of them is listed only: whoever
administers it, or the identity provider, takes it away. What they stored stays as it is.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import boto3
import botocore.exceptions

from deploy.credentials.holdings import Holding, as_record, holdings, looking_document
from deploy.incident.command import (
    Clients,
    IncidentError,
    Scope,
    apply_options,
    caller,
    conclude,
    finish,
    options,
    runtime,
    say,
    scope,
    shown,
    write_new,
)
from deploy.incident.contain import contain, denials, tasks
from deploy.incident.records import lock, locker, try_lock
from deploy.incident.revoke import plan
from deploy.incident.steps import Steps
from deploy.incident.subject import require_known
from deploy.incident.together import merged
from deploy.incident.versions import below
from starburst.aws.calls import client_config
from starburst_constructs.policies.incident_response import container_document
from starburst_constructs.policies.incident_statements import allow, document

__all__ = ["LEFT", "main"]

LEFT: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""Logins before then are refused. One moment for all, so that a second run changes nothing."""

_COMMAND: Final = "credentials.leave"
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")

ProfileClients = Mapping[str, Callable[[str], Clients]]
"""Of the accounts in which Identity Center is looked at, by the profile: clients for a Region."""


def main(
    arguments: Sequence[str] | None = None,
    *,
    clients: Clients | None = None,
    profiles: ProfileClients | None = None,
) -> int:
    """Show, or do; return the process's exit code.

    Args:
        arguments: of the command line.
        clients: of the environment's account; made of the shell's credentials without it.
        profiles: of the accounts in which Identity Center is; made of AWS's profiles without it.
    """
    words = _options().parse_args(arguments)
    return conclude(_COMMAND, lambda: _work(words, clients, profiles))


def _options() -> argparse.ArgumentParser:
    parser = options(_COMMAND, "List what a leaving user has, stop it, and deny what is new.")
    parser.add_argument(
        "--email", metavar="ADDRESS", help="by which Identity Center knows them, in any instance"
    )
    parser.add_argument(
        "--identity-profile",
        action="append",
        metavar="NAME",
        help="AWS profile of an account whose instances are looked at (default: the shell's)",
    )
    parser.add_argument(
        "--identity-region",
        action="append",
        metavar="NAME",
        help="Region of those instances (default: each that the account has enabled)",
    )
    parser.add_argument("--reason", default="left", help="ECS keeps it with each task")
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="where to write down what is done (a new file)"
    )
    parser.add_argument(
        "--in-advance",
        action="store_true",
        help="also a user who has nothing there: the name is not looked up",
    )
    apply_options(parser)
    return parser


def _work(
    words: argparse.Namespace, clients: Clients | None, profiles: ProfileClients | None
) -> None:
    about = scope(words)
    if about.user is None:
        raise IncidentError("nobody is named, so nothing was done; add --user NAME")
    if words.email is not None and not _EMAIL.fullmatch(words.email):
        raise IncidentError(f"{words.email!r} is no e-mail address; nothing was done")
    clients = clients or about.clients()
    if words.permission:
        _permission(words, about, clients)
        return
    if not words.in_advance:
        running = {_tag(task, "starburst:user") for task in tasks(about, clients)}
        require_known(
            about,
            clients,
            also=running,
            otherwise="For a user who never came, add --in-advance",
        )
    steps = Steps(_COMMAND)
    found = _belongings(about, clients, steps)
    held = _held(words, about, profiles, steps)
    if not words.apply:
        _show(about, found, held)
        steps.end(f"what {about.user} has is listed")
        return
    _leave(words, about, clients, found=found, held=held, steps=steps)


def _leave(
    words: argparse.Namespace,
    about: Scope,
    clients: Clients,
    *,
    found: Mapping[str, Any],
    held: Sequence[Holding] | None,
    steps: Steps,
) -> None:
    now = datetime.now(UTC)
    path = words.record or Path(f"leaver-{about.environment.name}-{now:%Y%m%dT%H%M%SZ}.json")
    record = {
        "what": f"{about} leaves",
        "by": steps.take("write down who asks", partial(caller, clients("sts"))),
        "at": now.isoformat(),
        "reason": words.reason,
        "user": about.user,
        "email": words.email,
        "identity_center": None if held is None else as_record(held),
        **found,
    }
    write_new(path, record)
    say(f"{path}: what {about.user} has is written down")
    # Nothing may keep a leaver in, so the locked copy is told of at the end.
    wrong = try_lock(about, clients, "leave", record)
    done = contain(about, clients, until=LEFT, reason=words.reason, steps=steps)
    for what, how in done.policies.items():
        say(f"{what} {how}")
    say(f"{len(done.stopped)} workers were told to stop: they are gone within two minutes")
    for one in held or ():
        say(f"LEFT IN PLACE: {one}")
    if done.left:
        wrong = (
            f"{len(done.left)} workers were started meanwhile; run it again in a minute. {wrong}"
        )
    ended = {
        **record,
        "policies": dict(done.policies),
        "stopped": list(done.stopped),
        "started_meanwhile": list(done.left),
        "not_done": list(steps.refused),
    }
    steps.take("finish the record", partial(finish, path, ended))
    if not wrong:
        steps.take("lock the finished record", partial(lock, about, clients, "left", ended))
    steps.end(f"{about} has left", besides=wrong)


def _belongings(about: Scope, clients: Clients, steps: Steps) -> dict[str, Any]:
    """Return what they have in the environment: what runs, and what is stored."""
    running = steps.take("list what runs", partial(tasks, about, clients))
    return {
        "tasks": running,
        "sessions": sorted({_tag(task, "starburst:session") for task in running or ()} - {""}),
        "stored": steps.take("count what is stored", partial(_stored, about, clients)),
    }


def _stored(about: Scope, clients: Clients) -> dict[str, dict[str, int]]:
    s3, bucket = clients("s3"), runtime(about.environment, clients).bucket
    found: dict[str, dict[str, int]] = {}
    for prefix in about.prefixes:
        there = [one for one in below(s3, bucket, [prefix]) if not one.marker]
        found[prefix] = {"versions": len(there), "bytes": sum(one.size for one in there)}
    return found


def _held(
    words: argparse.Namespace, about: Scope, profiles: ProfileClients | None, steps: Steps
) -> list[Holding] | None:
    """Return what they have in Identity Center; None where nobody asked."""
    if words.email is None:
        say("Identity Center is not looked at without --email")
        return None
    home = about.environment.region
    accounts = profiles or _profiles(words.identity_profile or [None])
    places = {
        name: {region: clients(region) for region in _regions(words, name, clients(home), steps)}
        for name, clients in accounts.items()
    }
    return holdings(words.email, places, steps)


def _regions(words: argparse.Namespace, name: str, clients: Clients, steps: Steps) -> Sequence[str]:
    """Return where an account may have an instance, which it may have in each of its Regions."""
    if words.identity_region:
        return [*dict.fromkeys(words.identity_region)]
    enabled = steps.take(f"list Regions of {name}", partial(_enabled, clients)) or []
    known = boto3.Session().get_available_regions("sso-admin")
    if left := sorted({*enabled} - {*known}):
        say(f"{name}: Identity Center is not known to be in {', '.join(left)}, not asked there")
    return sorted({*enabled} & {*known})


def _enabled(clients: Clients) -> list[str]:
    """Return the Regions that an account has enabled; EC2 tells no other unless it is asked to."""
    return [one["RegionName"] for one in clients("ec2").describe_regions()["Regions"]]


def _profiles(names: Sequence[str | None]) -> ProfileClients:
    def made(name: str | None) -> Callable[[str], Clients]:
        try:
            session = boto3.Session(profile_name=name)
        except botocore.exceptions.ProfileNotFound as error:
            raise IncidentError(f"{error}; nothing was done. Name one of ~/.aws/config") from error
        make: Any = session.client
        return lambda region: partial(make, region_name=region, config=client_config())

    return {f"profile {name}" if name else "the shell": made(name) for name in names}


def _permission(words: argparse.Namespace, about: Scope, clients: Clients) -> None:
    bucket = runtime(about.environment, clients).bucket
    own = container_document(
        about.environment.name,
        about.workspaces,
        bucket=bucket,
        locker=locker(about.environment, clients),
        placement=about.placement,
        apart=about.environment.own_clusters,
    )
    counting = allow(
        "CountWhatIsStored",
        ["s3:ListBucketVersions"],
        [f"arn:aws:s3:::{bucket}"],
        {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in about.prefixes]}},
    )
    shown(merged([own, document(counting)]))
    if words.email is not None:
        say("In each account whose instances are looked at:")
        shown(looking_document())


def _show(about: Scope, found: Mapping[str, Any], held: Sequence[Holding] | None) -> None:
    for session in found["sessions"]:
        say(f"runs: session {session}")
    for prefix, counted in (found["stored"] or {}).items():
        say(f"stored: {counted['versions']:,} versions, {counted['bytes']:,} bytes below {prefix}")
    for one in held or ():
        say(f"has: {one}")
    if held == []:
        say("Identity Center has nobody by that address in what was read")
    say(f"would stop {len(found['tasks'] or ()):,} workers of {about}")
    changes = plan(about.environment, workspaces=about.workspaces, before=LEFT, user=about.user)
    for change in (*denials(about), *changes):
        say(f"would put {change.policy} on {change.role}")
    say("Nothing was changed. Add --apply to do it.")


def _tag(task: Mapping[str, Any], key: str) -> str:
    return next((one["value"] for one in task.get("tags") or () if one["key"] == key), "")


if __name__ == "__main__":
    raise SystemExit(main())
