"""Collecting: results are listed, fetched, verified, decoded, and set on their futures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from botocore.exceptions import ClientError

from starburst._client.access.aws_errors import aws_errors, is_passing
from starburst._codec import decode_batch, decode_each
from starburst._protocol.manifest import ResultMode
from starburst._protocol.sealed.cancel_list import CancelledTasks
from starburst._protocol.sealed.result_nodes import Batch, ResultNode, open_node, parse_node_key
from starburst._protocol.status import StatusDocument
from starburst.aws.calls import ABSENT, code_of, is_permanent, quoted
from starburst.errors import (
    FleetFailed,
    IntegrityError,
    PayloadError,
    SessionEnded,
    StarburstError,
    UnsafeResult,
)

from .pacing import FIRST_PAUSE, Pace
from .task_list import TaskLedger

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst.contract import SessionKeys

__all__ = ["Collector"]

_Place: TypeAlias = tuple[str, int, int]

_STATUS_SECONDS: Final = 2.0
_SILENCE_SECONDS: Final = 15.0
_PATIENCE_SECONDS: Final = 900.0
"""So long a failure may last: a laptop that wakes elsewhere finds its network, AWS recovers."""

_READS: Final = 3
_FETCHES: Final = 8
_PAGE: Final = 1000


class Collector:
    """Resolves a session's futures from a thread of its own, while any is outstanding.

    Args:
        connection: where from.
        keys: the session.
        key: its data key, 32 bytes.
        mode: which results are accepted; None counts results, and reads none of them.
        ledger: the futures.
        refresh: asks the controller to look after the session, and so to have sent again what was
            lost on its way.
        changed: called after each round, for progress.
        cancelled: reads which tasks clients of the session have cancelled.
    """

    def __init__(
        self,
        connection: Connection,
        keys: SessionKeys,
        *,
        key: bytes,
        mode: ResultMode | None,
        ledger: TaskLedger,
        refresh: Callable[[], None],
        changed: Callable[[], None],
        cancelled: Callable[[], CancelledTasks],
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._key = key
        self._mode: ResultMode | None = mode
        self._ledger = ledger
        self._refresh = refresh
        self._changed = changed
        self._cancelled = cancelled
        self._seen: set[_Place] = set()
        self._handed_on: set[_Place] = set()
        self._taking = threading.RLock()  # a future's callback may call us anew
        self._taker: int | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.status: StatusDocument | None = None
        self.erased = False

    def start(self) -> None:
        """Begin to collect; harmless to repeat."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="starburst-collect", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop collecting."""
        self._closing.set()
        self._ledger.wake()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        with ThreadPoolExecutor(_FETCHES, thread_name_prefix="starburst-fetch") as pool:
            try:
                self._collect(pool)
            except StarburstError as error:
                self._ledger.close(error)
            # Whatever it is: unless futures hear of it, they wait for ever.
            except BaseException as error:
                self._ledger.close(StarburstError(f"collecting results failed: {error!r}"))

    def _collect(self, pool: ThreadPoolExecutor) -> None:
        pause, asked = FIRST_PAUSE, time.monotonic()
        heard = looked = asked
        failing: float | None = None
        pace = Pace(asked)
        while self._wait_for_work():
            now = time.monotonic()
            try:
                new = self.round(pool)
                pause = pace.next(
                    now,
                    heard=new > 0,
                    done=self._ledger.tally.done,
                    left=self._ledger.outstanding,
                )
                if new:
                    heard = now
                if now - looked > _STATUS_SECONDS:
                    looked = now
                    self._look(pool)
                failing = None
            except StarburstError as error:
                failing = time.monotonic() if failing is None else failing
                if not is_passing(error) or now - failing > _PATIENCE_SECONDS:
                    raise
            if now - max(heard, asked) > _SILENCE_SECONDS:
                asked = now
                with suppress(StarburstError):  # the controller's own sweep comes anyway
                    self._refresh()
            self._changed()
            if not self._ledger.outstanding:
                # What is submitted from here on is another wait.
                pace.begin(time.monotonic() + pause)
            self._closing.wait(pause)

    def _wait_for_work(self) -> bool:
        """Wait for outstanding tasks; False once closed."""
        while not self._closing.is_set():
            if self._ledger.outstanding:
                return True
            self._ledger.wait(1.0, lambda: bool(self._ledger.outstanding) or self._closing.is_set())
        return False

    def round(self, pool: ThreadPoolExecutor) -> int:
        """List and take in what is new; return how many result objects that were.

        Only ranges that somebody handed out are taken: a chunk's whole range, or a child of a node
        that was verified. An object under any other name is never even fetched.
        """
        with self._taking:  # collect(wait=False) comes from another thread
            before, self._taker = self._taker, threading.get_ident()
            try:
                return self._round(pool)
            finally:
                self._taker = before

    def catch_up(self) -> None:
        """Take in what is committed by now.

        In a thread of its own: Ctrl-C must not leave a result half taken, for it is taken once.
        """
        with ThreadPoolExecutor(_FETCHES + 1) as pool:
            round_: Future[int] | None = None
            if self._taker != threading.get_ident():  # else a callback, in the midst of taking
                with suppress(RuntimeError):  # the interpreter is about to end
                    round_ = pool.submit(self.round, pool)
            if round_ is None:
                self.round(pool)
            else:
                round_.result()

    def _round(self, pool: ThreadPoolExecutor) -> int:
        listed = {place: key for key in self._list() if (place := self._place(key)) is not None}
        taken = 0
        while expected := [place for place in listed if self._is_expected(place)]:
            keys = [listed.pop(place) for place in expected]
            for place, node in zip(expected, self._fetch_all(pool, keys), strict=True):
                if place not in self._seen:  # else a callback has looked meanwhile
                    self._seen.add(place)
                    self._take(place, node)
            taken += len(expected)
        return taken

    def _place(self, key: str) -> _Place | None:
        place = parse_node_key(self._keys, key)
        return None if place is None or place in self._seen else place

    def _is_expected(self, place: _Place) -> bool:
        chunk, lo, hi = place
        entry = self._ledger.entry(chunk)
        return entry is not None and ((lo, hi) == (0, entry.tasks) or place in self._handed_on)

    def _list(self) -> Iterator[str]:
        first = self._ledger.first_open
        after = self._keys.results if first is None else f"{self._keys.results}{first}/"
        place: dict[str, str] = {"StartAfter": after}
        while True:
            with aws_errors("list results"):
                page = self._connection.s3.list_objects_v2(
                    Bucket=self._connection.document.bucket,
                    Prefix=self._keys.results,
                    MaxKeys=_PAGE,
                    **place,  # type: ignore[arg-type]
                )
            yield from (entry.get("Key", "") for entry in page.get("Contents", []))
            token = page.get("NextContinuationToken", "")
            if not (page.get("IsTruncated") and token):
                return
            # By S3's own word and not by the last name, which may be anything.
            place = {"ContinuationToken": token}

    def _fetch_all(
        self, pool: ThreadPoolExecutor, keys: Sequence[str]
    ) -> Iterable[ResultNode | IntegrityError]:
        try:
            return pool.map(self._fetch, keys)
        except RuntimeError:  # the interpreter is about to end, and some thread still waits for us
            return map(self._fetch, keys)

    def _fetch(self, key: str) -> ResultNode | IntegrityError:
        """Read and verify one object; what fails verification is never parsed.

        What arrives damaged is read again: only what stays damaged is damaged in S3.
        """
        chunk, lo, hi = parse_node_key(self._keys, key) or ("", 0, 0)
        refusal = IntegrityError(f"{key} was not read")
        for _ in range(_READS):
            try:
                with aws_errors(f"read {key}"):
                    sealed = self._read(key)
                return open_node(
                    sealed, session=self._keys.session, chunk=chunk, lo=lo, hi=hi, key=self._key
                )
            except IntegrityError as error:
                refusal = error
        return IntegrityError(f"{refusal} {self._report_it()}")

    def _read(self, key: str) -> bytes:
        try:
            answer = self._connection.s3.get_object(
                Bucket=self._connection.document.bucket, Key=key
            )
        except ClientError as error:
            if is_permanent(error):
                raise IntegrityError(f"{key} cannot be read: {quoted(error)}") from error
            raise
        return answer["Body"].read()

    def _report_it(self) -> str:
        """Return what an analyst is to do: this machine may not write where officers look."""
        return (
            "No alarm rang for this unless a worker found it as well. They keep the evidence with "
            f"`python -m deploy.hold --environment {self._connection.document.environment} "
            f"--workspace {self._keys.workspace} --user {self._keys.user} --session "
            f"{self._keys.session} --apply`"
        )

    def _take(self, place: _Place, node: ResultNode | IntegrityError) -> None:
        chunk, lo, hi = place
        entry = self._ledger.entry(chunk)
        if entry is None:
            return  # another client's tasks
        if isinstance(node, IntegrityError):
            futures = self._ledger.futures(entry.first + lo, hi - lo)
            failed = sum(future.fail(node) for future in futures)
            self._ledger.settled(chunk, done=failed, failed=failed)
            return
        self._handed_on.update((chunk, a, b) for a, b in node.children)
        done = failed = 0
        for batch in node.batches:
            start = entry.first + batch.first
            futures = self._ledger.futures(start, batch.count)
            try:
                values = self._decode(batch, chunk)
            except PayloadError as error:
                refused = sum(future.fail(error) for future in futures)
                done, failed = done + refused, failed + refused
                continue
            for index, (future, value) in enumerate(zip(futures, values, strict=True), batch.first):
                failure = node.failures.get(index)
                if failure is None and not isinstance(value, PayloadError):
                    done += future.resolve(value)
                elif failure is not None and failure.kind == "cancelled":
                    self._ledger.give_up([future.number])  # by another client of this session
                else:
                    refused = future.fail(failure.rebuild() if failure else value)
                    done, failed = done + refused, failed + refused
        self._ledger.settled(
            chunk, done=done, failed=failed, retried=node.retries, seconds=node.seconds
        )

    def _decode(self, batch: Batch, chunk: str) -> list[Any]:
        """Return a batch's results; a PayloadError stands for one that cannot be read here."""
        if self._mode is None:
            return [None] * batch.count
        data = memoryview(batch.parts[0])
        try:
            values = decode_batch(batch.format, data, mode=self._mode)
        except (IntegrityError, UnsafeResult):
            raise
        except PayloadError:
            values = decode_each(batch.format, data, mode=self._mode)
        if len(values) != batch.count:
            raise IntegrityError(
                f"a result of chunk {chunk} holds {len(values)} values for {batch.count}"
            )
        return values

    def _look(self, pool: ThreadPoolExecutor) -> None:
        """Hear what other clients cancelled, and whether the session has ended."""
        with suppress(IntegrityError):  # a list that no client signed cancels nothing
            self._ledger.give_up(self._cancelled().within(0, len(self._ledger)))
        status = self.read_status()
        if status is None and self._is_erased():
            self.erased = True
            self._ledger.close(
                SessionEnded(
                    f"session {self._keys.session} was erased before its tasks were done, by you "
                    "or with your login: nothing is left of it. Start a new session"
                )
            )
        if status is None or status.state in ("starting", "running"):
            return
        self.round(pool)
        if not self._ledger.outstanding:
            return
        kind = FleetFailed if status.state == "failed" else SessionEnded
        self._ledger.close(
            kind(
                f"session {status.session} {status.state} before its tasks were done: "
                f"{status.reason}. What was done is kept: starburst.attach('{status.session}')"
            )
        )

    def _is_erased(self) -> bool:
        with aws_errors("look for the session's manifest"):
            try:
                self._connection.s3.head_object(
                    Bucket=self._connection.document.bucket, Key=self._keys.manifest
                )
            except ClientError as error:
                if code_of(error) in ABSENT:
                    return True
                raise
        return False

    def read_status(self) -> StatusDocument | None:
        """Return the controller's latest word on the session; None where there is none yet."""
        text = self._connection.read(self._keys.status, purpose="read the session's status")
        if text is None:
            return None
        with suppress(ValueError):  # not the controller's: its last word stands
            self.status = StatusDocument.from_json(text)
        return self.status
