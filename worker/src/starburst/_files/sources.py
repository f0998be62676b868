"""What a person puts: a file, a folder, bytes or an open file, as what is to be sent."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias

from starburst.errors import ConfigurationError

from .names import FOLDER

__all__ = ["Readable", "Source", "Sources", "file_source", "sources_of"]

Sources: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO"
"""A file's or a folder's path here, the bytes themselves, or a file that is open for them."""


class Readable(Protocol):
    """What is read once, and closed."""

    def read(self, size: int, /) -> bytes:
        """Return so many bytes, or fewer; none at the end."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One file to be.

    Attributes:
        name: that it is to have.
        said: what it is, as an error names it.
        open: opens it for reading.
        size: bytes; None where that is seen when it ends.
        state: what tells whether it changed meanwhile; None where nothing does.
    """

    name: str
    said: str
    open: Callable[[], Readable]
    size: int | None
    state: Callable[[], object] | None = None


def sources_of(source: object, name: str | None) -> tuple[list[Source], str]:
    """Return the files that something stands for, and the name of all of it.

    Args:
        source: what is put.
        name: that it is to have; None for its own, within it where it ends with a slash.

    Raises:
        ConfigurationError: it is not there, cannot be sent, or has no name.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        target = _given(name, "bytes have no name of their own")
        one = Source(name=target, said="bytes", open=lambda: io.BytesIO(data), size=len(data))
        return [one], target
    if isinstance(source, str | os.PathLike):
        return _on_disk(source, name)
    if callable(getattr(source, "read", None)):
        opened: Any = source
        target = _given(name, "an open file goes under the name that you give it")
        said = f"the open file for {target}"
        return [Source(name=target, said=said, open=lambda: _Kept(opened, said), size=None)], target
    raise ConfigurationError(
        f"a {type(source).__name__} cannot be put: pass the path of a file or a folder, bytes, or "
        "a file that is open for reading bytes. Save a table first, such as by to_parquet"
    )


def file_source(path: Path, name: str) -> Source:
    """Return a file on this machine as a source."""
    status = path.stat()

    def state() -> tuple[int, int]:
        now = path.stat()
        return now.st_size, now.st_mtime_ns

    return Source(
        name=name, said=str(path), open=lambda: path.open("rb"), size=status.st_size, state=state
    )


def _on_disk(source: str | os.PathLike[str], name: str | None) -> tuple[list[Source], str]:
    path = Path(os.fspath(source)).expanduser()
    own = path.resolve().name
    if path.is_dir():
        folder = (name if name is not None else own).removesuffix(FOLDER)
        return _in_folder(path, folder), folder + FOLDER
    if not path.exists():
        raise ConfigurationError(f"there is no file or folder {str(path)!r} here")
    if not path.is_file():
        raise ConfigurationError(f"{str(path)!r} is no file or folder, so it cannot be put")
    target = own if name is None else f"{name}{own}" if name.endswith(FOLDER) else name
    return [file_source(path, target)], target


def _in_folder(path: Path, name: str) -> list[Source]:
    found = []
    for folder, folders, files in os.walk(path, onerror=_unreadable):
        folders.sort()
        for each in folders:
            if (Path(folder) / each).is_symlink():
                raise ConfigurationError(
                    f"{str(Path(folder) / each)!r} is a link to a folder: put what it leads to by "
                    "itself, so that nothing is put by accident, or without end"
                )
        for each in sorted(files):
            file = Path(folder) / each
            if not file.is_file():
                raise ConfigurationError(f"{str(file)!r} is no file, so it cannot be put")
            below = file.relative_to(path).as_posix()
            found.append(file_source(file, f"{name}{FOLDER}{below}" if name else below))
    if not found:
        raise ConfigurationError(f"there is no file in {str(path)!r}, and S3 keeps no empty folder")
    return found


def _unreadable(error: OSError) -> None:
    raise ConfigurationError(f"cannot list {error.filename!r}: {error.strerror}") from error


def _given(name: str | None, why: str) -> str:
    if name is None or name.endswith(FOLDER):
        raise ConfigurationError(f"{why}: pass one, such as put(…, 'cohort/a.csv')")
    return name


class _Kept(io.RawIOBase):
    """An open file of somebody else's: read, and left open."""

    def __init__(self, opened: Any, said: str) -> None:  # noqa: ANN401 - whatever has read
        super().__init__()
        self._opened = opened
        self._said = said

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return what it reads.

        Raises:
            ConfigurationError: it reads text.
        """
        data = self._opened.read(size)
        if not isinstance(data, bytes | bytearray | memoryview):
            raise ConfigurationError(
                f"{self._said} reads {type(data).__name__}, not bytes: open it with mode 'rb'"
            )
        return bytes(data)
