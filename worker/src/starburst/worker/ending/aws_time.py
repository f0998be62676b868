"""The time as AWS tells it: each answer has a date, from where a clock that only runs goes on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from starburst.aws.clock import SYSTEM_CLOCK, Clock

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["AwsTime"]


class AwsTime:
    """The time by AWS's own clocks, whatever this machine's says.

    Answers that refuse a request have a date as well, so a clock that is too wrong for AWS to
    believe a signature is put right by that refusal. Between answers, and without any, seconds
    count that never go back.

    Args:
        clock: by which time goes on.

    Example:
        >>> time = AwsTime()
        >>> time.now() is None
        True
        >>> date = {"date": "Thu, 01 Jan 1970 00:01:00 GMT"}
        >>> time.hear({"ResponseMetadata": {"HTTPHeaders": date}})
        >>> round(time.now())
        60
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._heard: tuple[float, float] | None = None

    def listen(self, client: BaseClient) -> None:
        """Hear each answer that a client gets."""
        client.meta.events.register("after-call", self.hear)

    def hear(self, parsed: Mapping[str, Any], **_: object) -> None:
        """Take the date of an answer, as botocore has parsed it; one without a date tells nothing.

        The last one counts: a server that tells a wrong time is put right by the next.
        """
        date = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        with suppress(OverflowError, ValueError):
            moment = parsedate_to_datetime(date).timestamp()
            self._heard = (moment, self._clock.monotonic())

    def now(self) -> float | None:
        """Return seconds since the epoch; None before AWS has answered."""
        if self._heard is None:
            return None
        moment, at = self._heard
        return moment + self._clock.monotonic() - at
