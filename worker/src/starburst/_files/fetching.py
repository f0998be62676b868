"""Getting files: each appears here whole, after its checksum was compared, or not at all."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError, FlexibleChecksumError

from starburst.aws.calls import TAKEN, code_of
from starburst.errors import ConfigurationError, IntegrityError, SessionError, StarburstError
from starburst.untrusted.terminal_text import one_line

from .listing import Entry, files_below
from .names import FOLDER, as_folder, is_safe

if TYPE_CHECKING:
    from .places import Place

__all__ = ["Wanted", "fetch", "wanted_of"]

_BLOCK: Final = 1 << 20
_TRIES: Final = 3
_OF_PARTS: Final = "-"
"""In the checksum of other checksums, behind which their number stands."""

_THREADS: Final = 8
_LARGE_BYTES: Final = 8 << 20
"""From here on, one file is brought by ranges side by side; smaller ones come by one request."""

Wanted = list[tuple[str, Path, int]]
"""Names, where their files are to be here, and their bytes as they were listed."""


def wanted_of(place: Place, name: str, target: Path | None, *, into: bool) -> tuple[Wanted, Path]:
    """Return what a name stands for, and the path here of all of it.

    Args:
        place: where.
        name: of a file, or of a folder; empty for all there is.
        target: where to; None for here, under the name's last part.
        into: whether the target is a folder to put it into.

    Raises:
        DataNotFound: there is neither.
        ConfigurationError: a name in it would lead out of the folder here.
    """
    own = name.removesuffix(FOLDER).rpartition(FOLDER)[2]
    root = Path(own or ".") if target is None else target / own if into else target
    with place.errors(f"look for {place.path(name)}"):
        if name and not name.endswith(FOLDER) and place.has(name):
            return [(name, root, _LARGE_BYTES)], root
    folder = as_folder(name)
    found = list(files_below(place, folder))
    if not found:
        raise place.missing(name)
    return [(each.name, root / _below(each, folder), each.size) for each in found], root


Told = Callable[[int], None]
"""Is told of bytes that have arrived."""

Once = Callable[["Place", str, Path, Told], "int | None"]


def fetch(place: Place, wanted: Wanted, *, told: Told) -> int:
    """Bring files here; return their bytes.

    Raises:
        DataNotFound: one is not there any more.
        IntegrityError: what arrived is not what was put.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting = [pool.submit(_fetch, place, *each, told) for each in wanted]
        try:
            return sum(each.result() for each in waiting)
        except BaseException:
            for each in waiting:
                each.cancel()
            raise


def _below(entry: Entry, folder: str) -> str:
    below = entry.name.removeprefix(folder)
    if is_safe(below):
        return below
    raise ConfigurationError(
        f"{one_line(entry.path)} cannot become a file below a folder: its name would lead "
        "elsewhere on some computer. Get it by itself, with a name for it here"
    )


def _fetch(place: Place, name: str, target: Path, size: int, told: Told) -> int:
    try:
        return _whole(place, name, target, told, once=_large if size >= _LARGE_BYTES else _small)
    except StarburstError:
        raise
    except OSError as error:  # of this disk
        raise ConfigurationError(f"cannot write {str(target)!r}: {error}") from error


def _whole(place: Place, name: str, target: Path, told: Told, *, once: Once) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.parent / f".starburst-{secrets.token_hex(8)}.part"
    with place.errors(f"get {place.path(name)}", name):
        try:
            for _ in range(_TRIES):
                size = once(place, name, beside, told)
                if size is not None:
                    os.replace(beside, target)
                    return size
        finally:
            with contextlib.suppress(OSError):
                beside.unlink()
    raise SessionError(
        f"cannot get {one_line(place.path(name))}: somebody writes to it all the time. Get it "
        "again when nobody does"
    )


def _small(place: Place, name: str, beside: Path, told: Told) -> int:
    """Bring a file; botocore compares its checksum as it arrives. Return its size."""
    answer = place.s3.get_object(Bucket=place.bucket, Key=place.key(name), ChecksumMode="ENABLED")
    try:
        with beside.open("wb") as file:
            for data in answer["Body"].iter_chunks(_BLOCK):
                file.write(data)
                told(len(data))
    except FlexibleChecksumError as error:
        raise _damaged(place, name) from error
    return answer["ContentLength"]


def _large(place: Place, name: str, beside: Path, told: Told) -> int | None:
    """Bring a file and compare its checksum; return its size, or None where it was replaced."""
    bucket, key = place.bucket, place.key(name)
    head = place.s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    try:
        place.s3.download_file(bucket, key, str(beside), Callback=told)
    except ClientError as error:
        if code_of(error) in TAKEN:  # a part of another version
            return None
        raise
    said = head.get("ChecksumCRC32", "")
    if not said or _OF_PARTS in said or said == _crc32(beside):
        return head["ContentLength"]
    if place.s3.head_object(Bucket=bucket, Key=key)["ETag"] != head["ETag"]:
        return None
    raise _damaged(place, name)


def _damaged(place: Place, name: str) -> IntegrityError:
    return IntegrityError(
        f"{one_line(place.path(name))} is not what was put there: its checksum differs, and "
        "nothing of it was kept. Get it again; if it fails again, show this to your platform "
        "engineer"
    )


def _crc32(path: Path) -> str:
    checksum = 0
    with path.open("rb") as file:
        while data := file.read(_BLOCK):
            checksum = zlib.crc32(data, checksum)
    return base64.b64encode(checksum.to_bytes(4, "big")).decode()
