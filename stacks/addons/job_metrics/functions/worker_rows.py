"""A stopped worker as a row: whose it was, how long it was billed, and what it cost.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pricing import Prices, billed

__all__ = ["UNTAGGED", "Unreadable", "WorkerRow", "hour_of", "worker_row"]

UNTAGGED: Final = "untagged"
"""Analyst and workspace of a worker that does not say whose it is: told, and never dropped."""

_PREFIX: Final = re.compile(r"sessions/([^/]+)/([^/]+)/([^/]+)/?")
_ARCHITECTURES: Final = {"x86_64": "X86_64", "arm64": "ARM64"}
_TAKEN: Final = ("InfrastructureHealth", "SpotInterruption", "TerminationNotice")
_TOLD: Final = "UserInitiated"

Row = dict[str, Any]


class Unreadable(ValueError):
    """An event is not what ECS sends; its message is kept for people to look at."""


@dataclass(frozen=True, kw_only=True)
class WorkerRow:
    """One stopped worker.

    Attributes:
        hour: in which it stopped, such as ``2026-11-30T22``, by UTC.
        task: its ARN, which no other attempt ever has.
        version: how many states ECS has told of it: an event with fewer came late.
        row: its columns.
    """

    hour: str
    task: str
    version: int
    row: Row


def hour_of(milliseconds: int) -> str:
    """Return the hour of a moment, by UTC, such as ``2026-11-30T22``."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%dT%H}"


def worker_row(event: Mapping[str, Any], prices: Prices) -> WorkerRow:
    """Return a worker of an event of EventBridge.

    Raises:
        Unreadable: it is no stopped task.
    """
    try:
        return _row(event["detail"], prices)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise Unreadable(f"it is no stopped task: {type(error).__name__}") from error


def _row(detail: Mapping[str, Any], prices: Prices) -> WorkerRow:
    if detail["lastStatus"] != "STOPPED":
        raise Unreadable("it has not stopped")
    task, stopped = str(detail["taskArn"]), _milliseconds(detail["stoppedAt"])
    created, started = _moment(detail, "createdAt"), _moment(detail, "startedAt")
    begun = _moment(detail, "pullStartedAt") or started
    seconds = 0.0 if begun is None else billed((stopped - begun) / 1000)
    workspace, analyst, session = _whose(detail)
    size = {
        "vcpu": _number(detail["cpu"]) / 1024,
        "memory_gb": _number(detail["memory"]) / 1024,
        "scratch_gb": _number((detail.get("ephemeralStorage") or {}).get("sizeInGiB") or 0),
    }
    spot = str(detail.get("capacityProviderName") or "").upper().endswith("SPOT")
    architecture = _architecture(detail) or prices.architecture
    usd = prices.usd_an_hour(**size, architecture=architecture, spot=spot)
    exit_code = _exit_code(detail)
    return WorkerRow(
        hour=hour_of(stopped),
        task=task,
        version=int(detail.get("version") or 0),
        row={
            "task": task,
            "session": session or str(detail.get("startedBy") or "") or UNTAGGED,
            "workspace": workspace or UNTAGGED,
            "analyst": analyst or UNTAGGED,
            "tagged": bool(session),
            "bought": _bought(detail, spot=spot),
            "architecture": architecture,
            **size,
            "created": created,
            "started": started,
            "stopped": stopped,
            "waited_seconds": (
                None if started is None or created is None else (started - created) / 1000
            ),
            "billed_seconds": seconds,
            "usd": None if usd is None else usd * seconds / 3600,
            "stop_code": str(detail.get("stopCode") or ""),
            "exit_code": exit_code,
            "lost": _lost(str(detail.get("stopCode") or ""), exit_code),
        },
    )


def _whose(detail: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return workspace, analyst and session, by the prefix that the controller gave the worker."""
    overrides = detail.get("overrides") or {}
    for container in overrides.get("containerOverrides") or ():
        for variable in container.get("environment") or ():
            if variable.get("name") == "STARBURST_SESSION_PREFIX":
                found = _PREFIX.fullmatch(str(variable.get("value")))
                return (found[1], found[2], found[3]) if found else ("", "", "")
    return "", "", ""


def _architecture(detail: Mapping[str, Any]) -> str | None:
    """Return what it ran on as prices call it; of what has none here, such as Windows, its name."""
    family = str(detail.get("platformFamily") or "Linux")
    if not family.lower().startswith("linux"):
        return family.upper()
    for one in detail.get("attributes") or ():
        if one.get("name") == "ecs.cpu-architecture":
            named = str(one.get("value"))
            return _ARCHITECTURES.get(named.lower(), named.upper())
    return None


def _bought(detail: Mapping[str, Any], *, spot: bool) -> str:
    if detail.get("launchType") == "EC2" or detail.get("containerInstanceArn"):
        return "spot-instance" if spot else "instance"
    return "spot" if spot else "on-demand"


def _exit_code(detail: Mapping[str, Any]) -> int | None:
    for container in detail.get("containers") or ():
        if container.get("name", "worker") == "worker":
            code = container.get("exitCode")
            return None if code is None else int(code)
    return None


def _lost(stop_code: str, exit_code: int | None) -> bool:
    """Return whether it stopped other than by finishing or by being told to."""
    return stop_code != _TOLD and (stop_code in _TAKEN or exit_code != 0)


def _moment(detail: Mapping[str, Any], name: str) -> int | None:
    return _milliseconds(detail[name]) if detail.get(name) else None


def _milliseconds(value: object) -> int:
    return round(datetime.fromisoformat(str(value)).timestamp() * 1000)


def _number(value: object) -> float:
    number = float(str(value))
    if not (math.isfinite(number) and number >= 0):
        raise Unreadable("a size of it is none")
    return number
