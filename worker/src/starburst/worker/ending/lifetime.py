"""How long a worker may live: until its session's end, and never longer than a session may last."""

from __future__ import annotations

import math

from .word import Word

__all__ = ["Lifetime"]


class Lifetime:
    """Until when one worker may live, by all that it was told.

    A deadline only becomes later: ``extend`` is all that changes one, and an older word that was
    put back says nothing new. What no word can change is the worker's own age.

    Args:
        longest_seconds: how long a session of its workspace may last, so that no worker is older.
        deadline: of the session as the worker was launched, seconds since the epoch; None where
            nobody said.
        overdue_seconds: how long after either it begins to end itself.

    Attributes:
        deadline: the latest that it was told; None where nobody said.

    Example:
        >>> life = Lifetime(longest_seconds=86_400, deadline=1000.0, overdue_seconds=120)
        >>> life.left(now=1000.0, age=60.0)
        120.0
        >>> life.over(now=1120.0, age=180.0)
        'its session is 120 s past its deadline'
    """

    def __init__(
        self, *, longest_seconds: float, deadline: float | None, overdue_seconds: float
    ) -> None:
        self.deadline = deadline
        self._longest = longest_seconds
        self._overdue = overdue_seconds
        self._ended = False

    def take(self, word: Word) -> None:
        """Take what the controller says of the session."""
        self._ended = word.final
        self.deadline = (
            word.deadline if self.deadline is None else max(self.deadline, word.deadline)
        )

    def left(self, *, now: float | None, age: float) -> float:
        """Return the seconds until it must end; zero or less where it must already.

        Args:
            now: the time by AWS; None before it has told any.
            age: seconds since the worker began.
        """
        if self._ended:
            return 0.0
        return min(self._rest(now), self._longest - age) + self._overdue

    def over(self, *, now: float | None, age: float) -> str:
        """Return why it must end now, in words; empty where it need not."""
        late = -self._rest(now)
        if self._ended:
            return "its session has ended"
        if late >= self._overdue:
            return f"its session is {late:.0f} s past its deadline"
        if age - self._longest >= self._overdue:
            return (
                f"it is {age:.0f} s old, and a session of its workspace lasts {self._longest:.0f} s"
            )
        return ""

    def _rest(self, now: float | None) -> float:
        """Return the seconds to the deadline, as far as it is known."""
        return math.inf if now is None or self.deadline is None else self.deadline - now
