"""``starburst doctor``: everything that commonly stops a first burst, looked at beforehand."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starburst.errors import StarburstError

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst.aws.cost_tag import CostTag

__all__ = ["Finding", "examine"]

_LONG_LIVED: Final = re.compile("AKIA[0-9A-Z]{16}")
_FILES: Final = (
    ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
    ("AWS_CONFIG_FILE", "~/.aws/config"),
)
"""Where boto3 looks for keys, and the variable that moves each."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: whether it is sound, and what was seen or is to be done."""

    sound: bool
    text: str


def examine(
    connect: Callable[[], Connection], *, cost_tag: Callable[[], CostTag] | None = None
) -> Iterator[Finding]:
    """Look at credentials, environment, versions, the way to the bucket, limits and budgets.

    Args:
        connect: to the environment.
        cost_tag: asks whether budgets count; not asked of the local environment.
    """
    yield _static_keys()
    try:
        connection = connect()
    except StarburstError as error:
        yield Finding(False, str(error))
        return
    document = connection.document
    yield Finding(
        True,
        f"environment {document.environment} in {document.region}, workspace "
        f"{connection.workspace}, user {connection.user}",
    )
    yield _python(document.python)
    yield _bucket(connection)
    limits = connection.limits
    yield Finding(
        True,
        f"a session may have {limits.workers} workers, {limits.vcpu:g} vCPU, "
        f"{limits.memory_gb:g} GB and ${limits.usd_per_hour:g} an hour, for "
        f"{limits.timeout_seconds / 3600:g} hours",
    )
    yield from _totals(connection)
    if not connection.local and cost_tag is not None:
        tag = cost_tag()
        yield Finding(tag.active is not False, tag.text)


def _totals(connection: Connection) -> Iterator[Finding]:
    document = connection.document
    for whose, totals in (
        (
            f"all sessions of {connection.workspace}",
            document.workspaces[connection.workspace].totals,
        ),
        ("all of yours", document.user_totals),
    ):
        yield Finding(
            True,
            f"{whose} in total: {totals.sessions} sessions, {totals.workers} workers, "
            f"${totals.usd_per_hour:g} an hour, ${totals.usd_per_day:g} a day and "
            f"${totals.usd_per_month:g} a month",
        )


def _static_keys() -> Finding:
    """Long-lived keys leak through disks, logs and version control (S1, G2)."""
    places = []
    if _LONG_LIVED.match(os.environ.get("AWS_ACCESS_KEY_ID", "")):
        places.append("AWS_ACCESS_KEY_ID")
    for variable, usual in _FILES:
        file = Path(os.environ.get(variable, usual)).expanduser()
        with suppress(OSError):  # what we may not read, boto3 may not either
            if file.is_file() and _LONG_LIVED.search(file.read_text(errors="replace")):
                places.append(str(file))
    if not places:
        return Finding(True, "no long-lived AWS keys in the environment or in AWS's files")
    return Finding(
        False,
        f"long-lived AWS keys in {' and '.join(places)}: use a login that expires, such as "
        "`aws sso login`, and delete the keys",
    )


def _python(wanted: str) -> Finding:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if here == wanted:
        return Finding(True, f"Python {here}, as on the workers")
    return Finding(
        False, f"Python {here} here, {wanted} on the workers: pickled functions do not travel"
    )


def _bucket(connection: Connection) -> Finding:
    from starburst._client.attaching import list_sessions  # noqa: PLC0415 - slow to import

    try:
        count = len(list_sessions(connection))
    except StarburstError as error:
        return Finding(False, str(error))
    noun = "session" if count == 1 else "sessions"
    return Finding(True, f"your folder can be read: {count} {noun} in it")
