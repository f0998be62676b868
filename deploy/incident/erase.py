"""Erase a user's data in every version, with a receipt: ``python -m deploy.erase`` (S35, S29)."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
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
    finish,
    runtime,
    say,
    scope,
    shown,
    write_new,
)
from deploy.incident.hold import held
from deploy.incident.records import RecordError, lock, locker
from deploy.incident.retention import refuse_kept
from deploy.incident.subject import require_known, require_something
from deploy.incident.versions import Version, at_once, below, session_options
from starburst.aws.calls import TROUBLE
from starburst.aws.erasing import ONE_NAMES_TROUBLE, Kept, erase_below, is_one_names_trouble
from starburst.contract import CONTROL_PREFIX, SessionKeys
from starburst.contract.areas import DATA, HOME
from starburst_constructs.policies.incident_response import eraser_document
from starburst_constructs.storage.retention import CONTROL_DAYS

__all__ = ["Receipt", "erase_subject", "main", "take_stock"]

_NAMED: Final = 100
"""So many of the versions that stay are named on the terminal."""

_KEPT: Final = (
    f"{CONTROL_PREFIX}ended/: the controller's records of ended sessions (user name, size, cost), "
    f"which account for what was done; they expire after {CONTROL_DAYS} days",
    "the trail, access logs and workers' logs, which hold names of objects; they expire by their "
    "retention and cannot be changed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was erased: no personal data beyond the prefixes that were asked for.

    Attributes:
        environment: where.
        prefixes: what was asked.
        by: ARN of who did it.
        asked: when it began; ``finished`` is when it ended, empty until then.
        objects, versions, markers, bytes: what was there.
        names_sha256: over all names and versions, sorted: proves later which they were.
        not_erased: how many versions stayed, by S3's reason.
        not_erased_sha256: over their names and versions, sorted; empty where none stayed.
        kept: what names the person elsewhere, and why it stays.
    """

    environment: str
    prefixes: Sequence[str]
    by: str
    asked: str
    objects: int
    versions: int
    markers: int
    bytes: int
    names_sha256: str
    finished: str = ""
    not_erased: dict[str, int] = field(default_factory=dict)
    not_erased_sha256: str = ""
    kept: Sequence[str] = _KEPT


def _shared(about: Scope, where: Sequence[str]) -> tuple[str, ...]:
    """Return what is not erased with a person: what they put there is their workspace's."""
    if about.user is None or not any(one.startswith(HOME.prefix()) for one in where):
        return ()
    return tuple(
        f"{DATA.prefix(name)}: the workspace's, whoever put it there; its steward removes what is "
        "about the person (starburst data rm --steward), in every version after "
        f"{about.environment.storage.noncurrent_days} days"
        for name in about.workspaces
    )


def take_stock(
    about: Scope, clients: Clients, where: Sequence[str]
) -> tuple[Receipt, list[Version]]:
    """Return what would be erased, as the receipt will say it.

    Raises:
        IncidentError: a session there is active, a user is contained or held, or nobody of that
            name is there.
    """
    refuse_kept(about, clients, where)
    require_known(about, clients)
    s3, bucket = clients("s3"), runtime(about.environment, clients).bucket
    versions = list(below(s3, bucket, where))
    if about.user is not None:
        require_something(where, found=len(versions))
    _no_session(s3, bucket, versions)
    _no_hold(s3, bucket, versions)
    data = [one for one in versions if not one.marker]
    stock = Receipt(
        environment=about.environment.name,
        prefixes=tuple(where),
        by=caller(clients("sts")),
        asked=_now(),
        objects=len({one.key for one in versions}),
        versions=len(data),
        markers=len(versions) - len(data),
        bytes=sum(one.size for one in data),
        names_sha256=_digest((one.key, one.id) for one in versions),
        kept=(*_shared(about, where), *_KEPT),
    )
    return stock, versions


def erase_subject(
    about: Scope, clients: Clients, where: Sequence[str], *, receipt: Path
) -> tuple[Receipt, Sequence[Kept]]:
    """Erase every version and marker below and write the receipt; return what stayed.

    Args:
        about: the environment.
        clients: of a role that may.
        where: such as ``sessions/genomics/alice/``.
        receipt: a new file; until all is done it says what was begun.

    Raises:
        IncidentError: nothing was erased: a session is active, a user is contained, a version is
            on hold, or the receipt cannot be written or locked.
            Or it ended early, and the receipt says what was begun. Or all was erased, and the
            receipt, which is then printed, could not be finished.
        RecordError: all was erased, and the receipt is in its file alone.
    """
    bucket = runtime(about.environment, clients).bucket
    stock, _ = take_stock(about, clients, where)
    write_new(receipt, asdict(stock))
    try:
        lock(about, clients, "erase", asdict(stock))
    except RecordError as error:
        raise IncidentError(f"nothing was erased: {error}") from error
    try:
        kept = erase_below(clients("s3"), bucket, where).kept
    except TROUBLE as error:
        raise IncidentError(
            f"erasing ended early, so some versions below {', '.join(where)} are gone and others "
            f"are not: {error}. {receipt} says what was begun. It takes what python -m "
            "deploy.erase --permission prints; then run it again with a new receipt, which says "
            "what was left"
        ) from error
    done = replace(
        stock,
        finished=_now(),
        not_erased=dict(Counter(one.reason for one in kept)),
        not_erased_sha256=_digest((one.key, one.version) for one in kept) if kept else "",
    )
    unwritten = _finish(receipt, done)
    try:
        lock(about, clients, "erased", asdict(done))
    except RecordError as error:
        said = unwritten or f"erasing is done and {receipt} says what went"
        raise RecordError(f"{said}, but {error}") from error
    if unwritten:
        raise IncidentError(f"{unwritten}: keep that in a new file")
    return done, kept


def _finish(receipt: Path, done: Receipt) -> str:
    """Write the finished receipt, or print it; return what is wrong, or nothing."""
    try:
        finish(receipt, asdict(done))
    except IncidentError as error:
        shown(asdict(done))
        return f"erasing is done, but {error}; the whole receipt is printed above"
    return ""


def main(arguments: Sequence[str] | None = None, *, clients: Clients | None = None) -> int:
    """Show or erase; return the process's exit code.

    Args:
        arguments: of the command line.
        clients: made of the shell's credentials without it.
    """
    words = _options().parse_args(arguments)
    return conclude("erase", lambda: _work(words, clients))


def _work(words: argparse.Namespace, clients: Clients | None) -> int | None:
    about = scope(words)
    where = about.prefixes
    if about.whole:
        raise IncidentError("name what to erase: --workspace, --user or --session, or several")
    clients = clients or about.clients()
    if words.permission:
        shown(
            eraser_document(
                about.environment.name,
                where,
                bucket=runtime(about.environment, clients).bucket,
                locker=locker(about.environment, clients),
                placement=about.placement,
            )
        )
        return None
    if not words.apply:
        stock, _ = take_stock(about, clients, where)
        shown(asdict(stock))
        for untouched in _shared(about, where):
            say(f"would not touch {untouched}")
        say(f"would erase {stock.versions:,} versions and {stock.markers:,} markers, for ever")
        say("Nothing was changed. Add --apply to do it.")
        return None
    path = words.receipt or Path(f"erased-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json")
    done, kept = erase_subject(about, clients, where, receipt=path)
    say(f"{done.versions:,} versions and {done.markers:,} markers below {', '.join(where)}")
    for one in kept[:_NAMED]:
        say(f"stays: {one}")
    if len(kept) > _NAMED:
        say(f"stays: and {len(kept) - _NAMED:,} more")
    if done.not_erased:
        reasons = ", ".join(f"{count:,} for {why}" for why, count in done.not_erased.items())
        raise IncidentError(
            f"not all could be erased: {reasons}. {path} says so; clear the reason and run it again"
        )
    say(f"are erased; {path} is the receipt")
    for untouched in _shared(about, where):
        say(f"not touched: {untouched}")
    return None


def _no_session(s3: Any, bucket: str, versions: Iterable[Version]) -> None:  # noqa: ANN401 - any client of boto3
    # Of each a manifest is there, which its user alone may write: other names may be anything.
    theirs = {
        keys.session
        for one in versions
        if (keys := SessionKeys.parse(one.key)) and one.key == keys.manifest
    }
    prefix = f"{CONTROL_PREFIX}active/"
    active = {
        entry["Key"].removeprefix(prefix).removesuffix(".json")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for entry in page.get("Contents", ())
    }
    if both := sorted(theirs & active):
        raise IncidentError(
            f"session {both[0]} is active ({len(both)} in all), so nothing was erased: its workers "
            "would write on. Its user stops it with starburst stop. Where they cannot, "
            "python -m deploy.contain ends it within an hour; release them then"
        )


def _no_hold(s3: Any, bucket: str, versions: Iterable[Version]) -> None:  # noqa: ANN401
    data = [one for one in versions if not one.marker]

    def one(version: Version) -> bool:
        try:
            return held(s3, bucket, version)
        except ONE_NAMES_TROUBLE as error:
            if is_one_names_trouble(error):
                return False  # S3 itself erases nothing that is on hold
            raise

    count = sum(at_once(one, data))
    if count:
        raise IncidentError(
            f"{count:,} versions are on hold as evidence, so nothing was erased. Ask who holds "
            "them; python -m deploy.hold --undo lifts it"
        )


def _digest(versions: Iterable[tuple[str, str]]) -> str:
    lines = sorted(json.dumps([key, version]) for key, version in versions)
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _options() -> argparse.ArgumentParser:
    parser = session_options("erase", "Erase a user's data in every version, with a receipt.")
    parser.add_argument(
        "--receipt", type=Path, metavar="FILE", help="where to write the receipt (a new file)"
    )
    apply_options(parser)
    return parser
