"""Choosing from a lock the one wheel of each distribution that runs on workers.

What has none is refused by name, all of it in one sentence. A project of one's own is left out: it
travels as modules.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from packaging.pylock import (
    Package,
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    Pylock,
    PylockSelectError,
)
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from starburst.errors import PackagesRefused

from .sources import Source
from .target import Target

__all__ = ["Choice", "choose"]

_REMEDY: Final = (
    "Only wheels travel, and nothing is built: build a wheel and publish it on an index of yours, "
    "or have the worker image carry it"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A wheel that is to be on workers.

    Attributes:
        name, version: of its distribution, normalized.
        filename: as its index has it.
        sha256: of the file.
        size: of the file, where that is known; else None.
        url: where it is; None where that was not asked again. It may hold credentials, so it is
            never written or said.
    """

    name: str
    version: str
    filename: str
    sha256: str
    size: int | None = None
    url: str | None = None

    def __repr__(self) -> str:
        """Say what it is, and not where it came from."""
        return f"Choice({self.filename})"


def choose(
    pylock: Pylock, source: Source, target: Target, *, there: Callable[[str, str], bool]
) -> tuple[Choice, ...]:
    """Return the wheels that a lock has for workers, in the order of names.

    Args:
        pylock: the lock.
        source: what it was made of.
        target: the workers.
        there: whether workers have a distribution of a name and a version anyhow, so that it does
            not matter that there is no wheel of it.

    Raises:
        PackagesRefused: the lock is for another Python, or names what has no wheel for workers, or
            whose hash is none of those that a requirements.txt allows.
    """
    lock = replace(pylock, packages=[])
    try:
        list(lock.select(environment=target.environment, tags=target.tags))
    except PylockSelectError:
        wanted = f", and {source.name} is for {pylock.requires_python}"
        raise PackagesRefused(
            f"workers run Python {target.python} on {target.platform}"
            f"{wanted if pylock.requires_python else ''}: lock it for these workers as well"
        ) from None
    found: dict[str, Choice] = {}
    refused: list[str] = []
    for package in pylock.packages:
        try:
            selected = list(
                replace(pylock, packages=[package]).select(
                    environment=target.environment, tags=target.tags
                )
            )
        except PylockSelectError:
            if not there(package.name, str(package.version)):
                refused.append(_unfit(package, target))
            continue
        for each, chosen in selected:
            try:
                choice = _choice(each, chosen, source, target)
            except PackagesRefused as error:
                if not there(each.name, str(each.version)):
                    refused.append(str(error))
                continue
            if choice is not None:
                found[choice.name] = choice
    if refused:
        raise PackagesRefused(f"{source.name}: {'; '.join(refused)}. {_REMEDY}")
    _check_hashes(found, source)
    return tuple(found[name] for name in sorted(found))


def _unfit(package: Package, target: Target) -> str:
    if package.requires_python and not package.requires_python.contains(
        target.environment["python_full_version"], prereleases=True
    ):
        return f"{package.name} is for Python {package.requires_python}, not {target.python}"
    return f"{package.name} {package.version} has no wheel for Python {target.python} on " + (
        target.platform
    )


def _choice(
    package: Package,
    chosen: PackageVcs | PackageDirectory | PackageArchive | PackageWheel | PackageSdist,
    source: Source,
    target: Target,
) -> Choice | None:
    """Return the wheel; None for a project of one's own."""
    name = package.name
    match chosen:
        case PackageVcs():
            raise PackagesRefused(f"{name} comes from a repository of its source")
        case PackageDirectory():
            if chosen.editable and _folder(chosen, source).is_dir():
                return None
            if chosen.editable:
                raise PackagesRefused(f"{name} is an editable project that is not on this machine")
            raise PackagesRefused(
                f"{name} comes from a folder, and not as editable, as one's own project does"
            )
        case PackageSdist():
            if package.wheels:
                raise PackagesRefused(_unfit(package, target))
            raise PackagesRefused(f"{name} {package.version} has no wheel at all")
        case PackageArchive():
            if not _file_of(chosen.url, chosen.path).endswith(".whl"):
                raise PackagesRefused(f"{name} comes from an archive of its source")
    return _wheel(name, chosen, source, target)


def _wheel(
    name: str, chosen: PackageArchive | PackageWheel, source: Source, target: Target
) -> Choice:
    named = chosen.filename if isinstance(chosen, PackageWheel) else None
    filename = named or _file_of(chosen.url, chosen.path)
    sha256 = chosen.hashes.get("sha256", "").lower()
    if not sha256:
        raise PackagesRefused(f"{name} has no sha256 in the lock")
    try:
        distribution, version, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise PackagesRefused(f"{name} has a wheel with a name that is none") from error
    if not tags & frozenset(target.tags):
        raise PackagesRefused(
            f"{name} {version} has no wheel for Python {target.python} on {target.platform}"
        )
    url = _url(chosen, source)
    return Choice(
        name=str(distribution),
        version=str(version),
        filename=filename,
        sha256=sha256,
        size=chosen.size if chosen.size is not None else _size_here(url),
        url=url,
    )


def _url(chosen: PackageArchive | PackageWheel, source: Source) -> str | None:
    if chosen.path:
        base = Path.cwd() if source.path is None else source.path.parent
        return (base / chosen.path).resolve().as_uri()
    return chosen.url


def _size_here(url: str | None) -> int | None:
    """Return the size of a file on this machine."""
    parts = urlsplit(url or "")
    if parts.scheme == "file":
        with suppress(OSError):
            return os.stat(url2pathname(parts.path)).st_size
    return None


def _folder(chosen: PackageDirectory, source: Source) -> Path:
    base = Path.cwd() if source.path is None else source.path.parent
    return base / chosen.path


def _file_of(url: str | None, path: str | None) -> str:
    return Path(path or unquote(urlsplit(url or "").path)).name


def _check_hashes(found: Mapping[str, Choice], source: Source) -> None:
    if source.kind != "hashed":
        return
    wrong: Sequence[str] = [
        choice.filename
        for name, choice in found.items()
        if choice.sha256 not in source.hashes.get(name, ())
    ]
    if wrong:
        raise PackagesRefused(
            f"{source.name} allows other hashes than those of {', '.join(wrong)}, which the index "
            "has: lock it again for the workers' Python and machine, or look who changed the file"
        )
