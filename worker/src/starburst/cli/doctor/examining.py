"""What the doctor looks at, in order: this machine, the login, the environment, its limits."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starburst.errors import AccessDenied, StarburstError

from .finding import Finding
from .fixes import fix_of

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst.aws.cost_tag import CostTag

__all__ = ["examine"]

_LONG_LIVED: Final = re.compile("AKIA[0-9A-Z]{16}")
_FILES: Final = (
    ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
    ("AWS_CONFIG_FILE", "~/.aws/config"),
)
"""Where boto3 looks for keys, and the variable that moves each."""

_COUNT: Final = "in the account that pays: Billing, Cost allocation tags, activate it"


def examine(
    connect: Callable[[], Connection],
    *,
    cost_tag: Callable[[], CostTag] | None = None,
    beforehand: Iterable[Finding] = (),
    profile: str | None = None,
) -> Iterator[Finding]:
    """Look at credentials, environment, versions, the way to the bucket, limits and budgets.

    Args:
        connect: to the environment.
        cost_tag: asks whether budgets count; not asked of the local environment.
        beforehand: what can be found without a connection.
        profile: the AWS profile that is used, for what to do about its login.
    """
    from .clock import look_at_clock  # noqa: PLC0415 - slow to import
    from .services import look_at_controller, look_at_key  # noqa: PLC0415 - likewise

    yield _static_keys()
    sound = True
    for finding in beforehand:
        sound = sound and finding.sound
        yield finding
    try:
        connection = connect()
    except StarburstError as error:
        if sound:  # else that is why
            yield Finding(False, str(error), fix_of(error, profile=profile), "environment")
        return
    document = connection.document
    yield Finding(
        True,
        f"environment {document.environment} in {document.region}, workspace "
        f"{connection.workspace}, {'steward' if connection.steward else 'user'} {connection.user}",
        check="environment",
    )
    if connection.steward:
        yield _data(connection, profile)
        return
    if not connection.local:
        yield from look_at_clock(connection)
    yield _python(document.python)
    yield _bucket(connection, profile)
    yield look_at_key(connection, profile)
    yield look_at_controller(connection, profile)
    yield _data(connection, profile)
    limits = connection.limits
    yield Finding(
        True,
        f"a session may have {limits.workers} workers, {limits.vcpu:g} vCPU, "
        f"{limits.memory_gb:g} GB and ${limits.usd_per_hour:g} an hour, for "
        f"{limits.timeout_seconds / 3600:g} hours",
        check="limits",
    )
    yield from _totals(connection)
    if not connection.local and cost_tag is not None:
        tag = cost_tag()
        fix = "" if tag.active is not False else _COUNT
        yield Finding(tag.active is not False, tag.text, fix, "budgets")


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
            check="limits",
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
        return Finding(
            True, "no long-lived AWS keys in the environment or in AWS's files", check="keys"
        )
    return Finding(
        False,
        f"long-lived AWS keys in {' and '.join(places)}",
        "use a login that expires, such as `aws sso login`, and delete the keys",
        "keys",
    )


def _python(wanted: str) -> Finding:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if here == wanted:
        return Finding(True, f"Python {here}, as on the workers", check="python")
    return Finding(
        False,
        f"Python {here} here, {wanted} on the workers: pickled functions do not travel",
        f"use Python {wanted}, for example: uv venv --python {wanted}; or ask for an image with "
        f"{here}",
        "python",
    )


def _data(connection: Connection, profile: str | None) -> Finding:
    from starburst._files.listing import Listing  # noqa: PLC0415 - slow to import
    from starburst._files.places import data_of  # noqa: PLC0415 - likewise

    try:
        empty = next(iter(Listing(data_of(connection), "", recursive=False)), None) is None
    except AccessDenied as error:
        # Of an environment that an earlier release deployed, nobody reads any.
        fix = fix_of(error, profile=profile) if connection.steward else ""
        text = f"no data of {connection.workspace}: {error}"
        return Finding(not connection.steward, text, fix, "data")
    except StarburstError as error:
        return Finding(False, str(error), fix_of(error, profile=profile), "data")
    writers = connection.document.workspaces[connection.workspace].data_writers
    writes = connection.steward or writers == "analysts"
    return Finding(
        True,
        f"the data of {connection.workspace} can be {'read and written' if writes else 'read'}"
        + (", and there are none yet" if empty else "")
        + ("" if writes else "; its steward writes them"),
        check="data",
    )


def _bucket(connection: Connection, profile: str | None) -> Finding:
    from starburst._client.attaching import list_sessions  # noqa: PLC0415 - slow to import

    try:
        count = len(list_sessions(connection))
    except StarburstError as error:
        return Finding(False, str(error), fix_of(error, profile=profile), "sessions")
    noun = "session" if count == 1 else "sessions"
    return Finding(True, f"your folder can be read: {count} {noun} in it", check="sessions")
