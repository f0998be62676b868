"""What an interrupt leaves behind, said where it is seen: with the traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["say_that_it_goes_on"]


@contextmanager
def say_that_it_goes_on(session: str) -> Iterator[None]:
    """Tell who interrupts a wait that the session goes on, and how to end it, by its id."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(
            f"session {session} goes on, and costs, unless something ends it: "
            f"starburst.attach({session!r}) finds it, `starburst stop {session}` ends it"
        )
        raise
