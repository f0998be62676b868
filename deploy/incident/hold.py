"""Keep evidence: a legal hold on every version below a prefix: ``python -m deploy.hold`` (S37).

Nothing erases a held version, its owner, the lifecycle and ``cleanup(force=True)`` included, until
the hold is lifted. No role of the kit can lift one. What is written later is not held by itself; so
that nobody erases or hides it, the roles there are denied to delete as well.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import botocore.exceptions
from botocore.exceptions import BotoCoreError

from deploy.incident.command import (
    Clients,
    IncidentError,
    apply_options,
    caller,
    conclude,
    runtime,
    say,
    scope,
    shown,
    write_new,
)
from deploy.incident.records import lock, locker, try_lock
from deploy.incident.retention import keep
from deploy.incident.revoke import each_change, put_document, undo
from deploy.incident.steps import Steps
from deploy.incident.subject import require_known, require_something
from deploy.incident.versions import Version, at_once, below, refused, session_options
from starburst.aws.calls import code_of
from starburst.aws.erasing import Kept, told
from starburst_constructs.policies.incident_response import holder_document

__all__ = ["held", "hold", "main"]

_NO_HOLD = ("NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError")
_NO_LOCK = ("InvalidRequest", "ObjectLockConfigurationNotFoundError")
_VANISHED = ("NoSuchKey", "NoSuchVersion")


def hold(
    s3: Any,  # noqa: ANN401 - any client of boto3
    bucket: str,
    where: Sequence[str],
    *,
    on: bool = True,
) -> tuple[int, Sequence[Kept]]:
    """Put every version on hold, or lift all holds; return how many, and those that S3 refused.

    Args:
        s3: of a role that may.
        bucket: the data bucket.
        where: prefixes. A delete marker holds no data and takes no hold.
        on: whether to hold.
    """
    status = "ON" if on else "OFF"

    def one(version: Version) -> int | Kept:
        try:
            s3.put_object_legal_hold(
                Bucket=bucket,
                Key=version.key,
                VersionId=version.id,
                LegalHold={"Status": status},
            )
        except botocore.exceptions.ClientError as error:
            if code_of(error) in _VANISHED:
                return 0
            if code_of(error) in _NO_LOCK:
                raise IncidentError(
                    f"bucket {bucket} has no Object Lock, so no version was held: it was deployed "
                    "by an earlier release or by an emulator. Deploy the storage stack again; "
                    "until then contain users, and copy what is evidence"
                ) from error
            return refused(version, error)
        except (BotoCoreError, UnicodeError) as error:
            return refused(version, error)
        return 1

    done = list(at_once(one, (each for each in below(s3, bucket, where) if not each.marker)))
    kept = [each for each in done if isinstance(each, Kept)]
    return sum(each for each in done if isinstance(each, int)), kept


def held(s3: Any, bucket: str, version: Version) -> bool:  # noqa: ANN401
    """Return whether a version is on hold."""
    try:
        answer = s3.get_object_legal_hold(Bucket=bucket, Key=version.key, VersionId=version.id)
    except botocore.exceptions.ClientError as error:
        if code_of(error) in (*_NO_HOLD, *_NO_LOCK, *_VANISHED):
            return False
        raise
    return answer.get("LegalHold", {}).get("Status") == "ON"


def main(arguments: Sequence[str] | None = None, *, clients: Clients | None = None) -> int:
    """Show, hold or lift; return the process's exit code.

    Args:
        arguments: of the command line.
        clients: made of the shell's credentials without it.
    """
    words = _options().parse_args(arguments)
    return conclude("hold", lambda: _work(words, clients))


def _work(words: argparse.Namespace, clients: Clients | None) -> None:
    about = scope(words)
    where = about.prefixes
    clients = clients or about.clients()
    bucket = runtime(about.environment, clients).bucket
    if words.permission:
        shown(
            holder_document(
                about.environment.name,
                where,
                bucket=bucket,
                locker=locker(about.environment, clients),
                placement=about.placement,
            )
        )
        return
    s3, iam = clients("s3"), clients("iam")
    require_known(about, clients)
    every = list(below(s3, bucket, where))
    if about.user is not None:
        require_something(where, found=len(every))
    found = [one for one in every if not one.marker]
    changes = keep(about, "held")
    if not words.apply:
        verb = "lift the hold on" if words.undo else "put a hold on"
        for prefix in where:
            count = sum(one.key.startswith(prefix) for one in found)
            say(f"would {verb} {count:,} versions below {prefix}")
        for change in changes:
            verb = "take {} from" if words.undo else "put {} on"
            say(f"would {verb.format(change.policy)} {change.role}")
        say("Nothing was changed. Add --apply to do it.")
        return
    now, command = datetime.now(UTC), "unhold" if words.undo else "hold"
    steps, who = Steps("hold"), partial(caller, clients("sts"))
    path = words.record or Path(f"{command}-{about.environment.name}-{now:%Y%m%dT%H%M%SZ}.json")
    record = {
        "what": f"before {'lifting the hold on' if words.undo else 'holding'} {about}",
        "prefixes": where,
        "versions": len(found),
        "by": who() if words.undo else steps.take("write down who asks", who),
        "at": now.isoformat(),
    }
    write_new(path, record)
    # A hold is put whatever becomes of its record; none is lifted without one.
    if words.undo:
        lock(about, clients, command, record)
    wrong = "" if words.undo else try_lock(about, clients, command, record)
    for what, done in each_change(steps, changes, undo if words.undo else put_document, iam):
        say(f"{what} {done}")
    count, kept = hold(s3, bucket, where, on=not words.undo)
    say(f"{count:,} versions below {', '.join(where)} are {'free' if words.undo else 'on hold'}")
    if kept:
        steps.refused.append(
            f"{len(kept):,} versions are not: {told(kept)}. What is refused again can be kept by a "
            "copy"
        )
    elif not words.undo and not steps.refused:
        say("What is written later is not: contain first, and run it again after the last worker.")
    steps.end(f"{about} is {'free' if words.undo else 'on hold'}", besides=wrong)


def _options() -> argparse.ArgumentParser:
    parser = session_options("hold", "Keep every version of a user's objects from being erased.")
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="where to write down what is done (a new file)"
    )
    apply_options(parser, undo="lift the holds")
    return parser
