"""What IAM has on record of each role's use: jobs that are begun, waited for, read to the end.

An attempt counts as use, whether it was allowed or not: so IAM counts. Source:
https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateServiceLastAccessedDetails.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from roles import TROUBLE, Unreadable, words

__all__ = ["TRACKING_DAYS", "Record", "Waiting", "records_of"]

TRACKING_DAYS: Final = 400
"""That IAM keeps of what was accessed last, at least."""

_PAUSE_SECONDS: Final = 5.0
_PAGE: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What IAM has on record of one role.

    Attributes:
        services: those that its policies reach, in small letters: when each was last accessed,
            None where it was not.
        actions: those that were accessed, ``service:name`` in small letters, and when last.
        spelled: these as IAM spells them.
    """

    services: Mapping[str, datetime | None]
    actions: Mapping[str, datetime]
    spelled: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """How long a job is waited for.

    Attributes:
        left: returns the seconds that there are still.
        pause: waits some seconds.
    """

    left: Callable[[], float]
    pause: Callable[[float], None]


def records_of(
    iam: Any, arns: Sequence[str], waiting: Waiting
) -> Iterator[tuple[str, Record | Unreadable]]:
    """Yield what is on record of each role, or why that is not known; in no order.

    What is not known is never taken for unused.

    Args:
        iam: a client of IAM.
        arns: of the roles.
        waiting: for jobs that are in progress.
    """
    jobs: dict[str, str] = {}
    for arn in arns:
        try:
            begun = iam.generate_service_last_accessed_details(Arn=arn, Granularity="ACTION_LEVEL")
            jobs[arn] = begun["JobId"]
        except (*TROUBLE, LookupError) as error:
            yield arn, Unreadable(f"IAM made no report of its use ({words(error)})")
    while jobs:
        for arn, job in tuple(jobs.items()):
            found = _asked(iam, job)
            if found is not None:
                del jobs[arn]
                yield arn, found
        if jobs and waiting.left() <= _PAUSE_SECONDS:
            why = "IAM's report of its use was still in progress when the time of the review ended"
            yield from ((arn, Unreadable(why)) for arn in jobs)
            return
        if jobs:
            waiting.pause(_PAUSE_SECONDS)


def _asked(iam: Any, job: str) -> Record | Unreadable | None:
    """Return what a job found, None while it is in progress."""
    services: dict[str, datetime | None] = {}
    actions: dict[str, datetime] = {}
    spelled: dict[str, str] = {}
    marker: dict[str, str] = {}
    try:
        while True:
            page = iam.get_service_last_accessed_details(JobId=job, MaxItems=_PAGE, **marker)
            match page["JobStatus"]:
                case "IN_PROGRESS":
                    return None
                case "COMPLETED":
                    pass
                case _:
                    why = page.get("Error", {})
                    told = f"{why.get('Code', 'no code')}: {why.get('Message', 'no reason')}"
                    return Unreadable(f"IAM's report of its use failed ({told})")
            if page["JobType"] != "ACTION_LEVEL":
                return Unreadable("IAM's report of its use knows services alone, not their actions")
            for each in page["ServicesLastAccessed"]:
                service = each["ServiceNamespace"].lower()
                services[service] = _later(services.get(service), each.get("LastAuthenticated"))
                for one in each.get("TrackedActionsLastAccessed") or ():
                    if one.get("LastAccessedTime") is not None:
                        name = f"{service}:{one['ActionName'].rpartition(':')[2]}"
                        last = _later(actions.get(name.lower()), one["LastAccessedTime"])
                        assert last is not None  # noqa: S101 - narrows the type
                        actions[name.lower()], spelled[name.lower()] = last, name
            if not page.get("IsTruncated"):
                return Record(services=services, actions=actions, spelled=spelled)
            marker = {"Marker": page["Marker"]}
    except (*TROUBLE, LookupError, AttributeError, TypeError) as error:
        return Unreadable(f"IAM's report of its use could not be read ({words(error)})")


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)
