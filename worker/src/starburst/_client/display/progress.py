"""The bar that shows how a wait goes, on a terminal or in a notebook; silent elsewhere."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from tqdm import tqdm

from starburst._client.notebooks.bar import NotebookBar, in_notebook
from starburst._client.tasks.task_list import Tally
from starburst._protocol.status import StatusDocument
from starburst.untrusted.terminal_text import one_line, tell

from .plain_lines import PlainLines

if TYPE_CHECKING:
    from starburst._client.logs.line import LogLine

__all__ = ["ProgressBar", "describe", "dollars", "layout", "wants_progress"]

_USUAL_WIDTH: Final = 80
_SHORTEST_BAR: Final = 5
_OVER: Final = ("ended", "failed")
_LAYOUTS: Final = (
    ("{desc}: {n_fmt}/{total_fmt} |{bar}| {elapsed}<{remaining}{postfix}", _SHORTEST_BAR + 5),
    ("{desc}: {n_fmt}/{total_fmt} {elapsed}{postfix}", 3),
    ("{n_fmt}/{total_fmt}{postfix}", 0),
)
"""From the richest to the barest, with what each takes beside its words: bar, blanks, marks."""


def wants_progress() -> bool:
    """Whether a person may be watching: standard error is a terminal, or this is a notebook."""
    return in_notebook() or sys.stderr.isatty()


def describe(tally: Tally, status: StatusDocument | None, *, waits_for: str = "") -> str:
    """Say in a few words what the workers do and what they have cost.

    Args:
        tally: how far the tasks are.
        status: the controller's latest word.
        waits_for: what this client waits for, which comes first: it may be for a person to do.

    Example:
        >>> describe(Tally(total=10, done=4, failed=1, retried=2), None)
        'starting, 1 failed, 2 retried'
    """
    words = [waits_for] if waits_for else []
    if tally.seconds and (status is None or status.state == "starting"):
        # The controller's word is older than what the workers have done.
        words.append("working")
    elif status is None:
        words.append("starting")
    elif status.reason and (status.state in _OVER or not status.workers_running):
        words.append(status.reason)  # nothing moves, and this is why
    else:
        words.append(f"{status.workers_running}/{status.workers_wanted} workers")
        if status.workers_starting:
            words.append(f"{status.workers_starting} starting")
        if status.workers_lost:
            words.append(f"{status.workers_lost} lost")
    if tally.failed:
        words.append(f"{tally.failed:,} failed")
    if tally.cancelled:
        words.append(f"{tally.cancelled:,} cancelled")
    if tally.retried:
        words.append(f"{tally.retried:,} retried")
    if status is not None:
        words.append(dollars(status.usd))
    return ", ".join(words)


def dollars(usd: float) -> str:
    """Return an amount with as many digits as it needs to be seen.

    Example:
        >>> dollars(41.5), dollars(0.00081)
        ('$41.50', '$0.0008')
    """
    return f"${usd:.2f}" if usd >= 0.1 else f"${usd:.4f}"  # noqa: PLR2004 - a dime


def layout(width: int, *, label: str, total: int, words: str) -> str:
    """Return the richest of tqdm's formats that leaves room for the words, which matter most.

    Example:
        >>> layout(40, label="starburst prod/genomics", total=40, words="2/2 workers, $0.0019")
        '{n_fmt}/{total_fmt}{postfix}'
    """
    count = 2 * len(str(total)) + 1
    for template, rest in _LAYOUTS[:-1]:
        taken = rest + count + len(", " + words)
        taken += len(label) if "{desc}" in template else 0
        taken += sum(len("00:00") for each in ("{elapsed}", "{remaining}") if each in template)
        if taken < width:
            return template
    return _LAYOUTS[-1][0]


class ProgressBar:
    """A bar over a session's tasks, tqdm's or a notebook's; nothing where it would not be seen."""

    def __init__(self, label: str, *, watched: bool = True, plain: bool = False) -> None:
        self._label = one_line(label)
        self._lines = PlainLines(self._label) if plain and not watched else None
        self._watched = watched
        self._bar: Any = None
        self._rested: Tally | None = None
        self._lock = threading.Lock()

    def update(self, tally: Tally, status: StatusDocument | None, *, waits_for: str = "") -> None:
        """Draw the present state."""
        with self._lock:
            if self._watched and tally != self._rested:
                self._draw(tally, status, waits_for)
            elif self._lines is not None and self._lines.due():
                self._lines.say(tally, describe(tally, status, waits_for=waits_for))

    def write(self, lines: Sequence[LogLine]) -> None:
        """Print what tasks printed above the bar, or where it would be."""
        stream = sys.stderr
        # Where nobody listens, nobody misses them.
        quiet = suppress(OSError, ValueError, AttributeError)
        with self._lock, quiet, tqdm.external_write_mode(stream):
            tell("\n".join(line.labelled for line in lines), stream)

    def rest(self, tally: Tally, status: StatusDocument | None, *, waits_for: str = "") -> None:
        """End the line as things stand; the next begins when tasks are no longer where they are."""
        with self._lock:
            # Whoever draws may not have come to it since the last result.
            if self._watched and tally.total and tally != self._rested:
                self._draw(tally, status, waits_for)
            self._rested = tally
            self._end()
            if self._lines is not None:
                self._lines.rest(tally)

    def finish(self) -> None:
        """Leave the bar as it stands, for good."""
        with self._lock:
            self._watched, self._lines = False, None
            self._end()

    def _draw(self, tally: Tally, status: StatusDocument | None, waits_for: str) -> None:
        self._rested = None
        words = one_line(describe(tally, status, waits_for=waits_for))
        if in_notebook():
            self._bar = self._bar or NotebookBar(self._label)
            self._bar.draw(tally, words)
            return
        width = _width()
        template = layout(width, label=self._label, total=tally.total, words=words)
        if self._bar is None:
            self._bar = tqdm(
                total=tally.total, desc=self._label, file=sys.stderr, bar_format=template
            )
        self._bar.total = tally.total
        self._bar.ncols = width - 1
        self._bar.bar_format = template
        self._bar.set_postfix_str(words, refresh=False)
        self._bar.update(tally.done - self._bar.n)
        self._bar.refresh()

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _width() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _USUAL_WIDTH
    except (OSError, ValueError, AttributeError):  # a notebook, or what stands in for a terminal
        return _USUAL_WIDTH
