"""Sending: tasks submitted one by one are gathered, chunked, sealed, stored and queued.

A task counts as accepted once its pack is in S3; the message in the queue is only a lease on it.
"""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst._client.access.aws_errors import aws_errors
from starburst._client.access.patience import Patience, is_passing
from starburst._protocol.sealed.chunks import (
    ChunkMessage,
    LedgerEntry,
    pack_key,
    pack_name,
    write_pack,
)
from starburst._protocol.sealed.sending import send_messages
from starburst._protocol.sealed.session_key import SessionKey
from starburst._protocol.sealed.signing import SigningKey
from starburst._protocol.sizing import chunk_tasks
from starburst.aws.calls import TAKEN, code_of
from starburst.aws.clock import SYSTEM_CLOCK, Clock
from starburst.aws.write_once import write_once
from starburst.errors import SessionEnded, SessionError, StarburstError

from .chunking import Inputs, WaitingTasks, cut_chunks
from .futures import TaskFuture, joined
from .outcomes import Holder
from .session_queue import SessionQueue
from .task_list import TaskList

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import (
        SendMessageBatchRequestEntryTypeDef,
        SendMessageBatchResultTypeDef,
    )

    from starburst._client.access.connection import Connection
    from starburst.contract import SessionKeys

__all__ = ["Dispatcher"]

_TOGETHER: Final = 256
_PACK_TASKS: Final = 50_000
_PACK_BYTES: Final = 32 << 20
_WAITING_BYTES: Final = 256 << 20
_MOST_PACKS: Final = 999_999
"""Their names have six digits."""
_LONG_AGO: Final = float("-inf")


class Dispatcher:
    """Sends a session's tasks from a thread of its own.

    Args:
        connection: where to.
        keys: the session.
        key: its keys, the signing key among them.
        workers: how many it has, for the size of chunks.
        queue: where messages go.
        tasks: told what was sent, and what could not be.
        told: told what sending waits for, and the empty text when it no longer does.
        packs: number of the session's last pack (a client that attached goes on after it).
        clock: the time by which it gathers tasks, and tries again.
    """

    def __init__(
        self,
        connection: Connection,
        keys: SessionKeys,
        *,
        key: SessionKey,
        signer: SigningKey,
        workers: int,
        queue: SessionQueue,
        tasks: TaskList,
        told: Callable[[str], None],
        packs: int = 0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._key = key
        self._signer = signer
        self._workers = workers
        self._queue = queue
        self._tasks = tasks
        self._packs = packs
        self._timings = connection.timings
        self._patience = Patience(connection, told=told, clock=clock.monotonic)
        self._clock = clock
        self._expected = 0
        self._expected_end = 0
        self._arrived = clock.condition()
        self._waiting: deque[WaitingTasks] = deque()
        self._count = 0
        self._bytes = 0
        self._last = _LONG_AGO
        self._busy = False
        self._closing = False
        self._overtaken = False
        self._thread: threading.Thread | None = None

    def expect(self, tasks: int) -> None:
        """Say that so many tasks follow, so that chunks are cut for all of them."""
        with self._arrived:
            self._expected, self._expected_end = tasks, len(self._tasks) + tasks

    def submit(self, function: str, data: bytes, *, holder: Holder = Holder.COLLECT) -> TaskFuture:
        """Queue one task for sending; return its future.

        Raises:
            SessionEnded: it takes no more work, from here at least.
        """
        with self._arrived:  # its result must not come before there is a future that takes it
            return self._tasks.future(self.accept(function, Inputs([data]), holder=holder).start)

    def submit_all(self, function: str, inputs: Iterable[bytes]) -> Sequence[int]:
        """Queue tasks that come quickly; return their numbers. Some at a time cost half as much.

        Raises:
            SessionEnded: it takes no more work, from here at least.
            Exception: what ``inputs`` raises; what came before it is queued.
        """
        return joined(self._accept_together(function, inputs))

    def _accept_together(self, function: str, inputs: Iterable[bytes]) -> Iterator[range]:
        held = Inputs()
        began = 0.0
        try:
            for data in inputs:
                now = self._clock.monotonic()
                began = began if held else now
                held.append(data)
                late = now - began > self._timings.gather_seconds
                if late or len(held) == _TOGETHER or held.nbytes >= _PACK_BYTES:
                    ready, held = held, Inputs()
                    yield self.accept(function, ready)
                    self.wait_for_room()
        finally:
            if held:
                yield self.accept(function, held)

    def wait_for_room(self) -> None:
        """Wait while much waits to be sent: who submits more need not hold it all."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._bytes < _WAITING_BYTES or self._closing)

    def accept(self, function: str, inputs: Inputs, *, holder: Holder = Holder.COLLECT) -> range:
        """Queue tasks for sending; return their numbers.

        Raises:
            SessionEnded: it takes no more work, from here at least.
        """
        with self._arrived:
            if self._closing:
                raise SessionEnded(
                    f"session {self._keys.session} was let go here and takes no more tasks from "
                    "this client; starburst.attach(id) finds it where it still runs"
                )
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="starburst-send", daemon=True
                )
                self._thread.start()
                # A script that ends here has submitted its tasks: they must still be sent.
                atexit.register(self.close)
            # It wakes when this lock is free, also where Ctrl-C ends what follows.
            if not self._waiting:
                self._arrived.notify_all()
            begin = len(self._tasks)
            try:
                numbers = self._tasks.add(len(inputs), holder=holder)
                self._count += len(inputs)
                self._bytes += inputs.nbytes
                self._put(WaitingTasks(begin, function, inputs))
            # Ctrl-C: what does not wait here is never sent, but collecting would wait for it.
            except BaseException:
                waiting = self._waiting[-1].stop if self._waiting else 0
                self._tasks.mark_cancelled(range(max(begin, waiting), len(self._tasks)))
                self._weigh()
                raise
            self._last = self._clock.monotonic()
            if self._full():  # until then, the sender sleeps
                self._arrived.notify_all()
        return numbers

    def _weigh(self) -> None:
        self._count = sum(map(len, self._waiting))
        self._bytes = sum(tasks.inputs.nbytes for tasks in self._waiting)

    def _put(self, tasks: WaitingTasks) -> None:
        """Have tasks wait: one alone beside those before it, where that saves an object."""
        last = self._waiting[-1] if self._waiting else None
        if last is None or len(tasks) > 1 or not last.takes(tasks):
            self._waiting.append(tasks)
        else:
            last.inputs.append(bytes(next(iter(tasks.inputs))))

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything submitted so far is sent; whether it was, within ``timeout``."""
        with self._arrived:
            self._last = _LONG_AGO
            self._arrived.notify_all()
            return self._arrived.wait_for(lambda: not self._waiting and not self._busy, timeout)

    def close(self) -> None:
        """Send what waits, and end the thread."""
        with self._arrived:
            self._closing = True
            self._queue.close()
            self._arrived.notify_all()
            thread = self._thread
        atexit.unregister(self.close)
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while True:
            batch = self._gather()
            if batch is None:
                return
            try:
                self._send(batch)
            except StarburstError as error:
                self._fail(batch, error)
            # Whatever it is: futures that are not ended wait for ever.
            except Exception as error:
                self._fail(batch, SessionError(f"could not send tasks: {error!r}"))
            with self._arrived:
                self._busy = False
                self._arrived.notify_all()

    def _gather(self) -> list[WaitingTasks] | None:
        """Wait for tasks, then a little for more; None when closed and empty."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return None
            busy = self._tasks.outstanding > 0
            patience = (
                self._timings.gather_busy_seconds if busy else self._timings.gather_idle_seconds
            )
            latest = self._clock.monotonic() + patience
            while not self._closing and not self._full():
                quiet = self._last + self._timings.gather_seconds
                rest = min(quiet, latest) - self._clock.monotonic()
                if rest <= 0:
                    break
                self._arrived.wait(rest)
            batch = list(self._next())
            self._count -= sum(map(len, batch))
            self._bytes -= sum(tasks.inputs.nbytes for tasks in batch)
            self._busy = True
            self._arrived.notify_all()  # there is room
        # One that is cancelled from here on travels, and the cancel list stops it.
        return [
            part
            for tasks in batch
            for part in tasks.without(self._tasks.cancelled(tasks.first, tasks.stop))
        ]

    def _next(self) -> Iterator[WaitingTasks]:
        """Take out what a pack holds: one task at least, however large it is."""
        count, nbytes = 0, 0
        while self._waiting:
            head = self._waiting[0]
            fits = head.inputs.fitting(tasks=_PACK_TASKS - count, nbytes=_PACK_BYTES - nbytes)
            fits = fits if count else max(fits, 1)
            if not fits:
                return
            taken = self._waiting.popleft() if fits == len(head) else head.cut(fits)
            count, nbytes = count + len(taken), nbytes + taken.inputs.nbytes
            yield taken

    def _full(self) -> bool:
        return self._count >= _PACK_TASKS or self._bytes >= _PACK_BYTES

    def _fail(self, batch: Sequence[WaitingTasks], error: StarburstError) -> None:
        self._tasks.dropped([range(tasks.first, tasks.stop) for tasks in batch], error)

    def _send(self, batch: Sequence[WaitingTasks]) -> None:
        if not batch:
            return
        if self._packs >= _MOST_PACKS:
            raise SessionError(
                f"session {self._keys.session} has sent {_MOST_PACKS:,} packs of tasks, and takes "
                "no more: start a new session for the rest"
            )
        self._packs += 1
        pack = pack_name(self._packs)
        # Of all tasks that are known of, not of each pack.
        known = self._expected if batch[0].first < self._expected_end else 0
        tasks = max(known, self._tasks.outstanding + sum(map(len, batch)))
        most = chunk_tasks(tasks, workers=self._workers)
        chunks = list(cut_chunks(pack, batch, most=most))
        parts, messages = write_pack(
            pack, chunks, session=self._keys.session, key=self._key.data, signer=self._signer
        )
        self._store_patiently(pack, b"".join(parts))
        self._tasks.dispatched(
            LedgerEntry(
                name=chunk.name,
                first=chunk.first,
                tasks=len(chunk.inputs),
                offset=message.offset,
                length=message.length,
            )
            for chunk, message in zip(chunks, messages, strict=True)
        )
        try:
            self.queue(messages)
        except StarburstError as error:
            if not is_passing(error, self._connection):
                raise
            # They are stored, so they are not lost: what makes no progress is sent again.

    def _store_patiently(self, pack: str, body: bytes) -> None:
        """Store a pack; wait for what passes, but not where this client is about to end."""
        self._patience.outlast(
            lambda: self._store(pack, body),
            nbytes=len(body),
            pause=self._pause,
            ends=lambda: self._closing,
        )

    def _pause(self, seconds: float) -> None:
        with self._arrived:
            self._arrived.wait_for(lambda: self._closing, seconds)

    def _store(self, pack: str, body: bytes) -> None:
        bucket, key = self._connection.document.bucket, pack_key(self._keys, pack)
        with aws_errors("store tasks"):
            try:
                if not self._overtaken:
                    write_once(self._connection.s3, bucket, key, body=body)
            except ClientError as error:
                if code_of(error) not in TAKEN:
                    raise
                self._overtaken = True
        if self._overtaken:
            # Its tasks have the numbers that ours would have.
            raise SessionError(
                f"another client has submitted tasks to session {self._keys.session} since this "
                "one last looked, so these were not accepted: starburst.attach(id) shows all "
                "tasks there are; submit these again to what it returns"
            )

    def queue(self, messages: Sequence[ChunkMessage]) -> None:
        """Send leases to the session's queue, ten and at most 1 MB at a time.

        What SQS does not take, however often it is offered, is sent again when the session makes
        no progress.
        """
        send_messages(messages, self._send_entries)

    def _send_entries(
        self, entries: list[SendMessageBatchRequestEntryTypeDef]
    ) -> SendMessageBatchResultTypeDef:
        return self._queue.call(
            "queue tasks",
            lambda url: self._connection.sqs.send_message_batch(QueueUrl=url, Entries=entries),
        )
