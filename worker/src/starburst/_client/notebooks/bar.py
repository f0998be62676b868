"""A bar in a notebook: one output that changes, however often it is drawn."""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any, Final

from .cards import Counts, card

__all__ = ["NotebookBar", "in_notebook"]

_DRAW_SECONDS: Final = 0.4
"""Drawn no more often than this, unless all is done."""


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and shell.__class__.__name__ == "ZMQInteractiveShell"


class NotebookBar:
    """Tasks' progress as one display.

    Args:
        label: what goes on.
        display: shows a bundle of formats, and returns what changes it; by default IPython's own.
    """

    def __init__(self, label: str, *, display: Any = None) -> None:  # noqa: ANN401 - IPython's
        self._label = label
        self._display = display or _display
        self._handle: Any = None
        self._began = time.monotonic()
        self._drawn = 0.0
        self._told: tuple[Counts, str] | None = None
        self._shown: tuple[Counts, str] | None = None

    def draw(self, tally: Counts, words: str, *, last: bool = False) -> None:
        """Show how far tasks are, where that is news.

        Args:
            tally: of the tasks.
            words: what workers do and cost.
            last: whether nothing will follow.
        """
        self._told, now = (tally, words), time.monotonic()
        soon = now - self._drawn < _DRAW_SECONDS and tally.done < tally.total
        if not last and (soon or self._told == self._shown):
            return
        self._drawn, self._shown = now, self._told
        bundle = self._bundle(tally, words, now - self._began)
        if self._handle is None:
            self._handle = self._display(bundle)
        else:
            self._handle.update(bundle, raw=True)

    def close(self) -> None:
        """Show the latest state that was told."""
        if self._told is not None:
            self.draw(*self._told, last=True)

    def _bundle(self, tally: Counts, words: str, elapsed: float) -> dict[str, str]:
        left = ""
        if 0 < tally.done < tally.total:
            rest = elapsed / tally.done * (tally.total - tally.done)
            left = f", about {_clock(rest)} left"
        done = f"{tally.done:,} of {tally.total:,} task{'s' * (tally.total != 1)} done"
        said = f"{done} · {_clock(elapsed)}{left}"
        page = card(self._label, [said, words], tally=tally)
        return {"text/html": page, "text/plain": f"{self._label}: {said}, {words}"}


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"


def _display(bundle: dict[str, str]) -> Any:  # noqa: ANN401 - IPython has no types
    shown: Any = importlib.import_module("IPython.display")  # there in a notebook alone
    return shown.display(bundle, raw=True, display_id=True)
