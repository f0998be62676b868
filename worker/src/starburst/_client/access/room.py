"""A session that waits for room is asked for: the controller drops one whose client is silent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from starburst.errors import StarburstError

from .status_reader import why_over

if TYPE_CHECKING:
    from .controller import Control
    from .status_reader import StatusReader

__all__ = ["Room"]


class Room:
    """Asks for a session from a thread of its own, until it has its room or is over.

    Args:
        control: asks the controller.
        statuses: reads what it says.
        seconds: from one look to the next.
        changed: called after each look.
        ended: told why, where it ends without having had room.
    """

    def __init__(
        self,
        control: Control,
        statuses: StatusReader,
        *,
        seconds: float,
        changed: Callable[[], None],
        ended: Callable[[StarburstError], None],
    ) -> None:
        self._control = control
        self._statuses = statuses
        self._seconds = seconds
        self._changed = changed
        self._ended = ended
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to ask; harmless to repeat."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="starburst-room", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop asking."""
        self._closing.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            # What fails now may not the next time, and the controller is patient for two minutes.
            with suppress(StarburstError):
                status = self._statuses.read()
                if status is not None and not status.place:
                    if status.error:
                        self._ended(why_over(status))
                    return
                self._changed()
                if status is not None:
                    self._control.refresh()
            self._closing.wait(self._seconds)
