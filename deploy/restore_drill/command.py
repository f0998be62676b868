"""Try a restore and time it: ``python -m deploy.restore_drill`` (P20, A26).

The newest backup of the data bucket comes back into the scratch bucket of the add-on ``finma``,
every object is read and compared with the version that was backed up, and what came back is deleted
again. It fails where an object is wrong or missing, where nothing could be compared, and where all
of it took longer than ``rto_hours``. Whatever comes of it is in a record, which is begun first.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.incident.command import (
    Clients,
    IncidentError,
    Scope,
    caller,
    conclude,
    find_environment,
    finish,
    runtime,
    say,
    shown,
    write_new,
)
from deploy.incident.records import try_lock
from deploy.restore_drill.comparing import Comparison, compare
from deploy.restore_drill.permission import permission
from deploy.restore_drill.restoring import empty, newest, quiet, restored
from stacks.addons.finma import Finma
from starburst.aws.calls import TROUBLE
from starburst_constructs.naming import role_arn

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["drill", "main"]

_COMMAND = "restore_drill"


def drill(
    environment: Environment,
    clients: Clients,
    *,
    now: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
    today: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> dict[str, Any]:
    """Restore the newest backup, compare it, and return the record.

    Args:
        environment: that has the add-on.
        clients: of a role among the add-on's ``drillers``.
        now: seconds of a clock that only goes forward.
        wait: for so many seconds.
        today: tells the date, for the age of the backup.

    Raises:
        IncidentError: the environment has no such add-on, the vault no backup, or a restore of an
            earlier drill goes on.
    """
    settings = _settings(environment)
    s3, backup = clients("s3"), clients("backup")
    source = runtime(environment, clients).bucket
    scratch = settings.scratch_name(environment)
    point = newest(
        backup,
        vault=f"starburst-{environment.name}-finma",
        resource=f"arn:aws:s3:::{source}",
    )
    age = max(0.0, (today() - point.begun).total_seconds()) / 3600
    role = role_arn(environment.name, "finma-restore", account=environment.account)
    quiet(backup, role_arn=role)
    # AWS Backup leaves out what is there, so that an older drill would pass for this one.
    empty(s3, scratch)
    say(
        f"{environment.name}: restoring the backup of {point.begun:%Y-%m-%d %H:%M} UTC into "
        f"{scratch}, where it stays for a day at most if this does not come to its end"
    )
    started, limit = now(), settings.rto_hours * 3600
    job = restored(
        backup,
        point,
        scratch=scratch,
        role_arn=role,
        over=lambda: now() - started > limit,
        wait=wait,
    )
    found = Comparison()
    if job == "COMPLETED":
        found = compare(s3, source=source, scratch=scratch, begun=point.begun, ended=point.ended)
    seconds = now() - started
    record = {
        "environment": environment.name,
        "backup": point.arn,
        "backup_begun": point.begun.isoformat(),
        "backup_age_hours": round(age, 1),
        "backup_bytes": point.size,
        "job": job,
        "objects": asdict(found),
        "seconds": round(seconds, 1),
        "rto_hours": settings.rto_hours,
        "within_rto": job == "COMPLETED" and seconds <= limit,
        "faithful": job == "COMPLETED" and found.faithful,
    }
    if job == "COMPLETED":
        say(f"{environment.name}: {empty(s3, scratch):,} versions deleted from {scratch} again")
    return record


def main(arguments: Sequence[str] | None = None) -> int:
    """Try it; return 0 where all came back in time, 2 where it did not, 1 where AWS ended it."""
    parser = argparse.ArgumentParser(prog=f"python -m deploy.{_COMMAND}", description=__doc__)
    parser.add_argument("--environment", required=True, metavar="NAME")
    parser.add_argument("--permission", action="store_true", help="print the policy that allows it")
    parser.add_argument("--record", metavar="FILE", type=Path, help="a new file; a drill needs one")
    words = parser.parse_args(arguments)
    return conclude(_COMMAND, lambda: _work(words))


def _settings(environment: Environment) -> Finma:
    """Return the add-on's settings."""
    settings = next((one for one in environment.addons if isinstance(one, Finma)), None)
    if settings is None:
        raise IncidentError(
            f"environment {environment.name} has no add-on finma, so it has no vault and nothing "
            "was restored. Switch it on: docs/addons/finma.md"
        )
    return settings


def _work(words: argparse.Namespace) -> int:
    environment = find_environment(words.environment)
    settings = _settings(environment)
    path: Path | None = words.record
    if path is None and not words.permission:
        raise IncidentError("no file is named for the record, so nothing was restored: --record")
    about = Scope(environment=environment, workspaces=(), whole=True)
    clients = about.clients()
    if words.permission or path is None:
        shown(permission(environment, settings, clients))
        return 0
    return _try(about, clients, path)


def _try(about: Scope, clients: Clients, path: Path) -> int:
    record: dict[str, Any] = {
        "begun": datetime.now(UTC).isoformat(),
        "by": caller(clients("sts")),
        "environment": about.environment.name,
        # So it says until the end: whatever ends a drill early, a record of it does not pass.
        "job": "begun, and not ended",
        "within_rto": False,
        "faithful": False,
    }
    write_new(path, record)
    try:
        record |= drill(about.environment, clients)
    except (IncidentError, *TROUBLE) as error:
        record["job"] = f"the drill ended early: {error}"
        raise
    finally:
        finish(path, record)
        say(f"The record is in {path}")
        try_lock(about, clients, _COMMAND, record)
    return _judged(record)


def _judged(record: dict[str, Any]) -> int:
    objects, hours = record["objects"], record["seconds"] / 3600
    say(
        f"{objects['same']:,} objects came back as they were, {objects['wrong']:,} are wrong, "
        f"{objects['missing']:,} are missing, {objects['not_compared']:,} could not be compared; "
        f"{hours:.2f} hours of {record['rto_hours']}, of a backup that was "
        f"{record['backup_age_hours']:,} hours old"
    )
    if record["faithful"] and record["within_rto"]:
        return 0
    why = (
        f"the restore was {record['job']}"
        if record["job"] != "COMPLETED"
        else f"objects are not what was backed up: {', '.join(objects['keys'])}"
        if objects["keys"]
        else "nothing could be compared"
        if not record["faithful"]
        else "it took longer than rto_hours"
    )
    raise IncidentError(f"the drill failed: {why}. Read the record, mend it, and try again")
