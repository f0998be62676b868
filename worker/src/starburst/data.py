"""The data of a workspace: files that its sessions read, by paths that libraries open themselves.

Analysts of the workspace read them; its steward writes them, and analysts too where the workspace
says so. Tasks read them and never write.

Example:
    >>> import starburst
    >>> starburst.data.put("cohort/", "cohort")                  # doctest: +SKIP
    's3://…/data/genomics/cohort/'
    >>> paths = starburst.data.glob("cohort/*.parquet")          # doctest: +SKIP
    >>> starburst.map(mean_age, paths)                           # doctest: +SKIP

A task gets a path as text and opens it as it would at home: ``pandas.read_parquet(path)``,
``polars.scan_parquet(path)``, ``pyarrow.dataset.dataset(path)``, ``xarray.open_zarr(path)``. In a
task, `path`, `ls`, `glob`, `get`, `open` and `filesystem` work without being told where.

Every call takes ``environment=``, ``workspace=``, ``user=`` and ``profile=`` as
:func:`starburst.connect` does, and ``steward=True`` to act as the workspace's steward.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any, Unpack

from starburst._files import moving
from starburst._files.drafts import is_writing, open_file
from starburst._files.filesystem import filesystem_of
from starburst._files.globbing import matching
from starburst._files.listing import Entry, Listing
from starburst._files.places import Where, open_data
from starburst._files.removing import remove
from starburst._files.sources import Sources

__all__ = ["Entry", "Listing", "filesystem", "get", "glob", "ls", "open", "path", "put", "rm"]


def put(
    source: Sources,
    name: str | None = None,
    *,
    progress: bool | None = None,
    **where: Unpack[Where],
) -> str:
    r"""Put a file, a folder, bytes or an open file; return the path by which tasks open it.

    Each file appears whole or not at all. What stood under its name before becomes an older
    version, which is said on stderr; the bucket keeps those for a while.

    Args:
        source: the path of a file or folder here, bytes, or a file that is open for reading bytes.
        name: what it is to be called, such as ``"cohort/a.csv"``; by default as it is called here.
            Where it ends with a slash, a file keeps its own name within it.
        progress: draw a bar; by default only where a person watches.
        **where: whose data; see :func:`starburst.connect`.

    Raises:
        AccessDenied: the workspace's data are its steward's to write, and this is not the steward.
        ConfigurationError: it is not there, has no name that can be, or changes while it is read.

    Example:
        >>> starburst.data.put(b"a,b\n1,2\n", "small.csv")        # doctest: +SKIP
        's3://…/data/genomics/small.csv'
    """
    return moving.put(open_data(writes=True, **where), source, name, progress=progress).target


def get(
    name: str,
    target: str | os.PathLike[str] | None = None,
    *,
    progress: bool | None = None,
    **where: Unpack[Where],
) -> Path:
    """Bring a file here, or a folder with all that is in it; return where it is.

    Args:
        name: of the file or folder; ``""`` for all the data.
        target: what it is to be called here, or a folder for it; by default its own name, in the
            working directory.
        progress: draw a bar; by default only where a person watches.
        **where: whose data; see :func:`starburst.connect`.

    Raises:
        AccessDenied: you are no analyst, and no steward, of this workspace.
        DataNotFound: there is nothing of that name.
        IntegrityError: what arrived is not what was put.

    Example:
        >>> starburst.data.get("cohort/a.parquet")               # doctest: +SKIP
        PosixPath('a.parquet')
    """
    return Path(moving.get(open_data(**where), name, target, progress=progress).target)


def ls(name: str = "", *, recursive: bool = False, **where: Unpack[Where]) -> Listing:
    """Return what is in a folder: names, sizes and times, asked for as they are read.

    Args:
        name: of the folder; all the data by default.
        recursive: the files at any depth; else folders stand for what is in them.
        **where: whose data; see :func:`starburst.connect`.

    Raises:
        AccessDenied: from the iterator, you are no analyst, and no steward, of this workspace.

    Example:
        >>> for entry in starburst.data.ls("cohort"):            # doctest: +SKIP
        ...     print(entry.name, entry.size)
    """
    place = open_data(**where)
    return Listing(place, place.name(name, whole=True), recursive=recursive)


def rm(name: str = "", *, recursive: bool = False, **where: Unpack[Where]) -> int:
    """Remove a file, or with ``recursive`` a folder; return how many files that were.

    What they held stays as older versions for as long as the bucket keeps those.

    Args:
        name: of the file or folder; ``""`` with ``recursive`` for all the data.
        recursive: remove a folder and all that is in it.
        **where: whose data; see :func:`starburst.connect`.

    Raises:
        AccessDenied: you may not write these data.
        ConfigurationError: it is a folder and ``recursive`` was not said, or there is no name.
        DataNotFound: there is nothing of that name.

    Example:
        >>> starburst.data.rm("cohort", recursive=True)          # doctest: +SKIP
        12
    """
    place = open_data(writes=True, **where)
    return remove(place, place.name(name, whole=recursive), recursive=recursive)


def glob(pattern: str, **where: Unpack[Where]) -> list[str]:
    """Return the paths that a pattern matches, sorted, by fsspec's rules.

    ``*`` stands for anything within a name, ``?`` for one character, ``[ab]`` for one of them, and
    ``**``, alone between slashes, for any number of folders. Folders match too, such as zarr
    stores; ``**/*.parquet`` finds files at any depth.

    Args:
        pattern: such as ``"cohort/*.parquet"``.
        **where: whose data; see :func:`starburst.connect`.

    Raises:
        AccessDenied: you are no analyst, and no steward, of this workspace.
        ConfigurationError: it is no pattern.

    Example:
        >>> starburst.map(mean_age, starburst.data.glob("cohort/*.parquet"))  # doctest: +SKIP
    """
    place = open_data(**where)
    return matching(place, place.name(pattern))


def path(name: str = "", **where: Unpack[Where]) -> str:
    """Return the path of a name, ``s3://…``, whether something is there or not.

    Example:
        >>> starburst.data.path("cohort/a.parquet")              # doctest: +SKIP
        's3://…/data/genomics/cohort/a.parquet'
    """
    place = open_data(**where)
    return place.path(place.name(name, whole=True))


def open(
    name: str, mode: str = "rb", *, encoding: str | None = None, **where: Unpack[Where]
) -> IO[Any]:
    """Open a file; it needs ``pip install "starburst[data]"`` for reading.

    Reading asks for the parts that are read. Writing keeps a draft here, which is put when the file
    is closed; where its ``with`` block fails, nothing is put.

    Args:
        name: of the file.
        mode: ``"rb"``, ``"r"``, ``"wb"`` or ``"w"``.
        encoding: of text; UTF-8 by default.
        **where: whose data; see :func:`starburst.connect`.

    Raises:
        AccessDenied: you may not read, or write, these data.
        DataNotFound: it is to be read, and is not there.

    Example:
        >>> with starburst.data.open("notes.txt", "w") as file:  # doctest: +SKIP
        ...     file.write("read me")
    """
    place = open_data(writes=is_writing(mode), **where)
    return open_file(place, place.name(name), mode, encoding=encoding)


def filesystem(**where: Unpack[Where]) -> Any:  # noqa: ANN401 - s3fs has no types
    """Return an s3fs file system with this login; it needs ``pip install "starburst[data]"``.

    For what takes a file system of fsspec's: ``pandas.read_parquet(path, filesystem=…)``. It reads
    a renewed login by itself. What it writes is not held back until it is whole: `put` and `open`
    do that. It stays in its process: a task asks for its own.

    Raises:
        ConfigurationError: s3fs is not installed.

    Example:
        >>> starburst.data.filesystem().size(path)               # doctest: +SKIP
        1024
    """
    return filesystem_of(open_data(**where))
