"""Watches over a worker's end, beside its work: what the work is stuck in cannot hold it up.

It does what ECS would: it tells the worker to stop, as SIGTERM does, and ends the process where
that has not come to an end in the time that ECS would grant.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from starburst.aws.clock import SYSTEM_CLOCK, Clock
from starburst.worker.logs.log import log
from starburst.worker.settings.timings import Timings

from .aws_time import AwsTime
from .lifetime import Lifetime
from .word import Word

__all__ = ["Watch"]

_SHORTEST_SECONDS: Final = 1.0


class Watch:
    """One worker's.

    Args:
        life: how long it may live.
        time: as AWS tells it.
        look: returns what is new of the controller's word; called each minute, and before the end.
        stop: tells the worker to stop, as SIGTERM does.
        kill: ends its process at once.
        timings: of the worker.
        clock: by which it waits.
    """

    def __init__(
        self,
        life: Lifetime,
        *,
        time: AwsTime,
        look: Callable[[], Word | None],
        stop: Callable[[], None],
        kill: Callable[[], None],
        timings: Timings,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._life = life
        self._time = time
        self._look = look
        self._stop = stop
        self._kill = kill
        self._timings = timings
        self._clock = clock
        self._began = clock.monotonic()
        self._told = False
        self._trouble = ""
        self._changed = clock.condition()
        self._over = False

    def start(self) -> threading.Thread:
        """Watch in a thread of its own, which ends with the process."""
        thread = threading.Thread(target=self._run, name="starburst-watch", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Watch no more: the worker has ended."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def turn(self) -> float:
        """Look once, and do what is to be done; return the seconds until the next look.

        An extension that was granted at the last moment is seen by the look before the end, whose
        answer also has the newest date.
        """
        if self._told:
            log("cannot stop", seconds=self._timings.stop_seconds)
            self._kill()
            return self._timings.stop_seconds
        self._ask()
        now, age = self._time.now(), self._clock.monotonic() - self._began
        why = self._life.over(now=now, age=age)
        if not why:
            rest = min(self._timings.status_seconds, self._life.left(now=now, age=age))
            return max(_SHORTEST_SECONDS, rest)
        log("ends itself", why=why, deadline=self._life.deadline)
        self._told = True
        self._stop()
        return self._timings.stop_seconds

    def _ask(self) -> None:
        """Take the controller's word; without a new one, what is known stands."""
        try:
            word = self._look()
        except Exception as error:  # whatever it is, the end must come
            if str(error) != self._trouble:
                self._trouble = str(error)
                log("no word", error=type(error).__name__, why=str(error))
            return
        self._trouble = ""
        if word is not None:
            self._life.take(word)

    def _run(self) -> None:
        pause = 0.0
        while not self._waited(pause):
            pause = self.turn()

    def _waited(self, seconds: float) -> bool:
        """Wait so long, or until the worker has ended; whether it has."""
        until = self._clock.monotonic() + seconds
        with self._changed:
            while not self._over and (left := until - self._clock.monotonic()) > 0:
                self._changed.wait(left)
            return self._over
