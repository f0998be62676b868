"""What an interrupt leaves behind, said where it is seen: with the traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starburst._client.session import Session

__all__ = ["say_that_it_goes_on"]


@contextmanager
def say_that_it_goes_on(session: Session) -> Iterator[None]:
    """Tell whoever interrupts a wait that it was the wait alone, and how to end the session."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if not session.ends_here:
            interrupt.add_note(
                f"session {session.id} goes on, and costs, unless something ends it: "
                f"starburst.attach({session.id!r}) finds it, `starburst stop {session.id}` ends it"
            )
        raise
