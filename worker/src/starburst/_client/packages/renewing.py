"""Wheels of a session that goes on: looked for again, and put back where they are gone.

Each was young enough when the session began to outlive it, whatever it was extended to. One that
is gone all the same was removed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from starburst._client.access.aws_errors import aws_errors
from starburst._functions.caller import warn
from starburst._packages.cache import wheel_path
from starburst._packages.store import PackageStore
from starburst._protocol.packages import PackageList, Wheel, package_list_key
from starburst.aws.calls import DENIED, code_of
from starburst.errors import IntegrityError, StarburstError
from starburst.untrusted.terminal_text import one_line

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst._protocol.manifest import Manifest

__all__ = ["renew"]


def renew(connection: Connection, manifest: Manifest) -> None:
    """Put back the wheels of a session that are gone; say which could not be.

    Args:
        connection: where.
        manifest: of the session.
    """
    longest = max(manifest.timeout_seconds, connection.limits.timeout_seconds)
    if manifest.packages is None or time.time() > manifest.created + longest:
        return
    try:
        gone = _gone(connection, manifest, manifest.packages)
    except (StarburstError, OSError) as error:
        warn(f"the packages of session {manifest.session} cannot be looked at: {one_line(error)}")
        return
    if gone:
        names = ", ".join(f"{each.name} {each.version}" for each in gone)
        warn(
            f"{names} is no longer in workspace {manifest.workspace!r}, and session "
            f"{manifest.session} names it: workers that start from now on fail its tasks. Ask a "
            "steward for `starburst packages publish`, and start the rest in a new session"
        )


def _gone(connection: Connection, manifest: Manifest, digest: str) -> list[Wheel]:
    key = package_list_key(manifest.keys)
    text = connection.read(key, purpose="read the session's list of packages")
    if text is None:
        raise IntegrityError("the session's list of packages is gone")
    listed = PackageList.from_json(text, digest=digest)
    store = PackageStore(connection.s3, connection.document.bucket, manifest.workspace, days=0)
    gone: list[Wheel] = []
    with aws_errors("look at the session's packages"):
        there = store.copies({each.sha256: each.copy for each in listed.wheels})
        for wheel in listed.wheels:
            if wheel.sha256 not in there and not _put_back(store, wheel):
                gone.append(wheel)
    return gone


def _put_back(store: PackageStore, wheel: Wheel) -> bool:
    path = wheel_path(wheel.sha256)
    if not path.is_file():
        return False
    try:
        store.put(
            {wheel.sha256: path},
            copies={wheel.sha256: wheel.copy},
            names={wheel.sha256: wheel.filename},
        )
    except ClientError as error:
        if code_of(error) in DENIED:
            return False
        raise
    return True
