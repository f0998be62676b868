"""The gate's own record in S3: an object for each image, changed by compare-and-set only."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

__all__ = ["Conflict", "Record"]

_TRIES: Final = 8
_MISSING: Final = ("NoSuchKey", "404")
_OUTRUN: Final = (*("PreconditionFailed", "412", "ConditionalRequestConflict", "409"), *_MISSING)

Body = dict[str, Any]
_T = TypeVar("_T")


class Conflict(RuntimeError):
    """Others changed the same object first, every time."""


class Record:
    """What is known, by image and by other resource.

    Args:
        s3: a client of S3.
        bucket: where it is.
        pause: waits so many seconds between two tries.
    """

    def __init__(
        self, s3: S3Client, bucket: str, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._pause = pause

    @staticmethod
    def of_image(digest: str) -> str:
        """Return the key of an image's object."""
        return f"images/{digest.removeprefix('sha256:')}.json"

    @staticmethod
    def of_other(resource: str) -> str:
        """Return the key of another resource's object; its id may be no fit name for one."""
        return f"others/{hashlib.sha256(resource.encode()).hexdigest()}.json"

    def images(self) -> Iterator[str]:
        """Yield the digests of all images that are known."""
        pages = self._s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix="images/"):
            for one in page.get("Contents", []):
                yield f"sha256:{one.get('Key', '')[7:-5]}"

    def change(self, key: str, how: Callable[[Body], tuple[Body, _T]]) -> _T:
        """Change one object, and return what came of it beside.

        Args:
            key: of the object.
            how: from its body, empty for none, to the new one; the same one is not written.

        Raises:
            Conflict: others were quicker every time.
        """
        for attempt in range(_TRIES):
            body, etag = self._read(key)
            changed, beside = how(body)
            if changed == body:
                return beside
            try:
                self._write(key, changed, etag)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in _OUTRUN:
                    raise
                self._pause(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - a pause, no secret
            else:
                return beside
        raise Conflict(f"{key} was changed by others {_TRIES} times: the next comparison mends it")

    def read(self, key: str) -> Body:
        """Return one object; an empty one where there is none."""
        return self._read(key)[0]

    def forget(self, key: str, ended: Callable[[Body], bool]) -> bool:
        """Delete one object where that is due, and nobody changes it meanwhile; return whether."""
        body, etag = self._read(key)
        if etag is None or not ended(body):
            return False
        try:
            self._s3.delete_object(Bucket=self._bucket, Key=key, IfMatch=etag)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _OUTRUN:
                raise
            return False
        return True

    def check(self, *, at: float, images: int) -> None:
        """Say that all of it was compared with Inspector, at what time."""
        self._s3.put_object(
            Bucket=self._bucket,
            Key="checked.json",
            Body=json.dumps({"at": at, "images": images}).encode(),
            ContentType="application/json",
        )

    def _read(self, key: str) -> tuple[Body, str | None]:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _MISSING:
                return {}, None
            raise
        return json.loads(answer["Body"].read()), answer["ETag"]

    def _write(self, key: str, body: Body, etag: str | None) -> None:
        condition: Any = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        self._s3.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=json.dumps(body, sort_keys=True, separators=(",", ":")).encode(),
            ContentType="application/json",
            **condition,
        )
