"""One's own folder in a workspace: what a person keeps between sessions, for nobody else.

No task, no steward and no other analyst reads it (P10, A14).

Every call takes ``environment=``, ``workspace=``, ``user=`` and ``profile=`` as
:func:`starburst.connect` does.

Example:
    >>> import starburst
    >>> starburst.home.put("figures/", "figures")                # doctest: +SKIP
    >>> starburst.home.url("figures/survival.png", 300)          # doctest: +SKIP
    'https://…'
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Unpack

from starburst._files import moving
from starburst._files.links import MOST_SECONDS, console_link, link
from starburst._files.listing import Listing
from starburst._files.places import Where, open_home
from starburst._files.removing import remove
from starburst._files.sources import Sources

__all__ = ["console_url", "get", "ls", "put", "rm", "url"]


def put(
    source: Sources,
    name: str | None = None,
    *,
    progress: bool | None = None,
    **where: Unpack[Where],
) -> str:
    """Put a file, a folder, bytes or an open file into your home; return its path.

    As :func:`starburst.data.put` does.

    Raises:
        AccessDenied: this is not your home, or you act as a steward.
        ConfigurationError: it is not there, has no name that can be, or changes while it is read.

    Example:
        >>> starburst.home.put("survival.png", "figures/")       # doctest: +SKIP
        's3://…/home/genomics/alice/figures/survival.png'
    """
    return moving.put(open_home(**where), source, name, progress=progress).target


def get(
    name: str,
    target: str | os.PathLike[str] | None = None,
    *,
    progress: bool | None = None,
    **where: Unpack[Where],
) -> Path:
    """Bring a file or a folder of your home here; return where it is.

    As :func:`starburst.data.get` does.

    Raises:
        DataNotFound: there is nothing of that name.
        IntegrityError: what arrived is not what was put.

    Example:
        >>> starburst.home.get("figures/survival.png")           # doctest: +SKIP
        PosixPath('survival.png')
    """
    return Path(moving.get(open_home(**where), name, target, progress=progress).target)


def ls(name: str = "", *, recursive: bool = False, **where: Unpack[Where]) -> Listing:
    """Return what is in a folder of your home, as :func:`starburst.data.ls` does.

    Example:
        >>> starburst.home.ls("figures")                         # doctest: +SKIP
           48.2 KB  2026-11-29 17:04  figures/survival.png
    """
    place = open_home(**where)
    return Listing(place, place.name(name, whole=True), recursive=recursive)


def rm(name: str = "", *, recursive: bool = False, **where: Unpack[Where]) -> int:
    """Remove a file of your home, or with ``recursive`` a folder; return how many files.

    As :func:`starburst.data.rm` does.

    Raises:
        ConfigurationError: it is a folder and ``recursive`` was not said, or there is no name.
        DataNotFound: there is nothing of that name.

    Example:
        >>> starburst.home.rm("figures", recursive=True)         # doctest: +SKIP
        3
    """
    place = open_home(**where)
    return remove(place, place.name(name, whole=recursive), recursive=recursive)


def url(name: str, seconds: int = MOST_SECONDS, **where: Unpack[Where]) -> str:
    """Return a link by which anybody who has it reads one file of your home for some minutes.

    Only where the workspace allows it. It ends earlier where your login does. Who made it, and each
    use of it, is in the audit trail.

    Args:
        name: of the file.
        seconds: that it is good for, 900 at most.
        **where: whose home; see :func:`starburst.connect`.

    Raises:
        ConfigurationError: the workspace allows no links, or it would live too long.
        DataNotFound: there is no such file.

    Example:
        >>> starburst.home.url("figures/survival.png", 300)      # doctest: +SKIP
        'https://…'
    """
    place = open_home(**where)
    return link(place, place.name(name), seconds=seconds)


def console_url(name: str = "", **where: Unpack[Where]) -> str:
    """Return the address of a folder of your home, or of a file, in AWS's console.

    It opens for who is logged in there to the same role, and lists this folder only: the console
    cannot list what is above it.

    Args:
        name: of the file, or of the folder with its closing slash; your home by default.
        **where: whose home; see :func:`starburst.connect`.

    Raises:
        ConfigurationError: the local environment has no console.

    Example:
        >>> starburst.home.console_url("figures/")               # doctest: +SKIP
        'https://eu-west-1.console.aws.amazon.com/s3/buckets/…'
    """
    place = open_home(**where)
    return console_link(place, place.name(name, whole=True))
