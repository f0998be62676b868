"""Erasing a session: every version and every delete marker of every object below its prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starburst._client.access.aws_errors import aws_errors
from starburst._functions.caller import warn
from starburst.aws.erasing import erase_below, told
from starburst.contract import SessionKeys
from starburst.errors import SessionError

from .stopped_workers import wait_until_workers_left

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst._client.access.controller import Control

__all__ = ["erase", "erase_when_left"]


def erase(connection: Connection, keys: SessionKeys, *, records: bool = False) -> int:
    """Delete all versions of a session's objects (S29); return how many that were.

    Args:
        connection: where.
        keys: the session.
        records: leave what tasks printed, the record for the session's report, and what opens
            them: manifest and status. Where there is neither, nothing is left.

    Raises:
        SessionError: S3 kept some, and all the others are erased; the message names some and S3's
            reasons.
    """
    s3, bucket = connection.s3, connection.document.bucket
    left: tuple[str, ...] = ()
    with aws_errors(f"erase session {keys.session}"):
        if records and any(_any_below(connection, each) for each in (keys.report, keys.logs)):
            left = (keys.logs, keys.report, keys.manifest, keys.status)
        found = erase_below(s3, bucket, [keys.prefix], spared=lambda key: key.startswith(left))
    if found.kept:
        raise SessionError(
            f"{len(found.kept):,} objects of session {keys.session} could not be erased, and "
            f"{found.gone:,} are. There stay {told(found.kept)}. Erase it again with `starburst "
            f"stop {keys.session} --erase`; if they stay, show this to your platform engineer: "
            "they may be on hold as evidence"
        )
    return found.gone


def _any_below(connection: Connection, prefix: str) -> bool:
    page = connection.s3.list_objects_v2(
        Bucket=connection.document.bucket, Prefix=prefix, MaxKeys=1
    )
    return bool(page.get("Contents"))


def erase_when_left(
    connection: Connection,
    keys: SessionKeys,
    control: Control,
    *,
    wait: bool,
    records: bool = False,
) -> None:
    """Erase a session once its workers have left; where some stay for long, a warning says so.

    Args:
        connection: where.
        keys: the session.
        control: asks the controller how many workers are left.
        wait: whether any may still write.
        records: leave what tasks printed; see :func:`erase`.
    """
    left = not wait or wait_until_workers_left(connection, keys, control)
    erase(connection, keys, records=records)
    if not left:
        warn(
            f"workers of session {keys.session} are still there and may write once more; erase "
            f"it again in a few minutes: `starburst stop {keys.session} --erase`"
        )
