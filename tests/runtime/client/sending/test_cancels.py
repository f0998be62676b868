"""The cancel list: each client adds to it, none takes another's away, and what fails is kept."""

from __future__ import annotations

import atexit
import io
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst._client.access.timings import Timings
from starburst._client.tasks import cancels as cancels_module
from starburst._client.tasks.cancels import Cancels
from starburst._protocol.sealed.cancel_list import cancel_key, open_cancel_list
from starburst.errors import KeyUnavailable, SessionError, StarburstError
from tests.runtime.wire import s3_error

from .client import connection_to, new_key

REAL_SECONDS = 15.0
BUSY, DISABLED = s3_error(503, "SlowDown"), s3_error(400, "KMS.DisabledException")
CONFLICT = s3_error(409, "ConditionalRequestConflict")
LATER = Timings(cancel_gather_seconds=3600, cancel_retry_seconds=3600)
AT_ONCE = Timings(cancel_gather_seconds=0, cancel_retry_seconds=3600)


class Shelf:
    """One object in S3, written as its conditions allow.

    Attributes:
        errors: what the next writes meet.
        puts: the conditions of the writes that were tried.
        reads: those of the reads.
        pauses: how long a writer waited, and after how many reads.
        done: set at each write.
    """

    def __init__(self) -> None:
        self.body: bytes | None = None
        self.version = 0
        self.errors: list[ClientError] = []
        self.puts: list[dict[str, str]] = []
        self.reads: list[dict[str, str]] = []
        self.pauses: list[tuple[float, int]] = []
        self.done = threading.Event()
        self.key, self.signer = new_key()
        self.keys = connection_to(self, LATER).keys("s" * 20)

    def client(self, timings: Timings = LATER) -> Any:
        """A client of the session, which has nothing read yet."""
        connection = connection_to(self, timings)
        return Cancels(connection, self.keys, key=self.key, signer=self.signer)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **terms: str) -> dict[str, str]:
        assert (Bucket, Key) == ("bucket", cancel_key(self.keys))
        self.puts.append(terms)
        if len(self.puts) > 100:
            self.done.set()
            raise AssertionError("it writes for ever")
        if self.errors:
            self.done.set()
            raise self.errors.pop(0)
        if terms == {"IfNoneMatch": "*"}:
            if self.body is not None:
                raise s3_error(412, "PreconditionFailed")
        else:
            assert list(terms) == ["IfMatch"]
            if self.body is None:
                raise s3_error(404, "NoSuchKey")
            if terms["IfMatch"] != self.etag:
                raise s3_error(412, "PreconditionFailed")
        self.body, self.version = Body, self.version + 1
        self.done.set()
        return {"ETag": self.etag}

    @property
    def etag(self) -> str:
        return f'"{self.version}"'

    def get_object(self, *, Bucket: str, Key: str, **terms: str) -> dict[str, Any]:
        self.reads.append(terms)
        if self.body is None:
            raise s3_error(404, "NoSuchKey")
        if terms.get("IfNoneMatch") == self.etag:
            raise s3_error(304, "304")
        return {"Body": io.BytesIO(self.body), "ETag": self.etag}

    @property
    def listed(self) -> list[int]:
        """The tasks that stand on the list."""
        if self.body is None:
            return []
        found = open_cancel_list(
            self.body, session=self.keys.session, key=self.key.data, public=self.key.public
        )
        return [*found.within(0, 1000)]

    def wait(self) -> None:
        assert self.done.wait(REAL_SECONDS), "nothing was written"
        self.done.clear()


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    made = Shelf()
    clock = SimpleNamespace(sleep=lambda seconds: made.pauses.append((seconds, len(made.reads))))
    monkeypatch.setattr(cancels_module, "time", clock)
    return made


def add(client: Any, *numbers: int) -> None:
    for number in numbers:
        client.add([range(number, number + 1)])


def put(client: Any, *numbers: int) -> None:
    add(client, *numbers)
    client.flush()


def test_two_clients_add_to_one_list_and_read_it_only_where_they_must(shelf: Shelf) -> None:
    first, second = shelf.client(), shelf.client()
    put(first, 1, 2)
    put(first, 3)
    assert (shelf.puts, shelf.reads) == ([{"IfNoneMatch": "*"}, {"IfMatch": '"1"'}], [])
    put(second, 9)
    assert shelf.listed == [1, 2, 3, 9]
    put(first, 4)
    assert shelf.listed == [1, 2, 3, 4, 9]
    assert shelf.puts[2:] == [
        *[{"IfNoneMatch": "*"}, {"IfMatch": '"2"'}],
        *[{"IfMatch": '"2"'}, {"IfMatch": '"3"'}],
    ]
    assert shelf.reads == [{}, {}]
    put(first, 9, 2)  # what stands there already is not written again
    first.flush()
    assert len(shelf.puts) == 6
    assert [*second.load().within(0, 99)] == [1, 2, 3, 4, 9]
    assert [*second.load().within(0, 99)] == [1, 2, 3, 4, 9]
    assert shelf.reads[2:] == [{"IfNoneMatch": '"3"'}, {"IfNoneMatch": '"4"'}]
    shelf.body = None
    put(second, 5)  # somebody has erased the list: what it held is written anew
    assert shelf.listed == [1, 2, 3, 4, 5, 9]
    for client in (first, second):
        client.close()


def test_who_is_always_second_tries_eight_times_ever_later(shelf: Shelf) -> None:
    mine = shelf.client()
    shelf.errors = [CONFLICT] * 8
    with pytest.raises(SessionError, match="changed 8 times"):
        put(mine, 1)
    assert not shelf.errors
    assert shelf.pauses == [(0.01 * 2**n, n) for n in range(8)]  # it reads what is there then
    shelf.errors = [CONFLICT] * 7
    mine.flush()
    assert shelf.listed == [1]
    mine.close()


def test_what_another_reason_refuses_is_raised_and_kept(shelf: Shelf) -> None:
    mine = shelf.client()
    shelf.errors = [DISABLED]
    with pytest.raises(KeyUnavailable, match="record cancelled tasks"):
        put(mine, 1)
    assert len(shelf.puts) == 1
    put(mine, 2)
    assert shelf.listed == [1, 2]
    mine.close()
    assert len(shelf.puts) == 2


def thread_of(before: set[threading.Thread]) -> threading.Thread:
    (found,) = {*threading.enumerate()} - before
    return found


def test_cancels_of_a_loop_are_one_object_and_closing_writes_what_is_left(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered: list[Callable[[], object]] = []
    monkeypatch.setattr(atexit, "register", registered.append)
    monkeypatch.setattr(atexit, "unregister", registered.remove)
    mine, before = shelf.client(), {*threading.enumerate()}
    add(mine, *range(50))
    thread = thread_of(before)
    assert (thread.name, thread.daemon) == ("starburst-cancel", True)
    assert len(registered) == 1
    mine.close()
    assert not thread.is_alive()
    assert registered == []
    assert shelf.listed == list(range(50))
    assert len(shelf.puts) == 1


def test_a_client_that_cancelled_nothing_closes_without_a_word(shelf: Shelf) -> None:
    shelf.client().close()
    assert (shelf.puts, shelf.reads) == ([], [])


def test_who_closes_is_told_what_was_not_recorded_when_its_thread_has_ended(shelf: Shelf) -> None:
    mine, before = shelf.client(), {*threading.enumerate()}
    add(mine, 1)
    thread = thread_of(before)
    shelf.errors = [BUSY] * 4
    with pytest.raises(SessionError, match="SlowDown"):
        mine.close()
    assert not thread.is_alive()
    shelf.errors.clear()
    mine.close()
    assert shelf.listed == [1]


def test_cancels_are_recorded_soon_though_nobody_waits_for_that(shelf: Shelf) -> None:
    """One after the other; without a cancel nothing is done."""
    mine = shelf.client(AT_ONCE)
    for number in range(5):
        add(mine, number)
        shelf.wait()
        assert shelf.listed == list(range(number + 1))
    mine.close()
    assert len(shelf.puts) == 5


@pytest.mark.parametrize("error", [BUSY, DISABLED], ids=["passes", "stays"])
def test_a_cancel_that_was_refused_is_tried_again_at_once_where_that_passes_else_with_the_next(
    shelf: Shelf, error: ClientError
) -> None:
    passes = error is BUSY
    seconds = 0.0 if passes else 3600.0
    mine = shelf.client(Timings(cancel_gather_seconds=0, cancel_retry_seconds=seconds))
    rests = Rests(mine)
    shelf.errors = [error]
    add(mine, 1)
    shelf.wait()
    assert rests.begun.wait(REAL_SECONDS), "it tries again for ever, or waits for its time"
    assert len(shelf.puts) == (2 if passes else 1)
    assert shelf.listed == ([1] if passes else [])
    shelf.done.clear()
    add(mine, 2)
    shelf.wait()
    assert shelf.listed == [1, 2]
    mine.close()


def test_who_closes_after_a_refusal_tries_once_more(shelf: Shelf) -> None:
    mine = shelf.client(AT_ONCE)
    rests = Rests(mine)
    shelf.errors = [DISABLED]
    add(mine, 1)
    assert rests.begun.wait(REAL_SECONDS)
    mine.close()
    assert shelf.listed == [1]
    assert len(shelf.puts) == 2


class Rests:
    """Tells when a client's thread waits for cancels and no longer for time."""

    def __init__(self, client: Any) -> None:
        self.begun = threading.Event()
        self._player = threading.get_ident()
        changed = client._changed
        waits = changed.wait

        def wait(timeout: float | None = None) -> bool:
            if threading.get_ident() != self._player:
                self.begun.set()
            return waits(timeout)

        changed.wait = wait


def test_a_thread_is_woken_when_what_it_waits_for_is_there(shelf: Shelf) -> None:
    """Once it sleeps, nothing else wakes it."""
    mine = shelf.client()
    told: list[tuple[bool, bool]] = []
    notify = mine._changed.notify_all
    mine._changed.notify_all = lambda: (
        told.append((bool(mine._wanted), mine._closing.is_set())),
        notify(),
    )
    add(mine, 1)
    mine.close()
    assert told == [(True, False), (True, True)]


def test_a_process_that_ends_says_that_cancelled_tasks_may_run(shelf: Shelf) -> None:
    mine = shelf.client()
    add(mine, 1)
    shelf.errors = [BUSY] * 4
    with pytest.raises(SessionError, match="cancelled tasks may still run: cannot record") as said:
        mine._at_exit()
    assert isinstance(said.value.__cause__, StarburstError)
    shelf.errors.clear()
    mine.close()
