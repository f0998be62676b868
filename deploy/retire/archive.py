"""One tar file of what a workspace has: its data, homes and packages, as a reader finds them.

An object's name may be anything, and a file's may not. A tar holds every name as it is, so none can
leave the folder that it is written to, or meet another's.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.incident.command import IncidentError
from deploy.incident.versions import Version
from starburst.aws.calls import TROUBLE

__all__ = ["Archive", "write_archive"]

_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What was archived.

    Attributes:
        file: where.
        objects, bytes: how much is in it.
        sha256: of the file.
    """

    file: str
    objects: int
    bytes: int
    sha256: str


def write_archive(s3: Any, bucket: str, versions: Iterable[Version], *, file: Path) -> Archive:  # noqa: ANN401 - any client of boto3
    """Write the newest version of each object into a new file, and read all of it back.

    Args:
        s3: client of a role that may read.
        bucket: the data bucket.
        versions: what is there; delete markers and older versions are left out.
        file: a new one.

    Raises:
        IncidentError: the file exists, or is not what S3 sent; says so. Nothing was erased.
    """
    newest = [one for one in versions if one.latest and not one.marker]
    try:
        with open(file, "xb", opener=_for_oneself) as out:
            sums = _fill(s3, bucket, newest, out)
            out.flush()
            os.fsync(out.fileno())
        whole = _read_back(file, sums)
    except FileExistsError as error:
        raise IncidentError(f"{file} exists; name another file. Nothing was erased") from error
    except (OSError, tarfile.TarError, *TROUBLE) as error:
        raise IncidentError(
            f"{file} could not be written ({error}), so nothing was erased. Remove it, see that "
            "there is room, and run the same command again"
        ) from error
    return Archive(
        file=str(file), objects=len(newest), bytes=sum(one.size for one in newest), sha256=whole
    )


def _fill(s3: Any, bucket: str, newest: Iterable[Version], out: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    sums: list[tuple[str, str]] = []
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for one in newest:
            answer = s3.get_object(Bucket=bucket, Key=one.key, VersionId=one.id)
            entry = tarfile.TarInfo(one.key)
            entry.size, entry.mode = answer["ContentLength"], 0o600
            entry.mtime = one.modified.timestamp()
            reader = _Summed(answer["Body"])
            tar.addfile(entry, reader)
            sums.append((one.key.rstrip("/"), reader.sha256))
    return sums


def _read_back(file: Path, sums: Sequence[tuple[str, str]]) -> str:
    """Return the file's hash, once each object in it is what S3 sent."""
    found: list[tuple[str, str]] = []
    with tarfile.open(file) as tar:
        for entry in tar:
            member = tar.extractfile(entry)
            reader = _Summed(member if member is not None else io.BytesIO())
            while reader.read(_PIECE):
                pass
            # A long name loses its closing slash in a tar.
            found.append((entry.name.rstrip("/"), reader.sha256))
    if found != sums:
        raise IncidentError(
            f"{file} is not what S3 sent, so nothing was erased. Remove it, look at the disk, and "
            "run the same command again"
        )
    with file.open("rb") as whole:
        return hashlib.file_digest(whole, "sha256").hexdigest()


class _Summed:
    """What is read from a stream, and its hash."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - of botocore or tarfile
        self._stream = stream
        self._sum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        piece: bytes = self._stream.read(size)
        self._sum.update(piece)
        return piece

    @property
    def sha256(self) -> str:
        """Of what was read so far."""
        return self._sum.hexdigest()


def _for_oneself(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
