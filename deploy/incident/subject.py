"""Whether the user exists whom a command names: a typing error is no success."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from deploy.incident.command import Clients, IncidentError, Scope, runtime
from starburst.contract.areas import HOME, SESSIONS

__all__ = ["require_known", "require_something", "users"]


def users(s3: Any, bucket: str, workspaces: Sequence[str]) -> set[str]:  # noqa: ANN401 - any client of boto3
    """Return who has or had objects, also who has but delete markers left."""
    pages = s3.get_paginator("list_object_versions")
    return {
        one["Prefix"].split("/")[2]
        for workspace in workspaces
        for area in (SESSIONS, HOME)
        for page in pages.paginate(Bucket=bucket, Prefix=area.prefix(workspace), Delimiter="/")
        for one in page.get("CommonPrefixes", ())
    }


def require_known(
    about: Scope, clients: Clients, *, also: Iterable[str] = (), otherwise: str = ""
) -> None:
    """Refuse a user who has nothing there.

    Args:
        about: which user; nothing is asked where it is about all users.
        clients: of a role that may.
        also: names that are known otherwise.
        otherwise: what else to do, where the name is right.

    Raises:
        IncidentError: nobody of that name is known; says who is near.
    """
    if about.user is None:
        return
    bucket = runtime(about.environment, clients).bucket
    known = users(clients("s3"), bucket, about.workspaces) | set(also)
    if about.user in known:
        return
    near = difflib.get_close_matches(about.user, sorted(known), n=5)
    raise IncidentError(
        f"nobody called {about.user} is known in {', '.join(about.workspaces)} of "
        f"{about.environment.name}, so nothing was done: no objects, no running worker and no "
        "denial bears that name. "
        + (f"Did you mean {' or '.join(near)}? " if near else "Check the name. ")
        + otherwise
    )


def require_something(where: Sequence[str], *, found: int) -> None:
    """Refuse prefixes below which there is nothing.

    Args:
        where: prefixes.
        found: how many versions and markers there are.
    """
    if not found:
        raise IncidentError(
            f"there is nothing below {', '.join(where)}, so nothing was done. Check the names: "
            "starburst sessions prints ids. What was erased before is gone for good"
        )
