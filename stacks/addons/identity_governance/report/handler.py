"""On its schedule: read Identity Center in each account of the organization, write three reports.

What could not be read of an account, a store or an application stands in the report as such. Where
the organization's accounts cannot be listed, or nothing can be written, the call fails and an alarm
rings. The same event again finds its reports there, and changes none. Twice a day it is asked
whether its reports are overdue: what the schedule missed is made up for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import boto3
import rows
from botocore.config import Config
from files import Shelf, as_csv, stem
from organization import Doors
from survey import survey

__all__ = ["REPORTS", "EventError", "handle", "report"]

REPORTS: Final = {
    "instances": rows.instances,
    "duplicates": rows.duplicates,
    "applications": rows.applications,
}

_PATIENT: Final = Config(
    retries={"mode": "adaptive", "total_max_attempts": 8}, connect_timeout=5, read_timeout=20
)


class EventError(ValueError):
    """The event does not say when it is from, so no report could be dated."""


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Write the reports of one event of the schedule."""
    return report(
        event,
        os.environ,
        client=_client,
        left=lambda: context.get_remaining_time_in_millis() / 1000,
    )


def report(
    event: Mapping[str, Any],
    settings: Mapping[str, str],
    *,
    client: Callable[..., Any],
    left: Callable[[], float],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> dict[str, Any]:
    """Write the reports; return which are new, which were there, and how much was not read.

    Args:
        event: of EventBridge; its ``time`` is in the reports' names. One that says ``overdue`` is
            of now, and writes none where all were written in the last ``GOVERNANCE_OVERDUE_DAYS``.
        settings: variables of the function.
        client: makes a client of a service, in a Region, by credentials.
        left: seconds that are left.
        now: the time.

    Raises:
        EventError: the event has no time.
    """
    shelf = Shelf(
        s3=client("s3", None),
        bucket=settings["GOVERNANCE_BUCKET"],
        key_arn=settings["GOVERNANCE_KEY"],
        owner=settings["GOVERNANCE_ACCOUNT"],
    )
    when = now().replace(microsecond=0) if event.get("overdue") else _when(event)
    lately = when - timedelta(days=int(settings["GOVERNANCE_OVERDUE_DAYS"]))
    if event.get("overdue") and REPORTS.keys() <= shelf.youngest(since=lately):
        return {"written": [], "kept": [], "not_read": 0, "reports": "not due"}
    doors = Doors(
        own=settings["GOVERNANCE_ACCOUNT"],
        role=settings["GOVERNANCE_ROLE"],
        client=client,
        left=left,
    )
    found = survey(doors, settings["GOVERNANCE_REGIONS"].split(","))
    written: dict[str, bool] = {}
    missing = 0
    for name, make in REPORTS.items():
        made = list(make(found))
        missing += sum(row[-1].startswith("not read") for row in made)
        key = f"{stem(when)}{name}.csv"
        written[key] = shelf.put(key, as_csv(rows.HEADINGS[name], made))
    told = {
        "written": [key for key, new in written.items() if new],
        "kept": [key for key, new in written.items() if not new],
        "not_read": missing,
        # An alarm counts lines of reports in which something is missing.
        "reports": "partial" if missing else "whole",
    }
    print(json.dumps(told))
    return told


def _when(event: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(str(event["time"])).astimezone(UTC)
    except (KeyError, ValueError) as error:
        raise EventError(
            'the event has no time, so no report was written: send {"time": "2026-11-30T06:00:00Z"}'
        ) from error


def _client(service: str, region: str | None, credentials: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - any client of boto3
    # boto3 overloads client by literals; any service's will do here.
    any_client: Any = boto3.client
    make = partial(any_client, service, config=_PATIENT)
    if region is not None:
        make = partial(make, region_name=region)
    if credentials is None:
        return make()
    return make(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
