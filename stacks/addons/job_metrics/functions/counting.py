"""Count stopped workers: each message of the queue once in the ledger, or back to the queue.

What cannot be entered now, as where DynamoDB throttles, is named as failed: the queue gives it
again, and after ten times keeps it apart for people. Nothing is dropped.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from ledger import Ledger
from pricing import Prices
from worker_rows import Unreadable, WorkerRow, worker_row

__all__ = ["count"]

TABLE = "job_workers"


def count(records: Iterable[Mapping[str, Any]], ledger: Ledger, prices: Prices) -> dict[str, Any]:
    """Enter the workers of a batch of messages; return which messages are to come again."""
    failed: list[str] = []
    hours: defaultdict[str, list[str]] = defaultdict(list)
    new: list[WorkerRow] = []
    for record in records:
        message = str(record["messageId"])
        try:
            found = worker_row(_event(record), prices)
            outcome = ledger.enter(
                TABLE, found.hour, found.task, version=found.version, row=found.row
            )
        except (BotoCoreError, ClientError, Unreadable) as error:
            failed.append(message)
            _tell({"event": "jobs-not-counted", "message": message, "why": type(error).__name__})
            continue
        # A known one too: its hour's mark may be what failed the last time.
        hours[found.hour].append(message)
        if outcome == "new":
            new.append(found)
    for hour, messages in hours.items():
        try:
            ledger.mark(TABLE, hour)
        except (BotoCoreError, ClientError) as error:
            failed += messages
            _tell({"event": "jobs-not-marked", "hour": hour, "why": type(error).__name__})
    _measure(new)
    return {"batchItemFailures": [{"itemIdentifier": one} for one in dict.fromkeys(failed)]}


def _event(record: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        found = json.loads(record["body"])
    except (RecursionError, ValueError) as error:
        raise Unreadable("it is no JSON") from error
    if not isinstance(found, dict):
        raise Unreadable("it is no object")
    return found


def _measure(new: Iterable[WorkerRow]) -> None:
    """Print a line for each workspace, of which filters of the log make metrics."""
    of: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in new:
        of[one.row["workspace"]].append(one.row)
    for workspace, rows in of.items():
        waited = [row["waited_seconds"] for row in rows if row["waited_seconds"] is not None]
        _tell(
            {
                "event": "jobs-counted",
                "workspace": workspace,
                "workers": len(rows),
                "lost_workers": sum(row["lost"] for row in rows),
                "worker_hours": round(sum(row["billed_seconds"] for row in rows) / 3600, 6),
                "usd": round(sum(row["usd"] or 0.0 for row in rows), 6),
                "unpriced_workers": sum(row["usd"] is None for row in rows),
                "start_seconds": round(max(waited, default=0.0), 3),
            }
        )


def _tell(line: Mapping[str, Any]) -> None:
    print(json.dumps(line))
