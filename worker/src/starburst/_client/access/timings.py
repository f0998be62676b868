"""How long a client waits and pauses, as one value: an internal door, and no option of users.

Every ``Connection`` carries one, and what acts over it goes by that. Tests and simulations give it
other times: ``dataclasses.replace(connection, timings=Timings(…))``.
"""

from __future__ import annotations

from dataclasses import dataclass

from starburst.contract.times import QUEUE_UNSEEN_SECONDS

__all__ = ["Timings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Timings:
    """A client's times, all in seconds.

    Attributes:
        gather_seconds: that sending waits after a task for the next, so that they travel together.
        gather_idle_seconds: that it waits at most while workers have nothing to do: the first tasks
            of many do not wait for the last.
        gather_busy_seconds: that it waits at most while they have.
        status_seconds: from one look at the session's status and cancel list to the next.
        silence_seconds: without a result after which the controller is asked to look after the
            session.
        trouble_seconds: that AWS or the network may fail before the wait ends with it: a laptop
            that wakes elsewhere finds its network, AWS recovers, a policy arrives.
        login_seconds: that a login which ended may be missing, where one can be made anew.
        deletion_seconds: from a first look at a queue that SQS does not show to the one by which
            its deletion is believed.
        unseen_seconds: from one look at such a queue to the next.
        cancel_gather_seconds: that recording a cancel waits for more of them: cancelling thousands
            of futures in a loop makes a few objects, not thousands.
        cancel_retry_seconds: from the first failure to record cancels to the second attempt; then
            twice as long each time, up to ``cancel_retry_most_seconds``.
        cancel_retry_most_seconds: see there.
        cancelled_message_seconds: after which a message that was looked at, and stays, can be
            received again; whole seconds, 0 to 43,200 (SQS).
        workers_leave_seconds: that stopped workers may take to leave. ECS kills a worker 120 s
            after it was told to stop, and takes a while to say so.
        workers_leave_pause_seconds: from one look for them to the next.
        room_seconds: from one request for a session that waits for room to the next.
        refresh_request_seconds: that one written request for the status serves; the controller
            takes it for a day.
    """

    gather_seconds: float = 0.01
    gather_idle_seconds: float = 0.05
    gather_busy_seconds: float = 0.25
    status_seconds: float = 2.0
    silence_seconds: float = 15.0
    trouble_seconds: float = 900.0
    login_seconds: float = 3600.0
    deletion_seconds: float = QUEUE_UNSEEN_SECONDS
    unseen_seconds: float = 1.0
    cancel_gather_seconds: float = 0.02
    cancel_retry_seconds: float = 0.5
    cancel_retry_most_seconds: float = 30.0
    cancelled_message_seconds: int = 10
    workers_leave_seconds: float = 180.0
    workers_leave_pause_seconds: float = 1.0
    room_seconds: float = 5.0
    refresh_request_seconds: float = 3600.0
