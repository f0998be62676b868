"""Names by a pattern: fsspec's own ``glob``, over our listings, so that s3fs is not needed."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from fsspec.spec import AbstractFileSystem

from starburst.errors import ConfigurationError

from .listing import entries

if TYPE_CHECKING:
    from .places import Place

__all__ = ["matching"]

_MAGIC: Final = re.compile(r"[*?[]")


def matching(place: Place, pattern: str) -> list[str]:
    """Return the paths that match, sorted; a folder's too, as of a zarr store, without its slash.

    Raises:
        ConfigurationError: it is no pattern.
    """
    folder = pattern.endswith("/")
    stem = _MAGIC.split(pattern)[0].rpartition("/")[2] if _MAGIC.search(pattern) else ""
    try:
        found: Any = _Listed(place, stem).glob(place.path(pattern))
    except ValueError as error:
        raise ConfigurationError(f"glob({pattern!r}): {error}") from error
    return [f"s3://{each.removesuffix('/')}{'/' if folder else ''}" for each in sorted(found)]


class _Listed(AbstractFileSystem):  # type: ignore[misc] # fsspec has no types
    """What fsspec's glob asks of a file system.

    Args:
        place: where.
        stem: what the last part of the root's names begins with, so that S3 lists no others.
    """

    protocol = "s3"
    cachable = False  # codespell:ignore cachable - as fsspec spells it

    def __init__(self, place: Place, stem: str) -> None:
        super().__init__()
        self._place = place
        self._stem = stem

    def find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,
        detail: bool = False,
        **_: Any,
    ) -> dict[str, Any]:
        """Return files and folders below a folder, by their paths."""
        root = str(self._strip_protocol(path))
        place = f"{self._place.bucket}/{self._place.prefix}"
        start = f"{root}/{self._stem}".removeprefix(place)
        found: dict[str, Any] = {root: _folder(root)} if withdirs else {}
        for each in entries(self._place, start, recursive=maxdepth != 1):
            name = each.path.removeprefix("s3://").removesuffix("/")
            depth = name.removeprefix(f"{root}/").count("/") + 1
            for above in list(PurePosixPath(name).parents)[: depth - 1]:
                found.setdefault(str(above), _folder(str(above)))
            if each.folder:
                found.setdefault(name, _folder(name))
            elif maxdepth is None or depth <= maxdepth:
                found[name] = {"name": name, "size": each.size, "type": "file"}
        most = None if maxdepth is None else root.count("/") + maxdepth
        return {
            name: info for name, info in found.items() if most is None or name.count("/") <= most
        }

    def exists(self, path: str, **_: Any) -> bool:
        """Whether a file stands there, or files below it."""
        name = str(self._strip_protocol(path)).removeprefix(
            f"{self._place.bucket}/{self._place.prefix}"
        )
        with self._place.errors(f"look for {self._place.path(name)}"):
            return self._place.has(name) or any(
                True for _ in entries(self._place, f"{name}/", recursive=True)
            )


def _folder(name: str) -> dict[str, Any]:
    return {"name": name, "size": 0, "type": "directory"}
