"""Bring objects back as they were at a moment: ``python -m deploy.restore`` (S39).

It takes nothing away: what came later stays, as a version or beside it. What comes back of a
session from an earlier version passes through this machine, sealed as it is; data and homes, which
are not sealed, S3 copies itself. What was erased in every version, or
has outlived ``storage.noncurrent_days`` since it was deleted, cannot come back.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Literal

from deploy.incident.command import (
    Clients,
    IncidentError,
    apply_options,
    conclude,
    parse_time,
    runtime,
    say,
    scope,
    shown,
)
from deploy.incident.subject import require_known, require_something
from deploy.incident.versions import Version, below, refused, session_options
from starburst.aws.calls import TROUBLE
from starburst.aws.erasing import Kept, told
from starburst.aws.write_once import past_conflicts
from starburst.contract.areas import DATA, HOME
from starburst_constructs.policies.incident_response import restorer_document

__all__ = ["Step", "main", "plan", "restore"]

_ORIGIN = "starburst-restored"
"""Metadata of a copy: the version that it brings back, so that a second run leaves it."""

Way = Literal["as it was", "undelete", "copy", "came later"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What brings one object back.

    Attributes:
        key: of the object.
        way: ``undelete`` takes delete markers away, ``copy`` makes the old version the newest.
        version: as it was at the moment; None where it was not there.
        markers: that hide it.
        newest: what a reader finds now.
    """

    key: str
    way: Way
    version: Version | None
    markers: tuple[Version, ...] = ()
    newest: Version | None = None


def plan(versions: Iterable[Version], at: datetime) -> Iterator[Step]:
    """Yield what is to be done for each object.

    Args:
        versions: each key's newest first, as ``below`` yields them.
        at: the moment.
    """
    for key, group in groupby(versions, key=lambda one: one.key):
        every = list(group)
        then = next((one for one in every if one.modified <= at), None)
        if then is None or then.marker:
            yield Step(key=key, way="came later", version=None)
            continue
        later = every[: every.index(then)]
        if not later:
            yield Step(key=key, way="as it was", version=then)
        elif all(one.marker for one in later):
            yield Step(key=key, way="undelete", version=then, markers=tuple(later))
        else:
            yield Step(key=key, way="copy", version=then, newest=later[0])


def restore(s3: Any, bucket: str, step: Step) -> Way:  # noqa: ANN401 - any client of boto3
    """Take one step; return what it came to."""
    if step.way == "undelete":
        for marker in step.markers:
            s3.delete_object(Bucket=bucket, Key=step.key, VersionId=marker.id)
    if step.way != "copy" or step.version is None or step.newest is None:
        return step.way
    origin = step.version.id
    old = {"Bucket": bucket, "Key": step.key, "VersionId": step.version.id}
    if not step.newest.marker:
        now = s3.head_object(Bucket=bucket, Key=step.key, VersionId=step.newest.id)
        if now["Metadata"].get(_ORIGIN) == step.version.id:
            return "as it was"
    if step.key.startswith((DATA.prefix(), HOME.prefix())):
        _copy(s3, bucket, step.key, origin)
        return "copy"
    # The bucket refuses copies where results and manifests are: nobody is an exception, so what
    # comes back is read and written. It is sealed, but for what holds no data.
    with tempfile.TemporaryFile() as body:
        was = s3.get_object(**old)
        shutil.copyfileobj(was["Body"], body)
        hidden = ""
        if not step.newest.marker:
            # Results and manifests are written once, so the write must find nothing there.
            hidden = s3.delete_object(Bucket=bucket, Key=step.key)["VersionId"]

        def put() -> None:
            body.seek(0)
            s3.put_object(
                Bucket=bucket,
                Key=step.key,
                Body=body,
                IfNoneMatch="*",
                Metadata={**was["Metadata"], _ORIGIN: origin},
                ContentType=was["ContentType"],
            )

        try:
            past_conflicts(put)  # the deletion before it may be under way
        except TROUBLE as error:
            _show_again(s3, bucket, step.key, marker=hidden, because=error)
            raise
    return "copy"


def _copy(s3: Any, bucket: str, key: str, version: str) -> None:  # noqa: ANN401
    was = s3.head_object(Bucket=bucket, Key=key, VersionId=version)
    s3.copy(
        {"Bucket": bucket, "Key": key, "VersionId": version},
        bucket,
        key,
        ExtraArgs={
            "MetadataDirective": "REPLACE",
            "Metadata": {**was["Metadata"], _ORIGIN: version},
            "ContentType": was["ContentType"],
        },
    )


def _show_again(s3: Any, bucket: str, key: str, *, marker: str, because: Exception) -> None:  # noqa: ANN401
    """Take our own delete marker away, so that a reader finds what they found before."""
    try:
        if marker:
            s3.delete_object(Bucket=bucket, Key=key, VersionId=marker)
    except TROUBLE as error:
        raise IncidentError(
            f"{because}. Nor could our delete marker {marker} be taken away, so a reader finds "
            f"nothing there: {error}"
        ) from error


def main(arguments: Sequence[str] | None = None, *, clients: Clients | None = None) -> int:
    """Show or restore; return the process's exit code.

    Args:
        arguments: of the command line.
        clients: made of the shell's credentials without it.
    """
    words = _options().parse_args(arguments)
    return conclude("restore", lambda: _work(words, clients))


def _work(words: argparse.Namespace, clients: Clients | None) -> None:
    about = scope(words)
    where = about.prefixes
    clients = clients or about.clients()
    document = runtime(about.environment, clients)
    if words.permission:
        shown(
            restorer_document(
                about.environment.name,
                where,
                bucket=document.bucket,
                key_arn=document.key_arn,
                placement=about.placement,
            )
        )
        return
    if words.at is None or words.at > datetime.now(UTC):
        raise IncidentError("name a moment that was: --at 2026-01-31T12:00:00Z")
    s3 = clients("s3")
    require_known(about, clients)
    versions = list(below(s3, document.bucket, where))
    if about.user is not None:
        require_something(where, found=len(versions))
    steps = list(plan(versions, words.at))
    if not words.apply:
        for step in steps:
            if step.way in ("undelete", "copy"):
                say(f"would {step.way} {step.key}")
        _count(Counter(step.way for step in steps))
        say("Nothing was changed. Add --apply to do it.")
        return
    done: Counter[Way] = Counter()
    kept: list[Kept] = []
    for step in steps:
        try:
            done[restore(s3, document.bucket, step)] += 1
        except (IncidentError, *TROUBLE, UnicodeError) as error:
            if step.version is None:
                raise
            kept.append(refused(step.version, error))
    _count(done)
    if kept:
        raise IncidentError(
            f"{len(kept):,} objects could not be brought back, all others are: {told(kept)}. Run "
            "it again, or copy their versions by hand"
        )


def _count(ways: Counter[Way]) -> None:
    say(
        f"{ways['undelete']:,} to bring back from deletion, {ways['copy']:,} from an earlier "
        f"version; {ways['as it was']:,} are as they were, {ways['came later']:,} were not there"
    )


def _options() -> argparse.ArgumentParser:
    parser = session_options("restore", "Bring objects back as they were at a moment.")
    parser.add_argument("--at", type=parse_time, metavar="TIME", help="the moment, ISO 8601")
    apply_options(parser)
    return parser
