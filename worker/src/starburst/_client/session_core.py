"""What a session is made of, wired together: for what opens, feeds and ends one in this package.

:class:`starburst.Session` is its public face.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from starburst._client.access.controller import Control
from starburst._client.access.room import Room
from starburst._client.access.status_reader import StatusReader
from starburst._client.display.session_display import SessionDisplay
from starburst._client.display.session_status import Status
from starburst._client.ending.erase import erase_when_left
from starburst._client.logs.reading import LogReader
from starburst._client.reporting.kept import keep_report, read_record
from starburst._client.tasks.cancels import Cancels
from starburst._client.tasks.chunking import Inputs
from starburst._client.tasks.collect import Collector
from starburst._client.tasks.dispatch import Dispatcher
from starburst._client.tasks.functions import Functions
from starburst._client.tasks.futures import FutureList, joined
from starburst._client.tasks.objects import Objects
from starburst._client.tasks.outcomes import Holder
from starburst._client.tasks.session_queue import SessionQueue
from starburst._client.tasks.task_list import Tally, TaskList
from starburst._functions.caller import warn
from starburst._functions.capturing import NOTHING, named_of, needs_of
from starburst._functions.objects.handles import Handle
from starburst._functions.sharing import Sharing
from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.code.parcels import objects_bytes
from starburst._protocol.sealed.session_key import SessionKey
from starburst._protocol.status import StatusDocument
from starburst.errors import (
    IntegrityError,
    SessionEnded,
    SessionError,
    SessionNotFound,
    StarburstError,
)
from starburst.untrusted.terminal_text import one_line

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst._packages.agreeing import Worker

__all__ = ["SessionCore"]

T = TypeVar("T")


class SessionCore:
    """One client's parts of a session.

    Args:
        connection: where.
        manifest: what was asked for.
        key: its keys, the signing key among them.
        queue_url: its queue; None where that is still to be found.
        progress: draw a bar; None for only where a person watches.
        tasks: those that other clients submitted.
        packs: number of the session's last pack.
        count_only: tell done from failed, and read no result: each is None.
        include: what of the analyst's own files travels beside what is reached.
        begins_with: names of own modules that the workers' initializer needs.
        worker: what packages workers have; None where that is not known.

    Attributes:
        ends_with_client: whether this client ends the session whatever happens, so that an
            interrupt leaves nothing behind.
    """

    def __init__(
        self,
        connection: Connection,
        manifest: Manifest,
        *,
        key: SessionKey,
        queue_url: str | None,
        progress: bool | None = None,
        tasks: TaskList | None = None,
        packs: int = 0,
        count_only: bool = False,
        include: Sequence[str] = (),
        begins_with: frozenset[str] = NOTHING,
        worker: Worker | None = None,
    ) -> None:
        if key.signing is None:
            raise SessionError("a client's session needs the signing key")
        keys = manifest.keys
        self.connection = connection
        self.manifest = manifest
        self.key = key
        self.ends_with_client = False
        self.control = Control(connection, keys)
        self.statuses = StatusReader(connection, keys)
        self.tasks = TaskList() if tasks is None else tasks
        self._final_tally: Tally | None = None
        self.display = SessionDisplay(
            f"{connection.document.environment}/{connection.workspace}",
            manifest.session,
            progress=progress,
            tasks=self.tasks,
            tally=lambda: self._final_tally or self.tasks.tally,
            statuses=self.statuses,
            reader=LogReader(connection, keys, key=key.data),
            has_looked=None if tasks is None else lambda: self.collector.has_looked,
        )
        self.cancels = Cancels(connection, keys, key=key, signer=key.signing)
        self.tasks.on_cancel = self.cancels.add
        self.functions = Functions(
            connection,
            keys,
            key=key,
            signer=key.signing,
            include=tuple(include),
            always=begins_with,
            told=self.display.tell,
            worker=worker,
        )
        self.objects = Objects(
            connection,
            keys,
            key=key,
            signer=key.signing,
            sharing=Sharing(most=objects_bytes(manifest.memory_gb)),
            told=self.display.tell,
        )
        self.queue = SessionQueue(connection, keys, statuses=self.statuses, url=queue_url)
        self.dispatcher = Dispatcher(
            connection,
            keys,
            key=key,
            signer=key.signing,
            workers=manifest.workers,
            queue=self.queue,
            tasks=self.tasks,
            told=self.display.tell,
            packs=packs,
        )
        self.collector = Collector(
            connection,
            keys,
            key=key.data,
            mode=None if count_only else manifest.results,
            tasks=self.tasks,
            statuses=self.statuses,
            refresh=self.control.refresh,
            changed=self.display.draw,
            cancelled=self.cancels.load,
            told=self.display.tell,
        )
        self._room = Room(
            self.control,
            self.statuses,
            seconds=connection.timings.room_seconds,
            changed=self.display.draw,
            ended=self.tasks.close,
        )
        self._closed = threading.RLock()  # what is given up may have callbacks that come here
        self._stopped = False
        self._workers_may_write = False

    @property
    def id(self) -> str:
        """The session's id."""
        return self.manifest.session

    @property
    def futures(self) -> FutureList[Any]:
        """One future per task, in the order of submission."""
        return FutureList(self.tasks, range(len(self.tasks)))

    def submit(
        self,
        function: bytes,
        data: bytes,
        *,
        often: bool = False,
        holder: Holder = Holder.COLLECT,
    ) -> Future[Any]:
        """Send one call; its function and its ``(args, kwargs)`` have been pickled already.

        Args:
            function: pickled.
            data: of the call.
            often: whether more calls of this very function are to follow.
            holder: who gets its result.

        Raises:
            UnpicklableInput: the files that they need cannot travel.
            SessionEnded: the session takes no more work.
        """
        self._check_open()
        self.objects.store_waiting()
        functions = self.functions
        if often:
            name = functions.name(function, needs_of(data), named_of(data))
        else:
            name, data = functions.call(function, data)
        future = self.dispatcher.submit(name, data, holder=holder)
        self._work()
        return future

    def submit_all(
        self, function: bytes, payloads: Iterable[bytes], needs: frozenset[str] = NOTHING
    ) -> FutureList[Any]:
        """Send calls whose ``(args, kwargs)`` are pickled, or become so one after the other.

        Args:
            function: pickled.
            payloads: of the calls.
            needs: names of own modules that they are known to need.

        Raises:
            UnpicklableInput: the files that they need cannot travel.
            SessionEnded: the session takes no more work.
        """
        self._check_open()
        self.objects.store_waiting()
        self._work()
        named = self.functions.names(function, self._stored(payloads), needs)
        parts: list[range] = []
        for name, calls in itertools.groupby(named, key=itemgetter(0)):
            numbers = self.dispatcher.submit_all(name, (data for _, data in calls))
            parts += [numbers] if isinstance(numbers, range) else (range(n, n + 1) for n in numbers)
        return FutureList(self.tasks, joined(parts))

    def submit_each(self, function: bytes, payloads: Iterable[bytes]) -> FutureList[Any]:
        """Do as :meth:`submit_all` does with payloads that may be long in coming.

        Raises:
            UnpicklableInput: the files that they need cannot travel.
            SessionEnded: the session takes no more work.
        """
        parts = (self.submit_joined(function, Inputs([data])) for data in payloads)
        return FutureList(self.tasks, joined(parts))

    def submit_joined(
        self,
        function: bytes,
        inputs: Inputs,
        *,
        needs: frozenset[str] = NOTHING,
        holder: Holder = Holder.COLLECT,
    ) -> range:
        """Send calls of a function together; return their numbers.

        Raises:
            UnpicklableInput: the files that they need cannot travel.
            SessionEnded: the session takes no more work.
        """
        self._check_open()
        self.objects.store_waiting()
        name = self.functions.name(function, needs | inputs.needs, inputs.uses)
        numbers = self.dispatcher.accept(name, inputs, holder=holder)
        self._work()
        self.dispatcher.wait_for_room()
        return numbers

    def submitter(self, function: bytes) -> Callable[[Inputs], range]:
        """Return what submits calls of a function whose results an iterator hands out.

        Raises:
            SessionEnded: the session takes no more work.
        """
        self._check_open()
        return lambda inputs: self.submit_joined(function, inputs, holder=Holder.ITERATOR)

    def _stored(self, payloads: Iterable[bytes]) -> Iterator[bytes]:
        """Yield payloads once all that they share is stored."""
        for each in payloads:
            self.objects.store_waiting()
            yield each

    def put(self, value: T) -> Handle[T]:
        """Store a value for many tasks; return its handle.

        Raises:
            UnpicklableInput: it cannot travel, or is too large.
            SessionEnded: the session takes no more work.
        """
        self._check_open()
        return self.objects.put(value)

    def _work(self) -> None:
        self.collector.start()
        self.display.start()

    def _check_open(self) -> None:
        if self.tasks.ended is not None:
            raise self.tasks.ended

    def resume(self) -> None:
        """Collect for tasks that another client submitted, but for those that were cancelled."""
        try:
            self.tasks.mark_cancelled(self.cancels.load().within(0, len(self.tasks)))
        except IntegrityError as error:
            warn(f"the cancel list of session {self.id} is ignored: {one_line(error)}", UserWarning)
        self._work()

    def recall(self) -> None:
        """Recall how tasks ended whose results were erased."""
        recorded = read_record(self)
        if recorded is not None:
            self._final_tally = recorded[0]

    def wait_for_room(self) -> None:
        """Have the session asked for while it waits for room in the totals."""
        if self.manifest.wait_seconds:
            self._room.start()

    def status(self, workers: StatusDocument | None) -> Status:
        """Return how the session stands, by what the controller said last."""
        tally, idle = self._final_tally or self.tasks.tally, self.manifest.idle_seconds
        over = self._stopped
        return Status(session=self.id, tasks=tally, workers=workers, idle_seconds=idle, over=over)

    def clean_up(self, *, force: bool, wait_for_workers: bool, records: bool = False) -> Status:
        """Stop the workers and delete the queue; tasks that are not done end with SessionEnded.

        Args:
            force: also erase every object of the session, all versions of it (S29).
            wait_for_workers: erase only once workers that may be in the middle of tasks have left.
            records: erase neither what tasks printed nor what a report is made of.
        """
        tally = self.tasks.tally
        # A second clean-up finds the tasks given up already; workers may still write.
        self._workers_may_write |= self.tasks.outstanding > 0 or tally.cancelled > 0
        with contextlib.suppress(StarburstError):  # nothing runs any more, recorded or not
            self.cancels.close()
        self._close(SessionEnded(f"session {self.id} was cleaned up before this task was done"))
        if not (self._stopped or self.statuses.erased):
            with contextlib.suppress(SessionNotFound):  # never known, or forgotten: nothing runs
                self.control.stop()
            self._stopped = True
            with contextlib.suppress(StarburstError):  # it is stopped; what it cost is only told
                self.statuses.read()
        self._finish_bar()
        if force and records:
            with contextlib.suppress(StarburstError):  # without, a report lacks; erasing matters
                if not self.statuses.check_erased():  # what its user has erased gets no record
                    keep_report(self)
        if force:
            wait = wait_for_workers and self._workers_may_write
            erase_when_left(
                self.connection, self.manifest.keys, self.control, wait=wait, records=records
            )
        return self.status(self.statuses.latest)

    def clean_up_or_warn(
        self, *, force: bool, wait_for_workers: bool = False, records: bool = False
    ) -> None:
        """Clean up where results, or an error on its way, matter more: a failure only warns."""
        try:
            self.clean_up(force=force, wait_for_workers=wait_for_workers, records=records)
        except StarburstError as error:
            warn(
                f"session {self.id} could not be cleaned up: {one_line(error)}. Its workers leave "
                f"once they have been idle for {self.manifest.idle_seconds} s, and the controller "
                f"ends it; `starburst stop {self.id}{' --erase' if force else ''}` does so now"
            )

    def detach(self, reason: BaseException) -> None:
        """Let go of the session on this machine; tasks without a result end here with ``reason``.

        Raises:
            StarburstError: tasks that were cancelled here could not be recorded as cancelled.
        """
        self._close(reason)
        self._finish_bar()
        self.cancels.close()

    def _close(self, reason: BaseException) -> None:
        self._room.close()  # before the lock: a callback of a task that it ends may come here
        with self._closed:
            self.dispatcher.close()
            self.collector.close()
            self.display.close()
            if self._final_tally is None:
                self._final_tally = self.tasks.tally  # what is given up now is no failed work
            self.tasks.close(reason)

    def _finish_bar(self) -> None:
        with self._closed:
            self.display.finish()
