"""Digests of the files that a verdict rests on."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["Digests"]


class Digests:
    """Digests of the files of a tree, as they are when they are first asked for.

    Args:
        root: of the repository.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, str] = {}

    def of(self, file: str) -> str:
        """Return a digest of a file."""
        if file not in self._known:
            text = (self._root / file).read_bytes()
            self._known[file] = hashlib.sha256(text).hexdigest()[:16]
        return self._known[file]
