"""The bar that shows how wheels come from an index and go to the bucket; silent where unseen."""

from __future__ import annotations

import sys
import threading
from typing import Any

from tqdm import tqdm

__all__ = ["PackagesBar"]


class PackagesBar:
    """A tqdm bar over bytes.

    Args:
        label: what moves.
        total: bytes in all; 0 where that is not known.
        watched: whether anyone would see it.
    """

    def __init__(self, label: str, total: int, *, watched: bool) -> None:
        self._lock = threading.Lock()
        self._bar: Any = None
        if watched:
            self._bar = tqdm(
                total=total or None,
                desc=label,
                unit="B",
                unit_scale=True,
                unit_divisor=1000,
                file=sys.stderr,
            )

    def moved(self, nbytes: int) -> None:
        """Draw that so many bytes more have moved."""
        with self._lock:
            if self._bar is not None:
                self._bar.update(nbytes)

    def finish(self) -> None:
        """Leave the bar as it stands."""
        with self._lock:
            if self._bar is not None:
                self._bar.close()
                self._bar = None
