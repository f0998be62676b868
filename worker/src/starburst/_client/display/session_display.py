"""What a person sees of a session while it goes on: its bar, what its tasks print, its troubles."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from starburst._client.access.aws_errors import LOG_IN
from starburst._client.logs.following import LiveLines

from .progress import ProgressBar, wants_progress

if TYPE_CHECKING:
    from starburst._client.access.status_reader import StatusReader
    from starburst._client.logs.reading import LogReader
    from starburst._client.tasks.task_list import Tally, TaskList

__all__ = ["SessionDisplay"]

_LOG: Final = logging.getLogger("starburst")


class SessionDisplay:
    """The bar of one session, and above it, or in its place, the lines that its tasks print.

    Args:
        place: names its environment and workspace.
        session: its id.
        progress: draw a bar; None for only where a person watches, with a line now and then
            elsewhere. Lines of tasks are shown unless it is False.
        tasks: the session's.
        tally: how far they are.
        statuses: the controller's latest word.
        reader: of what the tasks print.
        has_looked: for another client's session: whether it is known which tasks are done.
    """

    def __init__(
        self,
        place: str,
        session: str,
        *,
        progress: bool | None,
        tasks: TaskList,
        tally: Callable[[], Tally],
        statuses: StatusReader,
        reader: LogReader,
        has_looked: Callable[[], bool] | None,
    ) -> None:
        self._session = session
        self._tally = tally
        self._statuses = statuses
        self._trouble = ""
        self._watched = wants_progress() if progress is None else progress
        self._bar = ProgressBar(f"starburst {place}", watched=self._watched, plain=progress is None)
        show = None if progress is False else self._bar.write
        self._lines = LiveLines(reader, tasks, show=show, has_looked=has_looked)

    def start(self) -> None:
        """Begin to look for lines; harmless to repeat."""
        self._lines.start()

    def draw(self) -> None:
        """Draw the bar as things stand."""
        self._bar.update(self._tally(), self._statuses.latest, waits_for=self._trouble)

    def tell(self, trouble: str) -> None:
        """Show what is waited for; where nobody sees the bar, log what a person has to do."""
        if trouble == LOG_IN != self._trouble and not self._watched:
            _LOG.warning("session %s waits for you: %s", self._session, LOG_IN)
        self._trouble = trouble
        self.draw()

    def rest(self) -> None:
        """Show what was printed by now, and end the bar's line: the caller's own output follows."""
        self._lines.look()
        self._bar.rest(self._tally(), self._statuses.latest, waits_for=self._trouble)

    def close(self) -> None:
        """Show what was printed by now, and look for no more."""
        self._lines.close()

    def finish(self) -> None:
        """Leave the bar as it stands, for good."""
        self.draw()
        self._bar.finish()
