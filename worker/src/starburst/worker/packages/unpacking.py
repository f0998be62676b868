"""Unpacking a wheel whose hash was verified: no path leads out of its folder, and no bomb fills it.

A verified wheel is the one that somebody chose, and may be malformed or hostile all the same.
https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

from __future__ import annotations

import configparser
import os
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from starburst._protocol.sealed.code.functions import is_safe
from starburst.errors import IntegrityError, PackagesRefused

__all__ = ["BINARIES", "unpack"]

BINARIES: Final = "bin"
"""The folder of commands, below that of the packages."""

_MOST_ENTRIES: Final = 100_000
_MOST_RATIO: Final = 100
"""Wheels of text are packed ten to one; zeros are a thousand to one."""

_RATIO_FROM_BYTES: Final = 64 << 20
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 0x1
_PIECE: Final = 1 << 20
_PYTHON: Final = b"#!python"
_PLACES: Final = {"purelib": "", "platlib": "", "data": "", "scripts": f"{BINARIES}/"}
"""Where a wheel's ``.data`` folders go; headers are for compilers, of which there is none."""

_COMMAND: Final = """#!{python}
import sys
sys.path.insert(0, {folder!r})
from {module} import {top}
sys.exit({call}())
"""


def unpack(
    wheel: Path,
    folder: Path,
    *,
    name: str,
    room: int,
    tick: Callable[[], None] = lambda: None,
) -> int:
    """Unpack a wheel into a folder that is first on an import path; return the bytes written.

    Args:
        wheel: the file.
        folder: of all packages.
        name: of the wheel, for what is said of it.
        room: bytes that it may take.
        tick: called after each file.

    Raises:
        IntegrityError: it would write elsewhere, or is a bomb.
        PackagesRefused: it is no sound wheel, or needs more room.
        OSError: the disk is full.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            entries = list(_entries(archive, name=name, size=wheel.stat().st_size))
            needed = sum(info.file_size for info, _ in entries)
            if needed > room:
                raise _no_room(name, needed, room)
            for place in {os.path.dirname(path) for _, path in entries}:
                (folder / place).mkdir(parents=True, exist_ok=True)
            for info, path in entries:
                _write(archive, info, folder / path)
                tick()
            _write_commands(archive, folder)
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError),
        *(FileExistsError, NotADirectoryError, IsADirectoryError, UnicodeError),
        *(configparser.Error, ValueError),
    ) as error:
        if isinstance(error, PackagesRefused):  # a ValueError too
            raise
        raise PackagesRefused(
            f"{name} cannot be unpacked ({type(error).__name__}: {error}): it is no sound wheel, "
            "or has a file where another one has a folder. Leave it out of packages=, or take "
            "another version"
        ) from None
    return needed


def _no_room(name: str, needed: int, room: int) -> PackagesRefused:
    return PackagesRefused(
        f"the worker's disk has no room for its packages: {name} takes {needed / 1e9:,.2f} GB "
        f"unpacked, and {room / 1e9:,.2f} GB are left. Ask for more with scratch_gb="
    )


def _entries(
    archive: zipfile.ZipFile, *, name: str, size: int
) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    """Yield the files of a wheel with the path of each below the folder of all packages."""
    infos = archive.infolist()
    if len(infos) > _MOST_ENTRIES:
        raise IntegrityError(
            f"{name} has {len(infos):,} files, which no wheel has; it was not used"
        )
    unpacked, seen = sum(info.file_size for info in infos), set[str]()
    if unpacked > max(_RATIO_FROM_BYTES, _MOST_RATIO * size):
        raise IntegrityError(
            f"{name} has {size:,} bytes and would have {unpacked:,} unpacked; it was not used"
        )
    for info in infos:
        path = info.filename.removesuffix("/")
        if info.filename != info.orig_filename or not is_safe(path):
            raise IntegrityError(f"{name} holds the path {path!r:.80}; it was not used")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise IntegrityError(
                f"{name} holds a link or a device at {path!r:.80}; it was not used"
            )
        if info.is_dir():
            continue
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS or path in seen:
            raise IntegrityError(
                f"{name} holds {path!r:.80} twice, or packed as no wheel is; it was not used"
            )
        seen.add(path)
        placed = _place(path)
        if placed is not None:
            yield info, placed


def _place(path: str) -> str | None:
    """Return where a file goes; None for what no import needs."""
    top, _, rest = path.partition("/")
    if not top.endswith(".data"):
        return path
    kind, _, rest = rest.partition("/")
    return f"{_PLACES[kind]}{rest}" if kind in _PLACES and rest else None


def _write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> None:
    with archive.open(info) as source, path.open("wb") as file:
        piece = source.read(_PIECE)
        is_script = ".data/scripts/" in info.filename
        if is_script and piece.startswith(_PYTHON):
            piece = b"#!" + sys.executable.encode() + piece[len(_PYTHON) :]
        while piece:
            file.write(piece)
            piece = source.read(_PIECE)
    if is_script or (info.external_attr >> 16) & stat.S_IXUSR:
        path.chmod(0o755)


def _write_commands(archive: zipfile.ZipFile, folder: Path) -> None:
    """Write the commands that an installer makes of a wheel's entry points."""
    for listed in archive.namelist():
        top, _, rest = listed.partition("/")
        if not top.endswith(".dist-info") or rest != "entry_points.txt":
            continue
        points = configparser.ConfigParser(delimiters=("=",), interpolation=None)
        points.optionxform = str  # type: ignore[method-assign,assignment] # names are as they are
        points.read_string(archive.read(listed).decode())
        if not points.has_section("console_scripts"):
            continue
        for name, target in points.items("console_scripts"):
            module, _, call = target.partition("[")[0].strip().partition(":")
            whole = f"{module}.{call}".replace(" ", "")
            if is_safe(name) and "/" not in name and all(map(str.isidentifier, whole.split("."))):
                _write_command(folder, name, module=module.strip(), call=call.strip())


def _write_command(folder: Path, name: str, *, module: str, call: str) -> None:
    path = folder / BINARIES / name
    path.parent.mkdir(exist_ok=True)
    top = call.partition(".")[0]
    path.write_text(
        _COMMAND.format(
            python=sys.executable, folder=str(folder), module=module, top=top, call=call
        )
    )
    path.chmod(0o755)
