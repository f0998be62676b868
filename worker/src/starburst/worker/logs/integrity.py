"""What failed verification, and the line of a worker's log that tells the security team of it."""

from __future__ import annotations

from typing import Final

from starburst.contract import TAMPERING
from starburst.errors import IntegrityError
from starburst.untrusted.terminal_text import one_line

from .log import log

__all__ = ["Missing", "report_unverified"]

_REASON: Final = 500
"""A line stays one write to the log's pipe, which no task's print can come between."""


class Missing(IntegrityError):
    """What a session should have is gone with the session: it was erased, and nothing forged.

    A session that still stands, and lacks something, was tampered with.
    """


def report_unverified(error: IntegrityError, **facts: object) -> None:
    """Tell that something failed verification and was not used.

    What tasks print may be copied into the same log. A task can print the word as well, and ring
    for nothing; it cannot take a line back.

    Args:
        error: what is wrong with it.
        facts: what it was.
    """
    why = one_line(error)[:_REASON]
    if isinstance(error, Missing):
        log("missing", why=why, **facts)
    else:
        log(TAMPERING, why=why, **facts)
