"""Each week: Security Hub's active findings as a CSV in S3, and an e-mail that says so.

A run is the time that the schedule rang for. Whatever is repeated of it, by EventBridge or because
an attempt failed, is one report and, but for a crash between telling and marking it told, one
e-mail. What cannot be done is either told by e-mail in a sentence or raised: then Lambda tries
again twice, and leaves the event in the failure queue, where an alarm rings. Twice a day it looks
whether people were told lately, and makes a report of now where they were not.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import boto3
from botocore.config import Config
from columns import Writer
from hub import SEVERITIES, NotEnabledError, findings
from links import opening
from message import OTHER, Place, console, no_report, report
from shelf import Shelf

__all__ = ["handle"]

_LEFT: Final = 60_000
"""Milliseconds that must be left to put the report and to tell of it."""

_PATIENT: Final = Config(retries={"mode": "standard", "max_attempts": 10})
"""Security Hub takes few requests a second, and says so to who asks for more."""


class TooManyError(Exception):
    """There are more findings than can be read before Lambda ends the call."""


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Answer one ring of the schedule.

    Args:
        event: EventBridge's; ``time`` is what it rang for. One without it is a run of now; one that
            says ``overdue`` is none where people were told in the last ``FINDINGS_OVERDUE_DAYS``.
        context: of the call; tells how much time is left.
    """
    settings = os.environ
    run = _run(event)
    place = Place(
        environment=settings["FINDINGS_ENVIRONMENT"],
        account=settings["FINDINGS_ACCOUNT"],
        region=settings["AWS_REGION"],
        hub_region=settings["FINDINGS_HUB_REGION"],
    )
    shelf = Shelf(
        boto3.client("s3", config=_PATIENT),
        bucket=settings["FINDINGS_BUCKET"],
        key_arn=settings["FINDINGS_KEY"],
        owner=place.account,
        run=run,
    )
    lately = run - timedelta(days=int(settings["FINDINGS_OVERDUE_DAYS"]))
    if event.get("overdue") and shelf.told_since(lately):
        return _said({"run": run.isoformat(), "told": "lately"})
    if shelf.told:
        return _said({"run": run.isoformat(), "told": "before"})
    totals: Mapping[str, int] | None = None
    try:
        totals = shelf.totals() or _write(shelf, place, context)
    except NotEnabledError:
        subject, text = no_report(
            place,
            "Security Hub is not enabled there. Enable it, name the Region in which it is by "
            "hub_region, or switch the add-on off.",
            run=run,
        )
    except TooManyError:
        subject, text = no_report(
            place,
            "There are more active findings than Security Hub gives out in a quarter of an hour. "
            "Name fewer severities, such as severities=('CRITICAL', 'HIGH').",
            run=run,
        )
    else:
        minutes = settings.get("FINDINGS_LINK_MINUTES")
        bucket = settings["FINDINGS_BUCKET"]
        opened = minutes and opening(
            boto3.client("sts", config=_PATIENT),
            role_arn=settings["FINDINGS_LINK_ROLE"],
            region=place.region,
            minutes=int(minutes),
            bucket=bucket,
            key=shelf.report,
        )
        link = console(place, bucket=bucket, key=shelf.report)
        subject, text = report(place, totals, run=run, link=link, opened=opened or None)
    boto3.client("sns", config=_PATIENT).publish(
        TopicArn=settings["FINDINGS_TOPIC"], Subject=subject, Message=text
    )
    shelf.mark()
    key = None if totals is None else shelf.report
    return _said({"run": run.isoformat(), "told": "now", "report": key, "totals": totals})


def _run(event: Mapping[str, Any]) -> datetime:
    rang = event.get("time")
    when = datetime.fromisoformat(rang) if rang else datetime.now(UTC)
    return when.astimezone(UTC).replace(microsecond=0)


def _write(shelf: Shelf, place: Place, context: Any) -> Mapping[str, int]:  # noqa: ANN401 - Lambda's
    """Write the report by way of the disk: of any number of findings one page is in memory."""
    client = boto3.client("securityhub", region_name=place.hub_region, config=_PATIENT)
    totals: Counter[str] = Counter(dict.fromkeys(SEVERITIES, 0))
    with tempfile.TemporaryFile() as file:
        writer = Writer(file)
        wanted = os.environ["FINDINGS_SEVERITIES"].split(",")
        for finding in findings(client, severities=wanted):
            if context.get_remaining_time_in_millis() < _LEFT:
                raise TooManyError
            writer.write(finding)
            label = (finding.get("Severity") or {}).get("Label")
            totals[label if label in SEVERITIES else OTHER] += 1
        writer.end()
        return shelf.keep(file, dict(totals))


def _said(what: dict[str, Any]) -> dict[str, Any]:
    """Log what was done, and return it: never a link, which is as good as the report."""
    print(json.dumps({"event": "findings-report", **what}))
    return what
