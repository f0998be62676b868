"""Versions of objects below prefixes: what is held, erased and brought back."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError

from deploy.incident.command import options
from starburst.aws.calls import CONNECTIONS, code_of
from starburst.aws.erasing import Kept

__all__ = ["Version", "at_once", "below", "refused", "session_options"]

_AHEAD: Final = 1000

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of an object, or a delete marker.

    Attributes:
        key: of the object.
        id: of the version.
        marker: whether it only says that the object was deleted.
        latest: whether it is what a reader finds.
        size: bytes.
        modified: when it was written.
    """

    key: str
    id: str
    marker: bool
    latest: bool
    size: int
    modified: datetime


def below(s3: Any, bucket: str, prefixes: Sequence[str]) -> Iterator[Version]:  # noqa: ANN401 - any client of boto3
    """Yield every version and marker below prefixes, each key's newest first."""
    pages = s3.get_paginator("list_object_versions")
    for prefix in prefixes:
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            found = [
                *(_version(one, marker=False) for one in page.get("Versions", ())),
                *(_version(one, marker=True) for one in page.get("DeleteMarkers", ())),
            ]
            # A page lists versions and markers apart, and knows whole seconds only.
            yield from sorted(
                found, key=lambda one: (one.key, not one.latest, -one.modified.timestamp())
            )


def at_once(work: Callable[[Version], _T], versions: Iterable[Version]) -> Iterator[_T]:
    """Do something with each version, some at a time; the first error ends it."""
    waiting = iter(versions)
    with ThreadPoolExecutor(max_workers=CONNECTIONS) as pool:
        while batch := [one for _, one in zip(range(_AHEAD), waiting, strict=False)]:
            yield from pool.map(work, batch)


def refused(version: Version, error: Exception) -> Kept:
    """Return what is printed of a version with which something could not be done."""
    if isinstance(error, ClientError):
        reason, words = code_of(error), error.response.get("Error", {}).get("Message", "")
    else:
        reason, words = type(error).__name__, str(error)
    return Kept(key=version.key, version=version.id, reason=reason, words=words)


def session_options(command: str, text: str) -> argparse.ArgumentParser:
    """Return the parser of a command that may be about one session."""
    parser = options(command, text)
    parser.add_argument(
        "--session", metavar="ID", help="only this session, with --workspace and --user"
    )
    return parser


def _version(entry: Any, *, marker: bool) -> Version:  # noqa: ANN401 - either of two shapes
    return Version(
        key=entry["Key"],
        id=entry["VersionId"],
        marker=marker,
        latest=entry["IsLatest"],
        size=entry.get("Size", 0),
        modified=entry["LastModified"],
    )
