"""What EventBridge calls twice a day: review every role once a quarter, and tell who cares.

It changes nothing but its record. A second call in a quarter finds the first one's record and only
does what that one could not finish; ``{"round": 2}`` asks for another look in the same quarter. So
a quarter that was missed is made up for by the next call, whatever failed.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from findings import findings_of
from last_accessed import TRACKING_DAYS, Waiting
from record import SCHEMA, as_csv, as_json, key, quarter, summary
from reference import HOST, fetch_from
from reviewing import review

__all__ = ["Clients", "handle", "run"]

Clients = Callable[[str], Any]

_RESERVE_SECONDS: Final = 60.0
"""That are left for the record itself, when jobs are waited for no longer."""

_MOST_ROUNDS: Final = 9

_LAG: Final = timedelta(days=1)
"""By which a quarter begins later: what IAM has on record of the last one may lag by hours."""

_CONFIG: Final = Config(retries={"mode": "adaptive", "max_attempts": 8})


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Review, and say where the record is."""

    def left() -> float:
        return context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS

    def client(service: str) -> Any:
        return boto3.client(service, config=_CONFIG)  # type: ignore[call-overload]

    return run(
        event,
        clients=client,
        settings=os.environ,
        now=datetime.now(UTC),
        waiting=Waiting(left=left, pause=time.sleep),
        by=context.invoked_function_arn,
        say=print,
    )


def run(
    event: Mapping[str, Any],
    *,
    clients: Clients,
    settings: Mapping[str, str],
    now: datetime,
    waiting: Waiting,
    by: str,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Review, and say where the record is.

    Args:
        event: may ask for another ``round`` of the quarter.
        clients: makes a client for a service.
        settings: the function's variables.
        now: when.
        waiting: for IAM's reports.
        by: ARN of who reviews.
        say: writes a line of the log, by which an alarm rings.

    Raises:
        ValueError: the round is none.
    """
    number = event.get("round", 1)
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= _MOST_ROUNDS:
        raise ValueError(f"round is {number!r}; give a number from 1 to {_MOST_ROUNDS}")
    bucket, said = settings["REVIEW_BUCKET"], quarter(now - _LAG)
    s3 = clients("s3")
    store = _Store(s3=s3, bucket=bucket, said=said, number=number)
    found = store.read("review.json")
    made = found is None
    if found is None:
        fresh = _review(clients, settings, now=now, waiting=waiting, by=by, number=number)
        store.write("review.json", as_json(fresh))
        # Whoever came first has written it: what is told is what is stored.
        found = store.read("review.json")
        if found is None:
            raise RuntimeError(f"{bucket} has no record of {said} right after it was written")
    stored = json.loads(found)
    told = store.read("review.csv") is None
    if told:
        folder = key(said, number=number, name="")
        say(summary(stored, bucket=bucket, folder=folder))
        # Last, so that a repeated call tells again what may not have been told.
        store.write("review.csv", as_csv(stored))
    return {
        "bucket": bucket,
        "key": key(said, number=number, name="review.json"),
        "made": made,
        "told": told,
    }


def _review(
    clients: Clients,
    settings: Mapping[str, str],
    *,
    now: datetime,
    waiting: Waiting,
    by: str,
    number: int,
) -> dict[str, Any]:
    after_days = int(settings["REVIEW_AFTER_DAYS"])
    source = settings.get("REVIEW_REFERENCE", HOST)
    reviewed = review(
        clients("iam"),
        environment=settings["REVIEW_ENVIRONMENT"],
        now=now,
        after_days=after_days,
        fetch=fetch_from(source),
        waiting=waiting,
    )
    findings, unread = findings_of(
        clients("accessanalyzer"), json.loads(settings["REVIEW_ANALYZERS"])
    )
    return {
        "schema": SCHEMA,
        "kind": "starburst access review",
        "environment": settings["REVIEW_ENVIRONMENT"],
        "quarter": quarter(now - _LAG),
        "round": number,
        "at": now.isoformat(),
        "by": by,
        "tracking_days": TRACKING_DAYS,
        "after_days": after_days,
        "reference": source,
        "roles": list(reviewed.roles),
        "tracked": dict(reviewed.tracked),
        "untold": dict(reviewed.untold),
        "findings": findings,
        "unread": [*reviewed.unread, *unread],
    }


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


class _Store:
    """The files of one review, each written once.

    Args:
        s3: a client of S3.
        bucket: of the records.
        said: the quarter.
        number: of the round.
    """

    def __init__(self, *, s3: Any, bucket: str, said: str, number: int) -> None:
        self._s3, self._bucket, self._said, self._number = s3, bucket, said, number

    def read(self, name: str) -> bytes | None:
        """Return a file; None where there is none."""
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=self._key(name))
        except ClientError as error:
            if _code(error) in ("NoSuchKey", "404"):
                return None
            raise
        content: bytes = found["Body"].read()
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file, unless somebody has."""
        try:
            self._s3.put_object(
                Bucket=self._bucket, Key=self._key(name), Body=content, IfNoneMatch="*"
            )
        except ClientError as error:
            if _code(error) not in ("PreconditionFailed", "412"):
                raise

    def _key(self, name: str) -> str:
        return key(self._said, number=self._number, name=name)
