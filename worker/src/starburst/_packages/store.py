"""Wheels in a workspace's bucket: looked for, written once, and once more before they expire.

S3 counts the age of an object from its writing, and keeps each ``session_days`` and twice
``packages_days``. So one that was written less than ``packages_days`` ago outlives any session that
begins now, by ``packages_days``; of one that is older, the next copy is written.
"""

from __future__ import annotations

import base64
import datetime as dt
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from starburst.aws.absence import is_absent
from starburst.aws.calls import TAKEN, code_of
from starburst.aws.write_once import past_conflicts
from starburst.contract import WorkspaceKeys
from starburst.errors import IntegrityError

from .cache import remember_verified, verified

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["Kept", "PackageStore", "Stopped", "together"]

_AT_ONCE: Final = 16
_DAY: Final = 86_400
_LONG_AGO: Final = dt.datetime.fromtimestamp(0, dt.UTC)
_FILENAME: Final = "filename"


class Stopped(Exception):
    """Another part of the same work failed, or was interrupted."""


@contextmanager
def together(most: int) -> Iterator[tuple[ThreadPoolExecutor, threading.Event]]:
    """Yield threads, and an event that is set as soon as what they do is no longer wanted."""
    stop = threading.Event()
    pool = ThreadPoolExecutor(most, thread_name_prefix="starburst-packages")
    try:
        yield pool, stop
    except BaseException:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A wheel in the bucket.

    Attributes:
        sha256: of it.
        copy: its latest copy's number.
        size: bytes.
        written: when that copy was.
        filename: as who wrote it named it; nobody has checked that.
    """

    sha256: str
    copy: int
    size: int
    written: dt.datetime
    filename: str = ""


class PackageStore:
    """The wheels of one workspace.

    Args:
        s3: with the credentials of who asks.
        bucket: of the environment.
        workspace: its name.
        days: how long a wheel lives beyond the sessions that name it.
        now: tells the time, seconds since the epoch.
    """

    def __init__(
        self,
        s3: S3Client,
        bucket: str,
        workspace: str,
        *,
        days: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._keys = WorkspaceKeys(workspace=workspace)
        self._seconds = days * _DAY
        self._now = now
        self._verified: dict[str, str] = {}

    def look(self, hashes: Iterable[str]) -> dict[str, Kept]:
        """Return the latest copy of each wheel that is there.

        Raises:
            IntegrityError: what is kept under a wheel's hash is another file.
            ClientError: as boto3 does.
        """
        wanted = dict.fromkeys(hashes)
        listed = self._listed_before(wanted) if len(wanted) > 1 else {}
        with together(_AT_ONCE) as (pool, _):
            found = pool.map(self._latest, (each for each in wanted if each not in listed))
            latest = {each.sha256: each for each in found if each is not None}
        self._remember()
        return {**listed, **latest}

    def _listed_before(self, wanted: Collection[str]) -> dict[str, Kept]:
        """Return those that one list shows as they were when S3 was last asked for their hashes."""
        known = verified(self._bucket)
        if not known:
            return {}
        page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=self._keys.packages)
        found: dict[str, Kept] = {}
        for entry in page.get("Contents", []):
            key = entry.get("Key", "")
            sha256 = key.removeprefix(self._keys.packages).rpartition(".")[0]
            copy = _copy_number(key)
            if sha256 in wanted and copy is not None and known.get(key) == entry.get("ETag", ""):
                kept = Kept(
                    sha256=sha256,
                    copy=copy,
                    size=entry.get("Size", 0),
                    written=entry.get("LastModified", _LONG_AGO),
                )
                if not self.is_old(kept):
                    found[sha256] = kept
        return found

    def _remember(self) -> None:
        if self._verified:
            remember_verified(self._bucket, self._verified)
            self._verified = {}

    def copies(self, numbers: Mapping[str, int]) -> dict[str, Kept]:
        """Return those copies that are there, by the hashes of their wheels.

        Raises:
            IntegrityError: what is kept under a wheel's hash is another file.
            ClientError: as boto3 does.
        """
        with together(_AT_ONCE) as (pool, _):
            found = pool.map(lambda each: self.copy_of(*each), numbers.items())
            return {each.sha256: each for each in found if each is not None}

    def is_old(self, kept: Kept) -> bool:
        """Whether a wheel would not outlive a session that begins now by as long as it should."""
        return self._now() - kept.written.timestamp() > self._seconds

    def _latest(self, sha256: str) -> Kept | None:
        first = self.copy_of(sha256, 0)
        if first is not None and not self.is_old(first):
            return first
        page = self._s3.list_objects_v2(
            Bucket=self._bucket, Prefix=f"{self._keys.packages}{sha256}."
        )
        copies = [_copy_number(entry.get("Key", "")) for entry in page.get("Contents", [])]
        known = [copy for copy in copies if copy is not None]
        return self.copy_of(sha256, max(known)) if known else first

    def copy_of(self, sha256: str, copy: int) -> Kept | None:
        """Return one copy of a wheel; None where there is none.

        Raises:
            IntegrityError: another file is kept there.
        """
        key = self._keys.package(sha256, copy)
        try:
            answer = self._s3.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if is_absent(error, self._s3, self._bucket, key=key):
                return None
            raise
        found = answer.get("ChecksumSHA256")
        if found and found != _checksum(sha256):
            raise IntegrityError(
                f"{key} holds another file than its name says: somebody has put it there. Nothing "
                "was started. Ask the steward to remove it (`starburst packages rm`), and the "
                "security officer to look who wrote it"
            )
        if found:
            self._verified[key] = answer["ETag"]
        return Kept(
            sha256=sha256,
            copy=copy,
            size=answer["ContentLength"],
            written=answer["LastModified"],
            filename=answer.get("Metadata", {}).get(_FILENAME, ""),
        )

    def put(
        self,
        files: Mapping[str, Path],
        *,
        copies: Mapping[str, int],
        names: Mapping[str, str],
        told: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Write wheels, each under the number of its copy; what another wrote meanwhile is as good.

        Args:
            files: where they are here, by their hashes.
            copies: the numbers.
            names: of the files, as people read them.
            told: takes how many bytes more are there.

        Raises:
            ClientError: as boto3 does.
        """
        with together(_AT_ONCE // 2) as (pool, stop):
            list(
                pool.map(
                    lambda sha256: self._put(
                        sha256,
                        files[sha256],
                        copies[sha256],
                        name=names[sha256],
                        stop=stop,
                        told=told,
                    ),
                    files,
                )
            )

    def _put(
        self,
        sha256: str,
        path: Path,
        copy: int,
        *,
        name: str,
        stop: threading.Event,
        told: Callable[[int], None],
    ) -> None:
        def once() -> None:
            with path.open("rb") as file:
                body: Any = _Watched(file, stop)
                self._s3.put_object(
                    Bucket=self._bucket,
                    Key=self._keys.package(sha256, copy),
                    Body=body,
                    ContentLength=path.stat().st_size,
                    ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=_checksum(sha256),
                    IfNoneMatch="*",
                    Metadata={_FILENAME: name},
                )

        if stop.is_set():
            raise Stopped
        try:
            past_conflicts(once)
        except ClientError as error:
            if code_of(error) not in TAKEN:
                raise
        told(path.stat().st_size)

    def listed(self) -> list[Kept]:
        """Return what is kept, each copy for itself, by the names of files."""
        with together(_AT_ONCE) as (pool, _):
            found = pool.map(lambda each: self.copy_of(each.sha256, each.copy), self._keys_there())
            known = [each for each in found if each is not None]
        return sorted(known, key=lambda each: (each.filename, each.sha256, each.copy))

    def _keys_there(self) -> Iterator[Kept]:
        pages = self._s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._keys.packages):
            for entry in page.get("Contents", []):
                key = entry.get("Key", "")
                copy = _copy_number(key)
                if copy is not None and "LastModified" in entry:
                    sha256 = key.removeprefix(self._keys.packages).rpartition(".")[0]
                    yield Kept(
                        sha256=sha256,
                        copy=copy,
                        size=entry.get("Size", 0),
                        written=entry["LastModified"],
                    )

    def remove(self, kept: Kept) -> None:
        """Remove one copy, every version of it.

        Raises:
            ClientError: as boto3 does.
        """
        key = self._keys.package(kept.sha256, kept.copy)
        pages = self._s3.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._bucket, Prefix=key):
            for entry in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                if entry.get("Key") == key:
                    self._s3.delete_object(
                        Bucket=self._bucket, Key=key, VersionId=entry.get("VersionId", "null")
                    )


class _Watched:
    """A file whose reading ends as soon as it is no longer wanted."""

    def __init__(self, file: IO[bytes], stop: threading.Event) -> None:
        self._file = file
        self._stop = stop

    def read(self, size: int = -1) -> bytes:
        if self._stop.is_set():
            raise Stopped
        return self._file.read(size)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a file has
        return getattr(self._file, name)


def _checksum(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def _copy_number(key: str) -> int | None:
    number = key.rpartition(".")[2]
    return int(number) if number.isdecimal() else None
