"""Retire a workspace, before settings may drop it: ``python -m deploy.retire``.

It asks that the workspace is drained as deployed, and that no session of it is left. Then all that
it has is erased in every version, after it was archived where that is wanted, and a parameter of
the environment says that it is retired. Each step is safe to repeat.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from deploy.incident.command import (
    Clients,
    IncidentError,
    Scope,
    apply_options,
    caller,
    conclude,
    find_environment,
    find_workspaces,
    runtime,
    say,
    shown,
)
from deploy.incident.erase import erase_subject, take_stock
from deploy.incident.records import locker
from deploy.lifecycle.account import LifecycleError
from deploy.lifecycle.checks.dropped import refuse_dropped
from starburst.contract import runtime_parameter
from starburst.contract.areas import DATA, HOME, PACKAGES
from starburst_constructs.identity.retiring import checker_document, retirer_document
from starburst_constructs.naming import retired_parameter

from .archive import Archive, write_archive

__all__ = ["main"]

_KNOWN_SECONDS: Final = 360
"""So long the controller may go by what it has read before: five minutes, and a start."""

_ARCHIVED: Final = (PACKAGES, DATA, HOME)
"""What is readable without a session's key; sessions are sealed for their users and workers."""

_NAMED: Final = 100

Clock = Callable[[], datetime]


def main(
    arguments: Sequence[str] | None = None,
    *,
    clients: Clients | None = None,
    clock: Clock = lambda: datetime.now(UTC),
) -> int:
    """Retire, or say what is dropped; return the process's exit code.

    Args:
        arguments: of the command line.
        clients: made of the shell's credentials without it.
        clock: the time.
    """
    parser = _options()
    words = parser.parse_args(arguments)
    if words.check == bool(words.workspace):
        parser.error("name --workspace NAME to retire it, or --check alone")
    if words.check and (words.apply or words.archive or words.erase):
        parser.error("--check changes nothing; leave the other options out")
    work = _check if words.check else _retire
    return conclude("retire", lambda: work(words, clients, clock))


def _check(words: argparse.Namespace, clients: Clients | None, _: Clock) -> None:
    environment = find_environment(words.environment)
    if words.permission:
        shown(checker_document(environment.name, placement=environment.placement))
        return
    clients = clients or Scope(environment=environment, workspaces=(), whole=True).clients()
    try:
        gone = refuse_dropped(environment, clients)
    except LifecycleError as error:
        raise IncidentError(str(error)) from error
    if gone:
        say(f"{environment.name}: {', '.join(gone)} may go: nothing is left of what is retired")
    else:
        say(f"{environment.name}: the settings have every workspace that is deployed")


def _retire(words: argparse.Namespace, clients: Clients | None, clock: Clock) -> None:
    environment = find_environment(words.environment)
    about = Scope(
        environment=environment,
        workspaces=tuple(find_workspaces(environment, [words.workspace])),
    )
    clients = clients or about.clients()
    if words.permission:
        shown(_permission(about, clients, archive=words.archive is not None))
        return
    if words.apply and words.archive is None and not words.erase:
        raise IncidentError(
            "nothing was done: say what becomes of its data, --archive FILE or --erase alone"
        )
    _refuse_undrained(about, clients, clock())
    stock, versions = take_stock(about, clients, about.prefixes)
    kept = [one for one in versions if one.key.startswith(tuple(_readable(words.workspace)))]
    if not words.apply:
        shown(asdict(stock))
        current = sum(one.latest and not one.marker for one in kept)
        if words.archive is not None:
            say(f"would write {current:,} objects into {words.archive}: data, homes and packages")
        say(f"would erase {stock.versions:,} versions and {stock.markers:,} markers, for ever")
        say(f"would say in {retired_parameter(environment.name, words.workspace)} that it is so")
        say("Nothing was changed. Add --archive FILE or --erase, and --apply to do it.")
        return
    archive: Archive | None = None
    if words.archive is not None and stock.versions:
        bucket = runtime(environment, clients).bucket
        archive = write_archive(clients("s3"), bucket, kept, file=words.archive)
        say(f"{archive.objects:,} objects, {archive.bytes:,} bytes, are in {archive.file}")
        now, _ = take_stock(about, clients, about.prefixes)
        if now.names_sha256 != stock.names_sha256:
            raise IncidentError(
                f"somebody wrote while {archive.file} was made, so nothing was erased: it may lack "
                "that. Tell the workspace's people, and run it again with another file"
            )
    if stock.versions or stock.markers:
        _erase(about, clients, words.receipt)
    _record(about, clients, archive)
    say(
        f"{words.workspace} of {environment.name} is retired: take it out of the settings and "
        "deploy. What somebody writes there until then would stay; run this again first if they may"
    )


def _erase(about: Scope, clients: Clients, receipt: Path | None) -> None:
    path = receipt or Path(f"retired-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json")
    done, kept = erase_subject(about, clients, about.prefixes, receipt=path)
    for one in kept[:_NAMED]:
        say(f"stays: {one}")
    if len(kept) > _NAMED:
        say(f"stays: and {len(kept) - _NAMED:,} more")
    if done.not_erased:
        reasons = ", ".join(f"{count:,} for {why}" for why, count in done.not_erased.items())
        raise IncidentError(
            f"it is not retired, because not all could be erased: {reasons}. {path} says so. What "
            "a retention locks goes when that ends; clear the reason and run it again"
        )
    say(
        f"{done.versions:,} versions and {done.markers:,} markers are erased; {path} is the receipt"
    )


def _refuse_undrained(about: Scope, clients: Clients, now: datetime) -> None:
    """Refuse a workspace that takes sessions, or did so a moment ago.

    Raises:
        IncidentError: it does; says what to do.
    """
    name, [workspace] = about.environment.name, about.workspaces
    found = runtime(about.environment, clients).workspaces.get(workspace)
    if found is None:
        raise IncidentError(
            f"workspace {workspace} is not deployed in {name}, so there is nothing to retire. Take "
            "it out of the settings"
        )
    if not found.draining:
        raise IncidentError(
            f"workspace {workspace} of {name} takes new sessions, as deployed, so nothing was "
            "done. Set draining=True in its settings, deploy, and run this again when its sessions "
            "have ended"
        )
    answer = clients("ssm").get_parameter(Name=runtime_parameter(name))
    left = _KNOWN_SECONDS - (now - answer["Parameter"]["LastModifiedDate"]).total_seconds()
    if left > 0:
        raise IncidentError(
            f"{name} was deployed a moment ago, and its controller may yet go by what it read "
            f"before, so nothing was done. Run this again in {left:.0f} seconds"
        )


def _record(about: Scope, clients: Clients, archive: Archive | None) -> None:
    """Say that nothing is left, for whoever deploys; no name of an object is in it."""
    name, [workspace] = about.environment.name, about.workspaces
    value: dict[str, Any] = {
        "workspace": workspace,
        "by": caller(clients("sts")),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "archive_sha256": archive and archive.sha256,
    }
    clients("ssm").put_parameter(
        Name=retired_parameter(name, workspace),
        Description=f"That nothing is left of workspace {workspace}, by deploy.retire",
        Value=json.dumps(value, sort_keys=True),
        Type="String",
        Overwrite=True,
    )


def _readable(workspace: str) -> list[str]:
    return [area.prefix(workspace) for area in _ARCHIVED]


def _permission(about: Scope, clients: Clients, *, archive: bool) -> dict[str, Any]:
    [workspace] = about.workspaces
    document = runtime(about.environment, clients)
    return retirer_document(
        about.environment.name,
        workspace,
        about.prefixes,
        archived=_readable(workspace) if archive else (),
        bucket=document.bucket,
        key_arn=document.key_arn,
        locker=locker(about.environment, clients),
        placement=about.placement,
    )


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.retire",
        description="Retire a workspace that is drained, or see whether settings drop one.",
    )
    parser.add_argument("--environment", required=True, metavar="NAME")
    parser.add_argument("--workspace", metavar="NAME", help="the one to retire")
    parser.add_argument(
        "--check",
        action="store_true",
        help="fail where the settings lack a workspace that is deployed and not retired",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--archive",
        type=Path,
        metavar="FILE",
        help="first write data, homes and packages into this new tar file",
    )
    what.add_argument("--erase", action="store_true", help="erase all, and archive nothing")
    parser.add_argument(
        "--receipt", type=Path, metavar="FILE", help="where to write the receipt (a new file)"
    )
    parser.add_argument("--permission", action="store_true", help="print the policy that allows it")
    apply_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
