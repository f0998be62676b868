"""Committing: a node is written once, then what it hands on is queued, then its message goes.

While a long task runs, the node of its range may hand on what follows it. The message then stays:
from there on it leases the task's own part alone, which is the first of the node's children. Who
receives the message after its worker's death finds the node, and queues that part anew.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Final

from starburst._protocol.sealed.result_nodes import ResultNode, split
from starburst.aws.calls import TROUBLE
from starburst.errors import IntegrityError
from starburst.worker.logs.integrity import report_unverified
from starburst.worker.logs.log import log
from starburst.worker.objects.store import Store

from .lease import Lease, Leases, QueueRefused

__all__ = ["TRANSIENT", "Commits"]

TRANSIENT: Final = (*TROUBLE, QueueRefused)
"""Errors of AWS that are neither a task's fault nor the session's end."""


class Commits:
    """One worker's commits.

    Args:
        leases: the session's queue.
        store: its objects.
        worker: this worker's name.
        before: called before a result is written.
    """

    def __init__(
        self,
        leases: Leases,
        store: Store,
        *,
        worker: str,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self._leases = leases
        self._store = store
        self._worker = worker
        self._before = before

    def commit(self, lease: Lease, node: ResultNode) -> None:
        """Commit a range, hand on its rest, and delete its message."""
        if lease.early is not None and not lease.ended:
            self._commit_early(lease, lease.early)
        if lease.ended:
            return
        standing = self._write(lease, node)
        if standing is not None:
            self._finish(lease, standing.children)

    def commit_early(self, lease: Lease) -> None:
        """Commit what a range has while its last task runs, and hand on what follows that.

        What goes wrong with it is tried again when the task has ended.
        """
        if lease.early is None:
            raise ValueError("this lease hands on nothing early")
        try:
            self._commit_early(lease, lease.early)
        except TRANSIENT as error:
            log("trouble", error=type(error).__name__, why=str(error))

    def _commit_early(self, lease: Lease, node: ResultNode) -> None:
        standing = self._write(lease, node)
        if standing is None:
            return
        own = node.children[0]
        if standing.children[:1] != (own,):  # another worker was first, and cut the range elsewhere
            self._finish(lease, standing.children)
            return
        lease.settled = True
        self._hand_on(lease, standing.children[1:])
        lease.message = lease.message.over(*own)
        lease.settled = False
        lease.early = None

    def resume(self, lease: Lease) -> bool:
        """Deal with a range that has its node already; whether it has.

        What the node handed on and has no result is queued anew, under counts of its own: how
        often this message came says nothing about the parts. What the message says of where the
        chunk is was not verified here, and a copy in it goes no further.
        """
        message = lease.message
        standing = self._store.node(message.chunk, message.lo, message.hi)
        if standing is None:
            return False
        lease.message = dataclasses.replace(message, inline=None)
        stands = functools.partial(self._store.stands, message.chunk)
        self._finish(lease, [child for child in standing.children if not stands(*child)])
        return True

    def cut(self, lease: Lease) -> None:
        """Cut a verified range of several tasks that took a worker down.

        So finely that the guilty task soon stands alone: two cuts for the largest chunk, where
        halving would cost a worker twelve times.
        """
        message = lease.message
        node = ResultNode(
            lo=message.lo,
            hi=message.hi,
            covered=message.lo,
            children=split(message.lo, message.hi, size=1),
            batches=(),
            failures={},
            worker=self._worker,
        )
        self.commit(lease, node)

    def leave(self, lease: Lease, error: IntegrityError) -> None:
        """Give a range up: something that no worker wrote stands where its result belongs.

        Nobody can put a result there any more; the client finds it too, and ends the tasks with it.
        """
        message = lease.message
        report_unverified(error, result=message.chunk, range=[message.lo, message.hi])
        self._leases.done(lease)

    def let_go(self, lease: Lease) -> None:
        """Leave a range to another worker, without a word against its tasks."""
        if lease.ended:
            return
        if lease.settled:
            self._leases.give_back(lease)
        else:
            self._leases.release(lease)

    def _finish(self, lease: Lease, rest: Sequence[tuple[int, int]]) -> None:
        """Hand on what a committed range leaves to others, and delete its message."""
        lease.settled = True
        self._hand_on(lease, rest)
        self._leases.done(lease)

    def _hand_on(self, lease: Lease, ranges: Sequence[tuple[int, int]]) -> None:
        self._leases.hand_on([lease.message.over(lo, hi) for lo, hi in ranges])

    def _write(self, lease: Lease, node: ResultNode) -> ResultNode | None:
        """Write a node; return the one that stands, None where that is no worker's."""
        message = lease.message
        self._before()  # who has a task's result finds what it printed
        try:
            standing = self._store.commit(message.chunk, node, attempt=lease.deliveries)
        except IntegrityError as error:
            self.leave(lease, error)
            return None
        log(
            "committed" if standing is node else "overtaken",
            chunk=message.chunk,
            range=[message.lo, message.hi],
            covered=standing.covered,
            failed=len(standing.failures),
            seconds=round(standing.seconds, 3),
        )
        return standing
