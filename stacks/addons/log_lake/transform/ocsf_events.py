"""Lines of flow logs and of workers, and stopped tasks, as events of OCSF 1.1.0.

Each holds what its table has columns for, and ``metadata.uid``, which a repeated delivery repeats:
by it a query counts once what came twice. Sources: https://schema.ocsf.io/1.1.0/,
https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

__all__ = ["FIELDS", "VERSION", "Unreadable", "flow", "line", "task"]

VERSION: Final = "1.1.0"

FIELDS: Final = (
    *("version", "account_id", "vpc_id", "subnet_id", "interface_id", "srcaddr", "srcport"),
    *("dstaddr", "dstport", "protocol", "packets", "bytes", "start", "end", "action"),
    *("log_status", "tcp_flags", "type", "pkt_srcaddr", "pkt_dstaddr", "flow_direction"),
    *("traffic_path", "pkt_src_aws_service", "pkt_dst_aws_service"),
)
"""Of a flow log's line, in its order: that of ``starburst_constructs.network.vpc.FLOW_FIELDS``."""

_CLASSES: Final = {
    0: ("Base Event", 0, "Uncategorized"),
    4001: ("Network Activity", 4, "Network Activity"),
    6002: ("Application Lifecycle", 6, "Application Activity"),
}
"""Name of a class, and its category."""

_DIRECTIONS: Final = {"ingress": (1, "Inbound"), "egress": (2, "Outbound")}
_GROUP: Final = re.compile(r"/aws/ecs/starburst/[^/]+/(?P<workspace>[^/]+)")
_PREFIX: Final = re.compile(r"sessions/(?P<workspace>[^/]+)/(?P<user>[^/]+)/(?P<session>[^/]+)/?")
_TROUBLE: Final = re.compile(r"ERROR|AccessDenied|Forbidden|Traceback")
_MOST_TEXT: Final = 262_144
"""Characters of a line that are kept: CloudWatch Logs' own limit before 2025."""

Event = dict[str, Any]


class Unreadable(ValueError):
    """A record is not what its sender writes; it is kept as it is."""


def flow(sent: Mapping[str, Any], event: Mapping[str, Any]) -> Event | None:
    """Return a line of a flow log as Network Activity; None of a line that holds no flow."""
    values = str(event["message"]).split()
    if len(values) != len(FIELDS):
        raise Unreadable(f"a flow has {len(values)} fields, not {len(FIELDS)}")
    said = {
        name: None if value == "-" else value for name, value in zip(FIELDS, values, strict=True)
    }
    if said["log_status"] != "OK":  # NODATA or SKIPDATA: an interval, not a flow
        return None
    accepted = said["action"] == "ACCEPT"
    direction, called = _DIRECTIONS.get(said["flow_direction"] or "", (0, "Unknown"))
    begin, end = _number(said["start"]) * 1000, _number(said["end"]) * 1000
    activity, name = (6, "Traffic") if accepted else (5, "Refuse")
    return {
        **_class(4001, activity, name),
        "time": begin,
        "start_time": begin,
        "end_time": end,
        "metadata": _metadata(
            str(event["id"]), "Amazon VPC", "Flowlogs", sent["logGroup"], "security_control"
        ),
        "cloud": _cloud(said["account_id"] or sent["owner"]),
        "status": "Success" if accepted else "Failure",
        "status_id": 1 if accepted else 2,
        "status_code": said["action"],
        "action_id": 1 if accepted else 2,
        "action": "Allowed" if accepted else "Denied",
        "src_endpoint": _endpoint(said, "src", inside=direction == 2),  # noqa: PLR2004 - outbound
        "dst_endpoint": _endpoint(said, "dst", inside=direction == 1),
        "connection_info": {
            "direction_id": direction,
            "direction": called,
            "protocol_num": _number(said["protocol"]),
            "tcp_flags": _number(said["tcp_flags"]),
            "protocol_ver_id": 6 if said["type"] == "IPv6" else 4,
        },
        "traffic": {"bytes": _number(said["bytes"]), "packets": _number(said["packets"])},
        "unmapped": {
            key: str(said[key])
            for key in ("traffic_path", "pkt_src_aws_service", "pkt_dst_aws_service")
            if said[key] is not None
        },
    }


def line(sent: Mapping[str, Any], event: Mapping[str, Any]) -> Event:
    """Return a line that a worker printed, as a Base Event: OCSF has no class for it."""
    text = str(event["message"])
    found = _GROUP.fullmatch(str(sent["logGroup"]))
    severity = (4, "High") if _TROUBLE.search(text) else (1, "Informational")
    return {
        **_class(0, 99, "Other", severity=severity),
        "time": _number(event["timestamp"]),
        "message": text[:_MOST_TEXT],
        "metadata": _metadata(str(event["id"]), "Starburst", "Worker", sent["logGroup"]),
        "cloud": _cloud(sent["owner"]),
        "unmapped": {
            "log_stream": str(sent["logStream"]),
            "workspace": found["workspace"] if found else "",
            "characters": str(len(text)),
        },
    }


def task(event: Mapping[str, Any]) -> Event:
    """Return a stopped worker as Application Lifecycle; the session is the application."""
    detail = event.get("detail")
    if not isinstance(detail, dict) or detail.get("lastStatus") != "STOPPED":
        raise Unreadable("it is no stopped task")
    arn = str(detail["taskArn"])
    whose = _whose(detail)
    end = _milliseconds(detail["stoppedAt"])
    begin = _milliseconds(detail["startedAt"]) if detail.get("startedAt") else end
    seconds = (end - begin) / 1000
    vcpu, gigabytes = float(detail["cpu"]) / 1024, float(detail["memory"]) / 1024
    bought = detail.get("capacityProviderName") or detail.get("launchType") or ""
    return {
        **_class(6002, 4, "Stop"),
        "time": end,
        "start_time": begin,
        "end_time": end,
        "duration": end - begin,
        "message": str(detail.get("stoppedReason", "")),
        # ECS sends an event at least once, and its task's ARN is the same each time.
        "metadata": _metadata(arn, "Amazon ECS", "Task State Change", "aws.ecs"),
        "cloud": _cloud(str(event["account"])),
        "app": {
            "name": "Starburst session",
            "uid": whose.get("session") or str(detail.get("startedBy", "")) or "unknown",
            "vendor_name": "Starburst",
        },
        "unmapped": {
            "user": whose.get("user", ""),
            "workspace": whose.get("workspace", ""),
            "bought": str(bought),
            "vcpu_seconds": f"{vcpu * seconds:.3f}",
            "gigabyte_seconds": f"{gigabytes * seconds:.3f}",
        },
    }


def _whose(detail: Mapping[str, Any]) -> dict[str, str]:
    """Return workspace, user and session, by the prefix that the controller gave the worker."""
    containers = (detail.get("overrides") or {}).get("containerOverrides") or ()
    for variable in (each for one in containers for each in one.get("environment") or ()):
        if variable.get("name") == "STARBURST_SESSION_PREFIX":
            found = _PREFIX.fullmatch(str(variable.get("value")))
            return found.groupdict() if found else {}
    return {}


def _class(
    uid: int,
    activity: int,
    activity_name: str,
    *,
    severity: tuple[int, str] = (1, "Informational"),
) -> Event:
    name, category_uid, category = _CLASSES[uid]
    return {
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": category_uid,
        "category_name": category,
        "class_uid": uid,
        "class_name": name,
        "type_uid": uid * 100 + activity,
        "severity_id": severity[0],
        "severity": severity[1],
    }


def _metadata(uid: str, product: str, feature: str, log: str, *profiles: str) -> Event:
    return {
        "uid": uid,
        "version": VERSION,
        "profiles": ["cloud", "datetime", *profiles],
        "log_name": log,
        "product": {"name": product, "vendor_name": "AWS", "feature": {"name": feature}},
    }


def _cloud(account: str) -> Event:
    return {"provider": "AWS", "account": {"uid": account}}


def _endpoint(said: Mapping[str, str | None], side: str, *, inside: bool) -> Event:
    """Return one end of a flow; the interface that saw it is the end that is inside."""
    place = {"interface_uid": "interface_id", "subnet_uid": "subnet_id", "vpc_uid": "vpc_id"}
    port = said[f"{side}port"]
    return {
        "ip": said[f"{side}addr"],
        "port": None if port is None else _number(port),
        **({key: said[name] for key, name in place.items()} if inside else {}),
    }


def _number(value: object) -> int:
    try:
        return int(str(value if value is not None else 0))
    except ValueError as error:
        raise Unreadable(f"{value!r:.40} is no number") from error


def _milliseconds(value: object) -> int:
    try:
        return round(datetime.fromisoformat(str(value)).timestamp() * 1000)
    except ValueError as error:
        raise Unreadable(f"{value!r:.40} is no time") from error
