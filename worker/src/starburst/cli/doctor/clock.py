"""Whether this computer's clock goes as AWS's: what is signed at another time is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from starburst._client.access.aws_errors import aws_errors
from starburst.contract.areas import SESSIONS
from starburst.errors import StarburstError

from .finding import Finding
from .fixes import set_clock

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection

__all__ = ["look_at_clock"]

_MOST_SECONDS: Final = 60
"""AWS forgives five minutes; a clock that is off by one of them goes wrong."""


def look_at_clock(
    connection: Connection, *, now: Callable[[], float] = time.time
) -> Iterator[Finding]:
    """Compare the clock with the time of an answer of S3; nothing where that has none.

    Args:
        connection: to the environment.
        now: the clock.
    """
    try:
        with aws_errors("look at S3's clock"):
            answer = connection.s3.list_objects_v2(
                Bucket=connection.document.bucket,
                Prefix=SESSIONS.prefix(connection.workspace, connection.user),
                MaxKeys=1,
            )
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        there = parsedate_to_datetime(headers["date"]).timestamp()
    except (StarburstError, KeyError, ValueError):
        return  # that this is refused is found next, in its own words
    off = now() - there
    if abs(off) <= _MOST_SECONDS:
        yield Finding(True, "this computer's clock goes as AWS's does", check="clock")
        return
    fast = "fast" if off > 0 else "slow"
    yield Finding(
        False,
        f"this computer's clock is {abs(off):,.0f} seconds {fast}; AWS refuses what is signed five "
        "minutes early or late",
        set_clock(),
        "clock",
    )
