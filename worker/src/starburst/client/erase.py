"""Erasing a session: every version and every delete marker of every object below its prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starburst.contract import SessionKeys
from starburst.errors import SessionError

from .refusals import aws_errors

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["erase"]


def erase(connection: Connection, keys: SessionKeys) -> int:
    """Delete all versions of a session's objects (S29); return how many that were.

    Raises:
        SessionError: S3 kept some; the message names one and S3's reason.
    """
    bucket, gone = connection.document.bucket, 0
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
            if errors:
                first = errors[0]
                raise SessionError(
                    f"{len(errors)} objects of session {keys.session} could not be erased, such "
                    f"as {first.get('Key')}: {first.get('Message')}"
                )
            gone += len(entries)
    return gone


def _first_page(connection: Connection, keys: SessionKeys) -> list[Any]:
    page = connection.s3.list_object_versions(Bucket=connection.document.bucket, Prefix=keys.prefix)
    return [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
