"""How a call that opens a session of its own ends it: with all results, or after an error."""

from __future__ import annotations

from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starburst._client.ending.interrupts import say_that_it_goes_on
from starburst._functions.caller import warn

from .numbers import check_choices
from .session import Session

if TYPE_CHECKING:
    from .session_core import SessionCore

__all__ = ["Ends", "end_after", "end_well"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """What becomes of failures, and of the session.

    Attributes:
        return_exceptions: they are returned in the places of results.
        stop_on_error: the first of them cancels what is left.
        keep: nothing is erased when all is done.
        resume: a name under which the results stay to be found.
    """

    return_exceptions: bool = False
    stop_on_error: bool = False
    keep: bool = False
    resume: str | None = None

    def __post_init__(self) -> None:
        check_choices(
            return_exceptions=self.return_exceptions,
            stop_on_error=self.stop_on_error,
            keep=self.keep,
        )

    def collect(self, core: SessionCore, total: int) -> list[Any]:
        """Wait for so many calls, fewer where a failure has kept some from being submitted."""
        found = Session(core).collect(
            return_exceptions=self.return_exceptions, stop_on_error=self.stop_on_error
        )
        unsent = range(len(found), total)
        return found + [CancelledError("cancelled: another call failed first") for _ in unsent]

    def end(self, core: SessionCore) -> None:
        """Clean up once all is collected; keep what S3 may hold of calls that ended otherwise."""
        if self.resume is None and not core.tasks.unread:
            end_well(core, keep=self.keep)
            return
        with say_that_it_goes_on(core.id):
            core.clean_up_or_warn(force=False)
        if core.tasks.unread and not core.statuses.erased:
            warn(f"session {core.id} is not erased: {_what_is_kept(core)}")


def end_well(core: SessionCore, *, wait_for_workers: bool = False, keep: bool = False) -> None:
    """Clean up where all results are here, or none are wanted any more; an interrupt warns.

    Args:
        core: of the session.
        wait_for_workers: erase only once workers that may be in the middle of tasks have left.
        keep: erase nothing; else what tasks printed stays, and what a report is made of.
    """
    try:
        core.clean_up_or_warn(force=not keep, wait_for_workers=wait_for_workers, records=True)
    except KeyboardInterrupt:  # some may be erased already, and these are all there is
        warn(
            f"session {core.id} was not cleaned up: that was interrupted. `starburst stop "
            f"{core.id} --erase` does so; all results are here"
        )


def end_after(core: SessionCore, error: BaseException, *, number: int | None) -> None:
    """Stop the workers, keep the results, and note on an error how to get them.

    Args:
        core: of the session.
        error: why it ends.
        number: of the input whose call raised it, counted from 0; None where none did.
    """
    with say_that_it_goes_on(core.id):
        core.clean_up_or_warn(force=False)
    if number is not None:
        error.add_note(f"raised for input {number}, counted from 0")
    if not core.statuses.erased:
        error.add_note(_what_is_kept(core))


def _what_is_kept(core: SessionCore) -> str:
    tally = core.tasks.tally
    kept = "while this local environment runs" if core.connection.local else "in the bucket"
    found = tally.done - tally.failed - tally.cancelled
    again = f"starburst.attach({core.id!r})"
    # Workers that stop commit what they have, and a result that cannot be read here is one.
    others = core.tasks.unread
    if not (found or others):
        return (
            f"no call has a result; inputs are kept {kept}: {again}.cleanup(force=True) erases them"
        )
    so_far = " so far" if others else ""
    return (
        f"{found:,} of {tally.total:,} calls have a result{so_far}, kept {kept}: "
        f"{again}.collect(wait=False, return_exceptions=True); "
        f"{again}.cleanup(force=True) erases them"
    )
