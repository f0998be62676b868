"""What EventBridge calls for each finding: people hear of it once, and again where it is worse.

GuardDuty sends a finding anew as long as it goes on. Which were told is kept in a bucket, by a hash
of the finding's id and its level. It is told first and noted afterwards: what fails in between is
told twice, never in silence. What cannot be read as a finding is told as well.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from typing import Any, Final

import boto3

__all__ = ["MOST_CHARACTERS", "handle"]

MOST_CHARACTERS: Final = 1_000
"""Of each text that a finding brings: an attacker chooses names that are in it."""

_MOST_SUBJECT: Final = 99
"""SNS takes fewer than 100 characters: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""

_LEVELS: Final = ((9.0, "4-critical"), (7.0, "3-high"), (4.0, "2-medium"), (0.0, "1-low"))
"""From which severity on a finding has which level.

https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html
"""

_NOT_PRINTED: Final = re.compile(r"[^\x20-\x7e]+")


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Tell people of a finding that they do not know, or that is worse than they know.

    Args:
        event: of EventBridge.
        context: of the call.

    Returns:
        Whether it was told.
    """
    del context
    detail = event.get("detail")
    known = detail if isinstance(detail, Mapping) else {}
    severity = known.get("severity")
    readable = isinstance(known.get("id"), str) and isinstance(severity, int | float)
    identity = known["id"] if readable else json.dumps(event, sort_keys=True, default=str)
    level = _level(float(severity)) if readable and severity is not None else "4-critical"
    folder = f"told/{hashlib.sha256(identity.encode()).hexdigest()}/"
    bucket, s3 = os.environ["GUARDDUTY_TOLD"], boto3.client("s3")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=folder).get("Contents", [])
    if any(each.get("Key", "") >= f"{folder}{level}" for each in listed):
        return {"told": False}
    boto3.client("sns").publish(
        TopicArn=os.environ["GUARDDUTY_TOPIC"],
        Subject=f"GuardDuty, {level[2:]}: {_text(known.get('type'))}"[:_MOST_SUBJECT],
        Message=_message(event, known, level=level, before=bool(listed)),
    )
    s3.put_object(Bucket=bucket, Key=f"{folder}{level}", Body=b"")
    return {"told": True}


def _level(severity: float) -> str:
    return next((name for least, name in _LEVELS if severity >= least), "4-critical")


def _message(
    event: Mapping[str, Any], known: Mapping[str, Any], *, level: str, before: bool
) -> str:
    service = known.get("service")
    count = service.get("count") if isinstance(service, Mapping) else None
    region, account = _text(event.get("region")), _text(event.get("account"))
    said = {
        "What": known.get("title") or "an event of GuardDuty that is no finding as documented",
        "Type": known.get("type"),
        "Severity": f"{_text(known.get('severity'))}, {level[2:]}"
        + (", worse than what you were told of it before" if before else ""),
        "More": known.get("description"),
        "Seen": f"{_text(count)} times until {_text(known.get('updatedAt'))}",
        "Where": f"account {account}, {region}",
        "Finding": known.get("id"),
        "Next": "docs/addons/guardduty.md#answer-a-finding",
    }
    return "\n".join(f"{name}: {_text(value)}" for name, value in said.items())


def _text(value: object) -> str:
    """Return a text in printable characters of ASCII, cut where it is long."""
    return _NOT_PRINTED.sub(" ", "?" if value is None else str(value))[:MOST_CHARACTERS].strip()
