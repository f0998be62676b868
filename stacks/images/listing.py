"""The packages of a worker image, as ``make image`` listed them when it was built."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["image_packages", "listing_of"]

_HERE = Path(__file__).parent
_DIGITS = 12


def image_packages(digest: str, *, folder: Path = _HERE) -> Mapping[str, str] | None:
    """Return the normalized names and versions of an image's packages; None for an unlisted image.

    Args:
        digest: of the image, ``sha256:…``.
        folder: where the lists are, a ``name==version`` a line.
    """
    path = listing_of(digest, folder=folder)
    if not path.is_file():
        return None
    pairs = (line.split("==") for line in path.read_text(encoding="utf-8").split())
    return dict(sorted((name, version) for name, version in pairs))


def listing_of(digest: str, *, folder: Path = _HERE) -> Path:
    """Return where the list of an image's packages is, or would be.

    Args:
        digest: of the image, ``sha256:…``.
        folder: where the lists are.

    Example:
        >>> listing_of("sha256:" + "ab" * 32).name
        'abababababab.txt'
    """
    return folder / f"{digest.removeprefix('sha256:')[:_DIGITS]}.txt"
