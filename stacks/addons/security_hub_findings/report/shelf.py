"""Where reports lie: each written once, with its totals beside it, and marked when it was told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import IO, Any, Final

from botocore.exceptions import ClientError

__all__ = ["Shelf"]

_TOLD: Final = "told/"
_TAKEN: Final = 412
_MISSING: Final = 404

Client = Any
"""Of boto3, whose clients are made at run time."""


class Shelf:
    """The reports' bucket.

    Args:
        client: of S3.
        bucket: its name.
        key_arn: of the key that encrypts what is put there.
        owner: its account: a bucket of that name elsewhere is refused.
        run: the time that the schedule rang for: whatever is repeated of it is one report.
    """

    def __init__(
        self, client: Client, *, bucket: str, key_arn: str, owner: str, run: datetime
    ) -> None:
        self._client = client
        self._at = {"Bucket": bucket, "ExpectedBucketOwner": owner}
        self._sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_arn}
        self.report = f"reports/{run:%Y/%m/%d}/findings-{run:%Y%m%dT%H%M%SZ}.csv"
        self._told = _mark(run)

    @property
    def told(self) -> bool:
        """Whether somebody was told of this run already."""
        return self._head(self._told) is not None

    def told_since(self, moment: datetime) -> bool:
        """Whether people were told of any run after a moment: marks lie in the order of time."""
        found = self._client.list_objects_v2(
            **self._at, Prefix=_TOLD, StartAfter=_mark(moment), MaxKeys=1
        )
        return bool(found["KeyCount"])

    def totals(self) -> Mapping[str, int] | None:
        """Return what the report counts, by severity; None where there is no report yet."""
        found = self._head(self.report)
        return None if found is None else json.loads(found["Metadata"]["totals"])

    def keep(self, file: IO[bytes], totals: Mapping[str, int]) -> Mapping[str, int]:
        """Put the report there, unless one lies there, which stays; return the totals of that."""
        file.seek(0)
        put = self._put(
            self.report,
            Body=file,
            ContentType="text/csv; charset=utf-8",
            Metadata={"totals": json.dumps(totals)},
        )
        there = totals if put else self.totals()
        if there is None:
            raise RuntimeError(f"{self.report} was there and is gone; the next attempt writes it")
        return there

    def mark(self) -> None:
        """Say that people were told."""
        self._put(self._told, Body=b"")

    def _put(self, key: str, **content: object) -> bool:
        try:
            self._client.put_object(**self._at, Key=key, IfNoneMatch="*", **self._sealed, **content)
        except ClientError as error:
            if _status(error) == _TAKEN:
                return False
            raise
        return True

    def _head(self, key: str) -> Mapping[str, Any] | None:
        try:
            return self._client.head_object(**self._at, Key=key)
        except ClientError as error:
            if _status(error) == _MISSING:
                return None
            raise


def _mark(run: datetime) -> str:
    return f"{_TOLD}{run:%Y%m%dT%H%M%SZ}"


def _status(error: ClientError) -> int | None:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
