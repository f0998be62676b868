"""Putting files: whole or not at all, by parts where they are large, with checksums."""

from __future__ import annotations

import base64
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from starburst.errors import ConfigurationError, StarburstError

from .listing import entries
from .names import FOLDER
from .sources import Readable, Source

if TYPE_CHECKING:
    from .places import Place

__all__ = ["PART_BYTES", "Sent", "send"]

PART_BYTES: Final = 16 << 20
"""Of what is larger, parts of this size are sent side by side."""

_MOST_PARTS: Final = 10_000
_MOST_BYTES: Final = 5 << 40
"""Of one object, in this many parts.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
"""

_THREADS: Final = 8
_AHEAD_BYTES: Final = 256 << 20
"""Of one large file, and large files go one after the other, so that memory holds no more."""

Told = Callable[[int], None]
"""Is told of bytes that have arrived."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What putting came to.

    Attributes:
        files: how many.
        nbytes: of all of them.
        replaced: names that stood there before; what they held is a version now.
    """

    files: int
    nbytes: int
    replaced: tuple[str, ...]


def send(place: Place, sources: Sequence[Source], *, told: Told) -> Sent:
    """Put files, each of them whole; what stands under their names becomes an older version.

    Args:
        place: where.
        sources: what, under names that were checked.
        told: is told of bytes that have arrived.

    Raises:
        AccessDenied: the person may not write there.
        ConfigurationError: a file changed while it was sent, or is too large.
    """
    for each in sources:
        if each.size is not None and each.size > _MOST_BYTES:
            raise ConfigurationError(
                f"{each.said} has {each.size:,} bytes, and S3 keeps {_MOST_BYTES:,} in one object"
            )
    replaced = _there(place, [each.name for each in sources])
    done, nbytes = 0, 0
    with ThreadPoolExecutor(_THREADS) as parts, ThreadPoolExecutor(_THREADS) as files:
        way = _Way(place=place, parts=parts, told=told)
        waiting = [files.submit(_send, way, each) for each in sources]
        try:
            for file in waiting:
                nbytes += file.result()
                done += 1
        except BaseException as error:  # also an interrupt: what is under way ends at its next part
            way.given_up.set()
            for file in waiting:
                file.cancel()
            if isinstance(error, StarburstError) and len(sources) > 1:
                error.add_note(f"{done:,} of {len(sources):,} files were put, each of them whole")
            raise
    return Sent(files=done, nbytes=nbytes, replaced=tuple(replaced))


def _there(place: Place, names: Sequence[str]) -> list[str]:
    """Return those of the names that are taken."""
    if len(names) == 1:
        with place.errors(f"look for {place.path(names[0])}"):
            return [*names] if place.has(names[0]) else []
    wanted = {*names}
    start = _common(names)
    return [each.name for each in entries(place, start, recursive=True) if each.name in wanted]


def _common(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    end = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:end].rpartition(FOLDER)[0] + FOLDER if FOLDER in first[:end] else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Way:
    """What the files of one call share on their way."""

    place: Place
    parts: ThreadPoolExecutor
    told: Told
    one_large: threading.Lock = field(default_factory=threading.Lock)
    given_up: threading.Event = field(default_factory=threading.Event)


def _send(way: _Way, source: Source) -> int:
    place = way.place
    try:
        before = source.state and source.state()
        opened = source.open()
    except OSError as error:
        raise ConfigurationError(f"cannot read {source.said}: {error}") from error
    with closing(opened), place.errors(f"put {place.path(source.name)}", changes=True):
        first = _read(opened, PART_BYTES + 1, source)
        if len(first) <= PART_BYTES:
            _check_same(source, before, len(first))
            place.s3.put_object(
                Bucket=place.bucket,
                Key=place.key(source.name),
                Body=first,
                ChecksumAlgorithm="CRC32",
                ChecksumCRC32=_base64(zlib.crc32(first)),
            )
            way.told(len(first))
            return len(first)
        with way.one_large:
            return _Parts(way, source).send(opened, first, before)


class _Parts:
    """One large file on its way."""

    def __init__(self, way: _Way, source: Source) -> None:
        self._way = way
        self._place = place = way.place
        self._source = source
        self._terms: dict[str, Any] = {"Bucket": place.bucket, "Key": place.key(source.name)}
        self._whole = 0
        self._size = 0
        self._part_bytes = max(PART_BYTES, -(-(source.size or 0) // _MOST_PARTS))

    def send(self, opened: Readable, first: bytes, before: object) -> int:
        """Send all of it; where that fails, S3 keeps nothing of it."""
        s3 = self._place.s3
        started = s3.create_multipart_upload(
            **self._terms, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT"
        )
        self._terms["UploadId"] = started["UploadId"]
        ahead = max(2, _AHEAD_BYTES // self._part_bytes)
        under_way: deque[Future[dict[str, Any]]] = deque()
        sent: list[dict[str, Any]] = []
        try:
            for number, data in enumerate(self._read(opened, first), 1):
                if number > _MOST_PARTS:
                    raise ConfigurationError(
                        f"{self._source.said} is more than {_MOST_PARTS:,} parts of "
                        f"{PART_BYTES:,} bytes. Put it as a file, whose size is known beforehand"
                    )
                if self._way.given_up.is_set():
                    raise CancelledError
                if len(under_way) == ahead:
                    sent.append(under_way.popleft().result())
                under_way.append(self._way.parts.submit(self._part, number, data))
            sent += [each.result() for each in under_way]
            _check_same(self._source, before, self._size)
            s3.complete_multipart_upload(
                **self._terms,
                MultipartUpload={"Parts": sent},  # type: ignore[typeddict-item]
                ChecksumType="FULL_OBJECT",
                ChecksumCRC32=_base64(self._whole),
                MpuObjectSize=self._size,
            )
        except BaseException:
            for each in under_way:
                each.cancel()
            for each in under_way:
                with suppress(Exception):
                    each.result()
            # What stays of it, the bucket's lifecycle takes away.
            with suppress(ClientError, BotoCoreError):
                s3.abort_multipart_upload(**self._terms)
            raise
        return self._size

    def _read(self, opened: Readable, first: bytes) -> Iterator[bytes]:
        """Yield parts, none but the last shorter than the others."""
        size, held = self._part_bytes, first
        while held:
            if len(held) < size:
                held += _read(opened, size - len(held), self._source)
            part, held = held[:size], held[size:]
            self._whole = zlib.crc32(part, self._whole)
            self._size += len(part)
            yield part
            held = held or _read(opened, size, self._source)

    def _part(self, number: int, data: bytes) -> dict[str, Any]:
        checksum = _base64(zlib.crc32(data))
        answer = self._place.s3.upload_part(
            **self._terms, PartNumber=number, Body=data, ChecksumCRC32=checksum
        )
        self._way.told(len(data))
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": checksum}


def _read(opened: Readable, size: int, source: Source) -> bytes:
    """Read so many bytes, fewer only at the end."""
    held = b""
    while len(held) < size:
        try:
            data = opened.read(size - len(held))
        except OSError as error:
            raise ConfigurationError(f"cannot read {source.said}: {error}") from error
        if not data:
            break
        held = held + data if held else data
    return held


def _check_same(source: Source, before: object, size: int) -> None:
    """Refuse a file that somebody writes to: what was read of it may be of no moment at all."""
    if source.state is None:
        return
    try:
        now = source.state()
    except OSError:
        now = None
    if now != before or size != source.size:
        raise ConfigurationError(
            f"{source.said} changed while it was read, so nothing of it was put. Put it again "
            "when nobody writes to it"
        )


def _base64(checksum: int) -> str:
    return base64.b64encode(checksum.to_bytes(4, "big")).decode()
