"""What is kept of an incident: records, held versions, and what workers wrote into their log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from deploy.drill.stage import WORKSPACE, Stage
from deploy.incident.command import IncidentError
from deploy.incident.hold import held
from deploy.incident.records import locker
from deploy.incident.versions import Version, below
from environments import LOCAL
from starburst.contract import log_group_name
from starburst.local.deploy_templates import INDEX, templates_folder
from starburst_assurance.alarms.evaluation import ASSUMPTIONS, states
from starburst_assurance.alarms.model import State
from starburst_assurance.alarms.reading import read_watched
from starburst_assurance.alarms.series import Series
from starburst_constructs.policies.incident_statements import RECORDS

__all__ = ["GROUP", "all_held", "locked", "records", "rung", "versions", "worker_lines"]

GROUP: Final = log_group_name(LOCAL.name, WORKSPACE)
"""The log group of the workspace's workers."""

_MINUTE: Final = 60
_LOOKED_AT: Final = range(_MINUTE - 5, _MINUTE + 30)


def records(stage: Stage) -> frozenset[str]:
    """Return the keys of the records that are locked in the audit stack's bucket."""
    pages = stage.root("s3").get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=_bucket(stage), Prefix=f"{RECORDS}{LOCAL.name}/")
    return frozenset(one["Key"] for page in found for one in page.get("Contents", ()))


def locked(stage: Stage, key: str) -> bytes:
    """Return a record, as it is locked."""
    body: bytes = stage.root("s3").get_object(Bucket=_bucket(stage), Key=key)["Body"].read()
    return body


def versions(stage: Stage, where: Sequence[str]) -> tuple[Version, ...]:
    """Return every version below prefixes that holds data."""
    found = below(stage.root("s3"), stage.bucket, where)
    return tuple(one for one in found if not one.marker)


def all_held(stage: Stage, found: Iterable[Version]) -> bool:
    """Return whether each of some versions is on hold; of none at all it is not said."""
    holds = [held(stage.root("s3"), stage.bucket, one) for one in found]
    return bool(holds) and all(holds)


def worker_lines(stage: Stage, since: datetime) -> Iterator[str]:
    """Yield what workers of the workspace wrote into their log since a moment."""
    pages = stage.root("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=GROUP, startTime=int(since.timestamp() * 1000)):
        yield from (one["message"] for one in page["events"])


def rung(lines: Iterable[str]) -> frozenset[str]:
    """Return the alarms that lines of workers ring by CloudWatch's rules; the emulator has none.

    Args:
        lines: as they stand in the log.
    """
    folder = templates_folder()
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    watched = read_watched(
        {
            one["stack"]: json.loads((folder / one["template"]).read_text(encoding="utf-8"))
            for one in index
        },
        account=LOCAL.account,
        region=LOCAL.region,
    )
    series = Series(watched)
    for line in lines:
        series.log(GROUP, minute=_MINUTE, line=line)
    return frozenset(
        alarm.name
        for alarm in watched.alarms
        if series.of(alarm.metric)
        and all(
            State.ALARM in states(alarm, series, minutes=_LOOKED_AT, assumption=assumption)
            for assumption in ASSUMPTIONS
        )
    )


def _bucket(stage: Stage) -> str:
    place = locker(LOCAL, stage.root)
    if place is None:  # pragma: no cover - LOCAL has a trail of its own
        raise IncidentError("the environment has no trail, and so no bucket of records")
    return place.bucket
