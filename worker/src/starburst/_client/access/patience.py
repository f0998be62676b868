"""How long a client waits for what passes: AWS, the network, a policy on its way, a new login."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from starburst.errors import StarburstError

from .aws_errors import LOG_IN, waits_for

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["Patience", "is_passing"]

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 10.0
_LARGE_BYTES: Final = 10_000_000
"""That take long enough to be told of."""


def is_passing(error: StarburstError, connection: Connection) -> bool:
    """Whether it is worth while to try the same again, over this connection, in a while."""
    return _seconds(waits_for(error), connection) > 0


class Patience:
    """One activity's patience: from its first failure on, anew after each success.

    Each reason to wait has its own: who waited an hour for a login then waits for a busy AWS.

    Args:
        connection: over which it acts.
        told: told what is waited for, and the empty text when it no longer is.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        told: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._told = told
        self._clock = clock
        self._met: tuple[str, float] | None = None
        self._waited: defaultdict[str, float] = defaultdict(float)

    def meet(self, error: StarburstError) -> None:
        """Bear with a failure.

        Raises:
            StarburstError: the error itself: it does not pass, or has lasted for too long.
        """
        now, words = self._clock(), waits_for(error)
        if self._met is not None:
            before, at = self._met
            self._waited[before] += now - at
        self._met = words, now
        if self._waited[words] >= _seconds(words, self._connection):
            raise error
        self._told(words)

    def outlast(
        self,
        act: Callable[[], None],
        *,
        nbytes: int = 0,
        pause: Callable[[float], object] | None = None,
        ends: Callable[[], bool] = lambda: False,
    ) -> None:
        """Do something again, ever later, until it succeeds.

        Args:
            act: what to do.
            nbytes: that it sends; of many, it is told.
            pause: waits so many seconds; None sleeps.
            ends: whether the caller is about to end, and waits for nothing.

        Raises:
            StarburstError: its last failure: it does not pass, or has lasted for too long.
        """
        seconds, large = _FIRST_PAUSE, nbytes >= _LARGE_BYTES
        while True:
            if large:
                self._told(f"sending {nbytes / 1e6:,.0f} MB")
            try:
                act()
            except StarburstError as error:
                if ends():
                    raise
                self.meet(error)
            else:
                self.over()
                if large:
                    self._told("")
                return
            (pause or time.sleep)(seconds)
            seconds = min(_LONGEST_PAUSE, seconds * 2)

    def over(self) -> None:
        """Note a success."""
        if self._met is not None:
            self._met = None
            self._waited.clear()
            self._told("")


def _seconds(words: str, connection: Connection) -> float:
    """Return for how long what is said of a failure may last."""
    if not words:
        return 0.0
    if words != LOG_IN:
        return connection.timings.trouble_seconds
    # Nobody but its owner can renew a login that was handed over.
    return connection.timings.login_seconds if connection.renews else 0.0
