"""Which permissions the calls of a client take: what a command prints must be exactly these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["actions", "taken"]

_TAKES: Final[Mapping[str, tuple[str, ...]]] = {
    "s3:DeleteObjects": ("s3:DeleteObjectVersion",),
    "s3:HeadObject": ("s3:GetObjectVersion",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
}
"""Calls whose permission has another name; all that name a version."""


def taken(*clients: Any) -> set[str]:
    """Return a set that gets the permission of every call that these clients make from now on."""
    found: set[str] = set()

    def note(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        call = f"{model.service_model.endpoint_prefix}:{model.name}"
        if call in ("s3:DeleteObject", "s3:GetObject") and "VersionId" in params:
            call = f"{call}Version"
        found.update(_TAKES.get(call, (call,)))

    for client in clients:
        client.meta.events.register("before-parameter-build", note)
    return found


def actions(document: Mapping[str, Any], *services: str) -> set[str]:
    """Return what a printed policy allows of some services."""
    return {
        action
        for statement in document["Statement"]
        for action in statement["Action"]
        if action.partition(":")[0] in services
    }
