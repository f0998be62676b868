"""Erasing a session: every version and every delete marker of every object below its prefix."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from starburst.contract import SessionKeys
from starburst.errors import SessionError

from .refusals import aws_errors

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["erase"]

_BUSY: Final = frozenset({"InternalError", "SlowDown", "ServiceUnavailable"})
"""What S3 says of single objects of a deletion while it is busy; botocore repeats none of them."""

_TRIES: Final = 6
_FIRST_PAUSE: Final = 0.1


def erase(connection: Connection, keys: SessionKeys) -> int:
    """Delete all versions of a session's objects (S29); return how many that were.

    Raises:
        SessionError: S3 kept some; the message names one and S3's reason.
    """
    bucket, gone, tries = connection.document.bucket, 0, 0
    with aws_errors(f"erase session {keys.session}"):
        # Always the first page, until it is empty: what a worker still wrote meanwhile goes too.
        while entries := _first_page(connection, keys):
            answer = connection.s3.delete_objects(
                Bucket=bucket,
                Delete={
                    "Objects": [
                        {"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries
                    ],
                    "Quiet": True,
                },
            )
            errors = answer.get("Errors", [])
            gone += len(entries) - len(errors)
            tries = tries + 1 if errors else 0
            if not errors:
                continue
            if tries == _TRIES or any(error.get("Code") not in _BUSY for error in errors):
                first = errors[0]
                raise SessionError(
                    f"{len(errors)} objects of session {keys.session} could not be erased, such "
                    f"as {first.get('Key')}: {first.get('Message')}"
                )
            time.sleep(_FIRST_PAUSE * 2**tries)
    return gone


def _first_page(connection: Connection, keys: SessionKeys) -> list[Any]:
    page = connection.s3.list_object_versions(Bucket=connection.document.bucket, Prefix=keys.prefix)
    return [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
