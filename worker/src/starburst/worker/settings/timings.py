"""What a worker waits for, and how often it tries: one value, passed in where a worker is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from starburst._protocol.sizing import Budgets
from starburst.contract.times import (
    GRACE_SECONDS,
    HEARTBEAT_SECONDS,
    LEASE_SECONDS,
    LONGEST_LEASE_SECONDS,
    OVERDUE_SECONDS,
    POLL_SECONDS,
    QUEUE_UNSEEN_SECONDS,
    STOP_SECONDS,
)

__all__ = ["TICK_SECONDS", "Timings"]

TICK_SECONDS: Final = 0.5
"""How often a worker that waits for something looks after its leases."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timings:
    """The times of one worker, in seconds; those that two sides rely on are the contract's.

    Attributes:
        lease_seconds: how long a message is leased at a time; SQS takes whole seconds.
        heartbeat_seconds: how often a lease is extended.
        longest_lease_seconds: age at which a leased range is queued anew.
        poll_seconds: of one long poll, whole seconds.
        stale_seconds: a request to send again that waited for longer knows too little of who works
            now; the controller asks again.
        grace_seconds: how long a worker works on after SIGTERM.
        status_seconds: how often it looks at what the controller says of its session.
        overdue_seconds: how long after its session's deadline it begins to end itself.
        stop_seconds: how long it may take to do so.
        commit_poll_seconds: of one long poll while a commit is under way, whose lease may have to
            be extended.
        overtaken_seconds: how often a worker that runs for long asks whether another has committed
            its range: one whose lease lapsed, or whose message was queued anew before SQS's limit
            of twelve hours.
        recorded_seconds: a range that runs for longer is written down as in hand, so that it is
            not sent again.
        asked_seconds: how often a worker that runs what is written down looks whether another asks
            for it.
        answer_seconds: how long a worker waits for an answer before it believes that those who ran
            a task are dead.
        requeue_seconds: how soon a worker looks for lost ranges once more; requests are easily
            forged.
        cancel_list_seconds: how long a worker may not know of a cancel; one small request in so
            long is what knowing costs.
        promised_seconds: how long a worker looks for what a client promised, where S3 refuses it.
        postponed_seconds: after which it looks again for a pack that a message names; whole seconds
            (SQS).
        deletion_seconds: from a first look at a queue that SQS does not show to the one by which
            its deletion is believed.
        unseen_seconds: from one look at such a queue to the next, where nothing else is done.
        lines_seconds: for how long what tasks print may wait until it is stored.
        first_pause_seconds, longest_pause_seconds: after failures of AWS in a row; doubled each
            time, from the first to the longest.
        most_failures: so many in a row end a worker; each has had botocore's own retries behind it.
        budgets: how long it works on a range before it decides.
    """

    lease_seconds: int = LEASE_SECONDS
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    longest_lease_seconds: float = LONGEST_LEASE_SECONDS
    poll_seconds: int = POLL_SECONDS
    stale_seconds: float = 900.0
    grace_seconds: float = GRACE_SECONDS
    status_seconds: float = 60.0
    overdue_seconds: float = OVERDUE_SECONDS
    stop_seconds: float = STOP_SECONDS
    commit_poll_seconds: float = 2.0
    overtaken_seconds: float = 600.0
    recorded_seconds: float = 60.0
    asked_seconds: float = 15.0
    answer_seconds: float = 60.0
    requeue_seconds: float = 60.0
    cancel_list_seconds: float = 5.0
    promised_seconds: float = 60.0
    postponed_seconds: int = 15
    deletion_seconds: float = QUEUE_UNSEEN_SECONDS
    unseen_seconds: float = 2.0
    lines_seconds: float = 2.0
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 30.0
    most_failures: int = 8
    budgets: Budgets = field(default_factory=Budgets)
