"""Erasing a session: every version and every delete marker of every object below its prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starburst._client.access.aws_errors import aws_errors
from starburst.aws.erasing import erase_below, told
from starburst.contract import SessionKeys
from starburst.errors import SessionError

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection

__all__ = ["erase"]


def erase(connection: Connection, keys: SessionKeys) -> int:
    """Delete all versions of a session's objects (S29); return how many that were.

    Raises:
        SessionError: S3 kept some, and all the others are erased; the message names some and S3's
            reasons.
    """
    with aws_errors(f"erase session {keys.session}"):
        found = erase_below(connection.s3, connection.document.bucket, [keys.prefix])
    if found.kept:
        raise SessionError(
            f"{len(found.kept):,} objects of session {keys.session} could not be erased, and "
            f"{found.gone:,} are. There stay {told(found.kept)}. Erase it again with `starburst "
            f"stop {keys.session} --erase`; if they stay, show this to your platform engineer: "
            "they may be on hold as evidence"
        )
    return found.gone
