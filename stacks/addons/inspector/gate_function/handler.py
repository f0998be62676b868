"""Keeps the image gate's own record: by Inspector's events, and by comparing with it.

Events make a finding count within a minute. The comparison mends what they missed, and alone says
that the record is of today. Each finding that was not open before is told in a line of the log,
which an alarm counts.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from findings import Finding, Malformed, read
from merging import Coverage, compared, ended, stands, taken
from record import Record
from sources import Sources

__all__ = ["Gate", "handle"]

Answer = dict[str, Any]


def _print_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One environment's gate.

    Attributes:
        record: what it keeps.
        sources: what it asks.
        repository: ARN of the environment's own.
        account: whether it keeps what is found at anything else of the account, too.
        clock: seconds since 1970.
        tell: takes a line of the log.
    """

    record: Record
    sources: Sources
    repository: str
    account: bool
    clock: Callable[[], float] = time.time
    tell: Callable[[str], None] = field(default=_print_line)

    def handle(self, event: Mapping[str, Any]) -> Answer:
        """Answer one event.

        Raises:
            Malformed: it is none that Inspector or the schedule sends.
        """
        if event.get("image_gate") == "compare":
            return self.compare()
        detail = event.get("detail")
        if event.get("source") != "aws.inspector2" or not isinstance(detail, Mapping):
            raise Malformed("this is no event of Inspector, and no order to compare")
        match event.get("detail-type"):
            case "Inspector2 Finding":
                return {"opened": sum(self._take(one) for one in read(detail))}
            case "Inspector2 Scan":
                return self._scanned(detail)
            case _:
                raise Malformed("it tells of no finding and of no scan")

    def compare(self, image: str = "") -> Answer:
        """Compare the record with all that stands, or what it says of one image.

        Coverage is asked first: what was scanned by then is in the findings that are asked after.
        """
        now = self.clock()
        covered = self.sources.coverage(image)
        found = self.sources.findings(image)
        pushed = {} if image else self.sources.pushed()
        indexes = self.sources.indexes([one for one, index in pushed.items() if index])
        known = [image] if image else [*self.record.images()]
        digests = sorted({*covered, *found, *indexes, *known})
        opened = sum(
            self._compare(
                digest,
                found.get(digest, ()),
                coverage=covered.get(digest),
                parts=indexes.get(digest, ()),
                present=bool(image) or any(digest in one for one in (pushed, covered, found)),
                now=now,
            )
            for digest in digests
        )
        if not image:
            self.record.check(at=now, images=len(digests))
            # An alarm rings where this line does not come.
            self.tell(json.dumps({"image_gate": "compared", "images": len(digests)}))
        return {"images": len(digests), "opened": opened}

    def _compare(
        self,
        digest: str,
        listed: Iterable[Finding],
        *,
        coverage: Coverage | None,
        parts: Iterable[str],
        present: bool,
        now: float,
    ) -> int:
        key, listed, parts = self.record.of_image(digest), list(listed), list(parts)
        opened = self.record.change(
            key,
            lambda body: compared(
                body, listed, coverage=coverage, parts=parts, present=present, now=now
            ),
        )
        if not present:
            # An index is as bad as its parts, which outlast it.
            self.record.forget(
                key, lambda body: ended(body, now=now) and not any(map(self._stands, _parts(body)))
            )
        return self._told(opened)

    def _stands(self, part: str) -> bool:
        return stands(self.record.read(self.record.of_image(part)))

    def _take(self, one: Finding) -> int:
        if one.image and one.resource == f"{self.repository}/{one.image}":
            key = self.record.of_image(one.image)
            if not one.open and not self._vouched(one.image):
                return 0
        elif self.account:
            key = self.record.of_other(one.resource)
        else:
            return 0
        return self._told(self.record.change(key, lambda body: taken(body, [one])))

    def _vouched(self, image: str) -> bool:
        """Whether a closed finding is mended, and its image not only gone."""
        coverage = self.sources.coverage(image).get(image)
        return coverage is not None and coverage.vouches

    def _scanned(self, detail: Mapping[str, Any]) -> Answer:
        if detail.get("repository-name") != self.repository or not detail.get("image-digest"):
            return {"images": 0, "opened": 0}
        return self.compare(str(detail["image-digest"]))

    def _told(self, opened: Iterable[Finding]) -> int:
        opened = list(opened)
        for one in opened:
            said = {"image_gate": "opened", "resource": one.resource, **one.entry()}
            self.tell(json.dumps(said, sort_keys=True))
        return len(opened)


def _parts(body: Mapping[str, Any]) -> list[str]:
    return list(body.get("parts", ()))


def handle(event: Mapping[str, Any], context: object) -> Answer:
    """Answer one invocation: an event of Inspector, or the schedule's order to compare."""
    del context
    return _gate().handle(event)


@cache
def _gate() -> Gate:
    patient = Config(retries={"mode": "adaptive", "max_attempts": 8}, connect_timeout=5)
    session = boto3.session.Session()
    repository = os.environ["GATE_REPOSITORY"]
    return Gate(
        record=Record(session.client("s3", config=patient), os.environ["GATE_BUCKET"]),
        sources=Sources(
            session.client("inspector2", config=patient),
            session.client("ecr", config=patient),
            repository,
        ),
        repository=repository,
        account=os.environ["GATE_WATCHES"] == "account",
    )
