"""Waiting until a stopped session's workers have left: what they are in the middle of is written.

A worker that is told to stop commits what it has, for up to two minutes. Whoever erases a session
earlier may find a result in it afterwards; nobody could read that, its key is erased.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst.aws import ABSENT, code_of
from starburst.contract import SessionKeys
from starburst.status import SessionStatus

from .control import Control
from .refusals import aws_errors

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["wait_for_departure"]

_LONGEST_SECONDS: Final = 180
"""ECS kills a worker 120 s after it was told to stop, and takes a while to say so."""

_PAUSE_SECONDS: Final = 1.0


def wait_for_departure(connection: Connection, keys: SessionKeys, control: Control) -> bool:
    """Return once no worker of a stopped session is left; False where some are after 3 minutes."""
    until = time.monotonic() + _LONGEST_SECONDS
    while _workers(connection, keys):
        if time.monotonic() > until:
            return False
        time.sleep(_PAUSE_SECONDS)
        control.refresh()
    return True


def _workers(connection: Connection, keys: SessionKeys) -> int:
    with aws_errors("read the session's status"):
        try:
            answer = connection.s3.get_object(Bucket=connection.document.bucket, Key=keys.status)
        except ClientError as error:
            if code_of(error) in ABSENT:
                return 0
            raise
        text = answer["Body"].read()
    with suppress(ValueError):
        return SessionStatus.from_json(text).workers_running
    return 0
