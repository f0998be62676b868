"""Times and bounds that two sides rely on, and the sentences that tie them.

A lost task runs again within one lease and one heartbeat: its worker's lease is at most one lease
old when the last heartbeat arrives, which may be on its way for no longer than to the next, and a
worker that is free waits at the queue. A lease outlives one heartbeat that fails. A worker that is
told to stop commits before ECS kills it. The controller calls a queue still only when every lease
in it has had the time to run out, several times over. A worker that nobody ends ends itself, soon
after the controller would have.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "GONE_SECONDS",
    "GRACE_SECONDS",
    "HEARTBEAT_SECONDS",
    "LEASE_SECONDS",
    "LONGEST_LEASE_SECONDS",
    "MAX_ATTEMPTS",
    "MAX_IDLE_SECONDS",
    "MAX_RETRIES",
    "MAX_WAIT_SECONDS",
    "MESSAGE_SECONDS",
    "OVERDUE_SECONDS",
    "POLL_SECONDS",
    "QUEUE_UNSEEN_SECONDS",
    "RECORD_DAYS",
    "RECOVERY_SECONDS",
    "REQUEST_SECONDS",
    "RETRY_PAUSES",
    "STILL_SECONDS",
    "STILL_WAITING_SECONDS",
    "STOP_SECONDS",
    "UNASKED_SECONDS",
    "VISIBILITY_SECONDS",
]

LEASE_SECONDS: Final = 30
"""How long a message that a worker received stays hidden from others, unless it is extended."""

HEARTBEAT_SECONDS: Final = LEASE_SECONDS / 3
"""How often a worker extends the lease of what it runs."""

RECOVERY_SECONDS: Final = LEASE_SECONDS + HEARTBEAT_SECONDS
"""So soon after its worker's death a task is leased by another, where one is free."""

VISIBILITY_SECONDS: Final = 4 * LEASE_SECONDS
"""The queue's default, for a receive that names no lease of its own; workers always do."""

LONGEST_LEASE_SECONDS: Final = 11.5 * 3600
"""A lease older than this is queued anew: SQS hides no message for more than twelve hours after it
was received."""

POLL_SECONDS: Final = 20
"""The longest poll that SQS allows."""

QUEUE_UNSEEN_SECONDS: Final = 60
"""A queue that SQS does not show counts as deleted only where two looks so far apart both miss it,
so never while it is younger: SQS says to wait at least a second after CreateQueue, and that a
deletion takes up to 60 seconds.

Sources: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
and https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html.
"""

MESSAGE_SECONDS: Final = 14 * 86_400
"""How long SQS keeps a message, its longest; longer than any session lives."""

RECORD_DAYS: Final = 400
"""The controller's records of ended sessions are kept so long: a year of evidence and a month to
read it."""

STILL_SECONDS: Final = 4 * LEASE_SECONDS
"""A queue with nothing waiting whose counts have not changed for so long makes no progress."""

STILL_WAITING_SECONDS: Final = 20 * LEASE_SECONDS
"""Instead, where messages wait: workers may be busy, or may be starting."""

STOP_SECONDS: Final = 120
"""ECS kills a container so long after SIGTERM: the most that Fargate grants, and as long as Spot's
warning comes ahead."""

GRACE_SECONDS: Final = 90
"""A worker works on for so long after SIGTERM; what is left to ``STOP_SECONDS`` is for commits."""

OVERDUE_SECONDS: Final = 120
"""A worker begins to end itself so long after its session's deadline. The controller, which looks
each minute, comes first where it is alive."""

GONE_SECONDS: Final = OVERDUE_SECONDS + 30 + STOP_SECONDS
"""So long after its session's deadline no worker is left, controller or not: the last look at what
the controller says takes up to 30 seconds, and who does not stop ends as ECS would end it."""

REQUEST_SECONDS: Final = 86_400
"""A request to the controller may be sent again for so long; a manifest may be started for as long
after it was written."""

MAX_ATTEMPTS: Final = 10
"""A task may take its worker down at most so often before it is given up."""

MAX_RETRIES: Final = 10
"""A task that raised is run again at most so often."""

RETRY_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each retry of a task that raised; the last one before all that follow."""

MAX_IDLE_SECONDS: Final = 3600
"""A worker waits at most so long for work before it leaves."""

MAX_WAIT_SECONDS: Final = 86_400
"""A session waits at most so long for room in the totals."""

UNASKED_SECONDS: Final = 120
"""A session that waits for room is dropped where its client has not asked for it for so long."""
