"""Whether what came back is what was backed up: by the hash of every object's bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from deploy.incident.versions import Version, below

__all__ = ["Comparison", "compare"]

_CHUNK: Final = 1 << 20
_NAMED: Final = 20
"""Of keys that are wrong, so many are named; all are counted."""

Client = Any
"""Of boto3, whose clients are made at run time."""


@dataclass(slots=True, kw_only=True)
class Comparison:
    """What became of the objects.

    Attributes:
        same: came back byte by byte.
        size: bytes of those.
        wrong: came back as something else, or was deleted when the backup began.
        missing: did not come back.
        not_compared: came back, and the data bucket keeps no version of that time any more.
        keys: the first that are wrong or missing.
        keys_not_compared: the first of those.
    """

    same: int = 0
    size: int = 0
    wrong: int = 0
    missing: int = 0
    not_compared: int = 0
    keys: list[str] = field(default_factory=list)
    keys_not_compared: list[str] = field(default_factory=list)

    @property
    def faithful(self) -> bool:
        """Whether something was compared, and nothing is wrong or missing."""
        return self.same > 0 and not self.wrong and not self.missing

    def tell(self, key: str) -> None:
        """Keep a key that is wrong or missing, if there is room."""
        if len(self.keys) < _NAMED:
            self.keys.append(key)

    def leave(self, key: str) -> None:
        """Count what cannot be compared, and keep its key, if there is room."""
        self.not_compared += 1
        if len(self.keys_not_compared) < _NAMED:
            self.keys_not_compared.append(key)


def compare(
    s3: Client, *, source: str, scratch: str, begun: datetime, ended: datetime
) -> Comparison:
    """Compare each object that came back with the version that was there when it was backed up.

    A backup takes its time: of an object that changed meanwhile either version is right.

    Args:
        s3: a client.
        source: the data bucket.
        scratch: the bucket into which was restored.
        begun: when the backup began.
        ended: when it was complete.
    """
    found = Comparison()
    restored = _keys(s3, scratch)
    back = next(restored, None)
    for key, every in groupby(below(s3, source, [""]), key=lambda one: one.key):
        # Both listings are in the order of the keys' bytes.
        while back is not None and back.encode() < key.encode():
            found.leave(back)
            back = next(restored, None)
        candidates, needed, gone = _at(list(every), begun=begun, ended=ended)
        if back != key:
            if needed:
                found.missing += 1
                found.tell(key)
            continue
        back = next(restored, None)
        if gone:
            found.wrong += 1
            found.tell(key)
            continue
        _judge(s3, found, candidates, source=source, scratch=scratch, key=key)
    while back is not None:
        found.leave(back)
        back = next(restored, None)
    return found


def _at(
    versions: Sequence[Version], *, begun: datetime, ended: datetime
) -> tuple[list[Version], bool, bool]:
    """Return which versions a backup may hold of an object, whether it must hold one, or none."""
    during = [one for one in versions if begun < one.modified <= ended]
    before = next((one for one in versions if one.modified <= begun), None)
    might = [*during, *([before] if before is not None else [])]
    needed = before is not None and not before.marker and not any(one.marker for one in during)
    bodies = [one for one in might if not one.marker]
    return bodies, needed, before is not None and not bodies


def _judge(
    s3: Client,
    found: Comparison,
    candidates: Sequence[Version],
    *,
    source: str,
    scratch: str,
    key: str,
) -> None:
    if not candidates:
        found.leave(key)
        return
    digest, size = _hash(s3, Bucket=scratch, Key=key)
    if any(
        _hash(s3, Bucket=source, Key=key, VersionId=one.id)[0] == digest
        for one in candidates
        if one.size == size
    ):
        found.same += 1
        found.size += size
        return
    found.wrong += 1
    found.tell(key)


def _hash(s3: Client, **what: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    body = s3.get_object(**what)["Body"]
    for chunk in iter(lambda: body.read(_CHUNK), b""):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def _keys(s3: Client, bucket: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for one in page.get("Contents", ()):
            yield one["Key"]
