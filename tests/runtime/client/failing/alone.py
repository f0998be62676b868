"""A client that does nothing by itself: all that it asks of AWS, the test has made it ask."""

from __future__ import annotations

from starburst._client.access.timings import Timings
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.kept import beside_records
from tests.runtime.wire import s3_error

__all__ = ["ALONE", "TROUBLE", "left", "left_beside_records"]

ALONE = Timings(
    trouble_seconds=0.0, status_seconds=3600, silence_seconds=3600, cancel_gather_seconds=3600
)
"""Also one to whom nothing passes."""

TROUBLE = s3_error(500, "InternalError")


def left(fleet: Fleet) -> list[str]:
    """Return the keys of all versions of all objects."""
    return [v["Key"] for v in fleet.s3.list_object_versions(Bucket=BUCKET).get("Versions", ())]


def left_beside_records(fleet: Fleet) -> list[str]:
    """Return those of ``left`` that a session which went well does not leave."""
    return beside_records(left(fleet))
