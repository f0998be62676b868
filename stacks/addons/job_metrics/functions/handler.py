"""What both functions of the job metrics run: count what the queue gives, or write the hour.

One folder for two functions, each with a role of its own: who counts reads the queue and enters
rows; who writes asks the controller, reads the rows, and puts files that it cannot read.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import boto3
from botocore.config import Config
from counting import count
from exporting import export
from ledger import Ledger
from pricing import Prices
from session_rows import door, take_sessions

__all__ = ["HourFailed", "handle"]

_MARGIN_MILLISECONDS = 60_000


class HourFailed(RuntimeError):
    """A part of an hour's work failed; an alarm tells people, and the next hour tries again."""


class Context(Protocol):
    """The part of Lambda's context that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this call may still take."""
        ...


def handle(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Count messages of the queue, or do an hour's work.

    Raises:
        HourFailed: a part of an hour's work failed; the rest was done.
    """
    days = int(os.environ["JOBS_DAYS"])
    patient = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5)
    ledger = Ledger(boto3.client("dynamodb", config=patient), os.environ["JOBS_TABLE"], days=days)
    if "Records" in event:
        return count(event["Records"], ledger, Prices.parse(os.environ["JOBS_PRICES"]))
    return _hour(ledger, context, days=days)


def _hour(ledger: Ledger, context: Context, *, days: int) -> dict[str, Any]:
    def going() -> bool:
        return context.get_remaining_time_in_millis() > _MARGIN_MILLISECONDS

    begun, trouble = time.time(), ""
    ask = door(
        boto3.client("lambda", config=Config(read_timeout=90, retries={"max_attempts": 1})).invoke,
        os.environ["JOBS_DOOR"],
        int(os.environ["JOBS_PROTOCOL"]),
    )
    try:
        unread = take_sessions(ledger, ask, going=going)
        if unread:
            trouble = f"records of sessions cannot be read: {', '.join(unread)}"
    # Whatever it is: what was counted is written all the same.
    except Exception as error:
        trouble = f"sessions were not taken: {type(error).__name__}: {error}"
    written = export(
        ledger,
        boto3.client("s3").put_object,
        bucket=os.environ["JOBS_BUCKET"],
        days=days,
        now=datetime.fromtimestamp(begun, UTC),
        going=going,
    )
    if not trouble and not going():
        trouble = "there was no time for all of it: the next hour goes on"
    print(json.dumps({"event": "jobs-hour", "hours": written, "trouble": trouble}))
    if trouble:
        raise HourFailed(trouble)
    return {"hours": written}
