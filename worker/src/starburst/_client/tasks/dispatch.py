"""Sending: tasks submitted one by one are gathered, chunked, sealed, stored and queued.

A task counts as accepted once its pack is in S3; the message in the queue is only a lease on it.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterable, Sequence
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

from .chunking import WaitingTask, cut_chunks
from .futures import TaskFuture, number_of
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
        self._waiting: list[WaitingTask] = []
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

    def submit(self, function: str, data: bytes) -> TaskFuture:
        """Queue one task for sending; return its future.

        Raises:
            SessionEnded: it takes no more work, from here at least.
        """
        return self._accept(function, [data])[0]

    def submit_all(self, function: str, inputs: Iterable[bytes]) -> list[TaskFuture]:
        """Queue tasks that come quickly; return their futures. Some at a time cost half as much.

        Raises:
            SessionEnded: it takes no more work, from here at least.
            Exception: what ``inputs`` raises; what came before it is queued.
        """
        futures: list[TaskFuture] = []
        held: list[bytes] = []
        began = 0.0
        try:
            for data in inputs:
                now = self._clock.monotonic()
                began = began if held else now
                held.append(data)
                if len(held) == _TOGETHER or now - began > self._timings.gather_seconds:
                    ready, held = held, []
                    futures += self._accept(function, ready)
        finally:
            if held:
                futures += self._accept(function, held)
        return futures

    def _accept(self, function: str, inputs: Sequence[bytes]) -> list[TaskFuture]:
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
                futures = self._tasks.add(len(inputs))
                more = [
                    WaitingTask(number_of(future), function, data, future)
                    for future, data in zip(futures, inputs, strict=True)
                ]
                self._bytes += sum(map(len, inputs))
                self._waiting += more
            # Ctrl-C: what does not wait here is never sent, but collecting would wait for it.
            except BaseException:
                waiting = {task.index for task in self._waiting}
                self._tasks.mark_cancelled(
                    n for n in range(begin, len(self._tasks)) if n not in waiting
                )
                self._bytes = sum(len(task.data) for task in self._waiting)
                raise
            self._last = self._clock.monotonic()
            if self._full():  # until then, the sender sleeps
                self._arrived.notify_all()
        return futures

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

    def _gather(self) -> list[WaitingTask] | None:
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
            batch: list[WaitingTask] = []
            held = 0
            for task in self._waiting[:_PACK_TASKS]:
                if batch and held + len(task.data) > _PACK_BYTES:
                    break
                batch.append(task)
                held += len(task.data)
            self._waiting = self._waiting[len(batch) :]
            self._bytes -= held
            self._busy = True
        # One that is cancelled from here on travels, and the cancel list stops it.
        return [task for task in batch if not task.future.cancelled()]

    def _full(self) -> bool:
        return len(self._waiting) >= _PACK_TASKS or self._bytes >= _PACK_BYTES

    def _fail(self, batch: Sequence[WaitingTask], error: StarburstError) -> None:
        self._tasks.dropped((task.future for task in batch), error)

    def _send(self, batch: Sequence[WaitingTask]) -> None:
        if not batch:
            return
        self._packs += 1
        pack = pack_name(self._packs)
        # Of all tasks that are known of, not of each pack.
        known = self._expected if batch[0].index < self._expected_end else 0
        tasks = max(known, self._tasks.outstanding + len(batch))
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
            lambda: self._store(pack, body), pause=self._pause, ends=lambda: self._closing
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
