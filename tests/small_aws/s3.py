"""S3 with versions, delete markers, legal holds and short pages, in memory."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.small_aws.errors import AwsError

__all__ = ["Stored", "VersionedS3"]

_SPOILS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that no XML has."""

_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(kw_only=True)
class Stored:
    """One version or delete marker."""

    key: str
    version: str
    body: bytes = b""
    marker: bool = False
    held: bool = False
    at: datetime = _START
    kind: str = "binary/octet-stream"
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def listed(self) -> dict[str, Any]:
        return {
            "Key": self.key,
            "VersionId": self.version,
            "Size": len(self.body),
            "LastModified": self.at,
        }


class VersionedS3:
    """Buckets with their versions.

    Attributes:
        buckets: by name, oldest first, by key and version.
        size: of a page.
        meddle: told each page that was listed, such as to write meanwhile.
        answer_of: what S3 says of one version of a batch instead of deleting it.
    """

    def __init__(self, *buckets: str, size: int = 3) -> None:
        self.buckets: dict[str, dict[tuple[str, str], Stored]] = {name: {} for name in buckets}
        self.size = size
        self.meddle: Callable[[], object] = lambda: None
        self.answer_of: Callable[[str, str], AwsError | None] = lambda key, version: None
        self._number = itertools.count(1)

    def store(self, bucket: str, key: str, body: bytes = b"", **more: Any) -> Stored:
        """Put one version there; each is a minute younger than the one before."""
        number = next(self._number)
        at = _START + timedelta(minutes=number)
        one = Stored(key=key, version=f"v{number:06}", body=body, at=at, **more)
        self.buckets[bucket][key, one.version] = one
        return one

    def bodies(self, bucket: str) -> dict[str, bytes]:
        """Return what a reader finds, by key."""
        newest = {one.key: one for one in self.buckets[bucket].values()}
        return {key: one.body for key, one in newest.items() if not one.marker}

    def list_object_versions(
        self,
        *,
        Bucket: str,
        Prefix: str = "",
        Delimiter: str = "",
        KeyMarker: str = "",
        VersionIdMarker: str = "",
    ) -> dict[str, Any]:
        entries = list(self._entries(Bucket, Prefix, Delimiter))
        start = 0
        if KeyMarker:
            # What was listed may be gone by now: a key's versions come newest first.
            start = sum(
                key < KeyMarker
                or (key == KeyMarker and (not VersionIdMarker or version >= VersionIdMarker))
                for (key, version), _ in entries
            )
        elif Prefix:
            # Nothing yet, and more to come.
            return {"IsTruncated": True, "NextKeyMarker": f"{Prefix[:-1]}\x01"}
        shown = entries[start : start + self.size]
        answer: dict[str, Any] = {"IsTruncated": start + self.size < len(entries)}
        for _, (kind, value) in shown:
            answer.setdefault(kind, []).append(value)
        if answer["IsTruncated"]:
            answer["NextKeyMarker"], answer["NextVersionIdMarker"] = shown[-1][0]
        self.meddle()
        return answer

    def _entries(
        self, bucket: str, prefix: str, delimiter: str
    ) -> Iterator[tuple[tuple[str, str], tuple[str, dict[str, Any]]]]:
        grouped: dict[str, list[Stored]] = {}
        for one in self._bucket(bucket).values():
            if one.key.startswith(prefix):
                grouped.setdefault(one.key, []).append(one)
        told: set[str] = set()
        for key in sorted(grouped):
            head, cut, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            if cut:
                common = f"{prefix}{head}{cut}"
                if common not in told:
                    told.add(common)
                    yield (common, ""), ("CommonPrefixes", {"Prefix": common})
                continue
            for place, one in enumerate(reversed(grouped[key])):
                kind = "DeleteMarkers" if one.marker else "Versions"
                yield (key, one.version), (kind, {**one.listed, "IsLatest": place == 0})

    def list_objects_v2(
        self, *, Bucket: str, Prefix: str = "", ContinuationToken: str = ""
    ) -> dict[str, Any]:
        keys = sorted(key for key in self.bodies(Bucket) if key.startswith(Prefix))
        if not ContinuationToken:
            return {"IsTruncated": True, "NextContinuationToken": "0", "KeyCount": 0}
        start = int(ContinuationToken)
        end = start + self.size
        more = {"NextContinuationToken": str(end)} if end < len(keys) else {}
        return {
            "IsTruncated": bool(more),
            **more,
            "Contents": [{"Key": k} for k in keys[start:end]],
        }

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: Any,
        IfNoneMatch: str = "",
        Metadata: dict[str, str] | None = None,
        ContentType: str = "binary/octet-stream",
        **_: Any,
    ) -> dict[str, Any]:
        if IfNoneMatch and Key in self.bodies(Bucket):
            raise AwsError("PreconditionFailed", "At least one of the pre-conditions failed", 412)
        body = Body if isinstance(Body, bytes) else Body.read()
        made = self.store(Bucket, Key, body, metadata=Metadata or {}, kind=ContentType)
        return {"VersionId": made.version}

    def get_object(self, *, Bucket: str, Key: str, VersionId: str) -> dict[str, Any]:
        one = self._find(Bucket, Key, VersionId)
        return {
            "Body": io.BytesIO(one.body),
            "Metadata": dict(one.metadata),
            "ContentType": one.kind,
        }

    def head_object(self, *, Bucket: str, Key: str, VersionId: str) -> dict[str, Any]:
        return {"Metadata": dict(self._find(Bucket, Key, VersionId).metadata)}

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str = "") -> dict[str, Any]:
        if not VersionId:
            made = self.store(Bucket, Key, marker=True)
            return {"DeleteMarker": True, "VersionId": made.version}
        if refusal := self._delete(Bucket, Key, VersionId):
            raise refusal
        return {}

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:
        self._bucket(Bucket)
        if len(Delete["Objects"]) > 1000:
            raise AwsError("MalformedXML", "The XML you provided was not well-formed", 400)
        if any(_SPOILS.search(one["Key"]) for one in Delete["Objects"]):
            raise AwsError("MalformedXML", "The XML you provided was not well-formed", 400)
        errors = []
        for one in Delete["Objects"]:
            # XML's readers take the end of a line for another.
            heard = one["Key"].replace("\r", "\n")
            if refusal := self._delete(Bucket, heard, one["VersionId"]):
                errors.append({**one, "Code": refusal.code, "Message": refusal.said})
        return {"Errors": errors} if errors else {}

    def put_object_legal_hold(
        self, *, Bucket: str, Key: str, VersionId: str, LegalHold: dict[str, str]
    ) -> None:
        self._find(Bucket, Key, VersionId).held = LegalHold["Status"] == "ON"

    def get_object_legal_hold(self, *, Bucket: str, Key: str, VersionId: str) -> dict[str, Any]:
        if not self._find(Bucket, Key, VersionId).held:
            raise AwsError("NoSuchObjectLockConfiguration", "It has no legal hold", 404)
        return {"LegalHold": {"Status": "ON"}}

    def put_bucket_logging(self, *, Bucket: str, BucketLoggingStatus: dict[str, Any]) -> None:
        self._bucket(Bucket)

    def head_bucket(self, *, Bucket: str) -> None:
        if Bucket not in self.buckets:
            raise AwsError("404", "Not Found", 404)

    def _delete(self, bucket: str, key: str, version: str) -> AwsError | None:
        if refusal := self.answer_of(key, version):
            return refusal
        one = self._bucket(bucket).get((key, version))
        if one is not None and one.held:
            return AwsError("AccessDenied", "object protected by object lock", 403)
        self.buckets[bucket].pop((key, version), None)
        return None

    def _find(self, bucket: str, key: str, version: str) -> Stored:
        found = self._bucket(bucket).get((key, version))
        if found is None:
            raise AwsError("NoSuchVersion", "The specified version does not exist.", 404)
        return found

    def _bucket(self, name: str) -> dict[tuple[str, str], Stored]:
        if name not in self.buckets:
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
        return self.buckets[name]
