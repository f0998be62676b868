"""What a client takes of the results that S3 lists: each once, of its own tasks, to the end."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst._client.access.connection import Connection
from starburst._client.tasks import collect as collect_module
from starburst._client.tasks.result_reader import NodeName, ResultReader
from starburst._client.tasks.task_list import Tally
from starburst._codec import encode_batch
from starburst._protocol.sealed.chunks import LedgerEntry
from starburst._protocol.sealed.failure import Failure, describe
from starburst._protocol.sealed.result_nodes import Batch, ResultNode, node_key
from starburst.errors import (
    FleetFailed,
    IntegrityError,
    SessionEnded,
    SessionError,
    StarburstError,
    UnsafeResult,
)
from tests.runtime.client.collecting.sky import KEY, Sky, collect, collector_under, listed
from tests.runtime.wire import s3_error
from tests.statuses import a_status

FIRST, SECOND = "p000001-00000", "p000001-00001"
Children = tuple[tuple[int, int], ...]


def node(
    lo: int, hi: int, *, children: Children = (), failures: dict[int, Failure] | None = None
) -> ResultNode:
    """A node of the tasks from ``lo`` on; each has ten times its number for a result."""
    covered = children[0][0] if children else hi
    failed = failures or {}
    values = [None if n in failed else 10 * n for n in range(lo, covered)]
    encoded, _ = encode_batch(values, mode="data")
    batch = Batch(first=lo, count=len(values), format=encoded.format, parts=bytes_of(encoded.parts))
    return ResultNode(
        lo=lo,
        hi=hi,
        covered=covered,
        children=children,
        batches=[batch],
        failures=failed,
        retries=1,
        seconds=0.5,
    )


def bytes_of(parts: Any) -> list[bytes]:
    return [b"".join(bytes(part) for part in parts)]


def cancelled() -> Failure:
    return Failure(type_name="", text="cancelled", traceback="", builtin=False, kind="cancelled")


@pytest.mark.parametrize("remembered", [0, 10_000], ids=["forgets early", "remembers"])
def test_each_result_is_taken_once_and_counted_once(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, remembered: int
) -> None:
    """Parents first, then what they handed on, in one look or in several."""
    monkeypatch.setattr(collect_module, "_FORGET", remembered)
    sky, tasks = Sky(), listed((4, 3))
    sky.nodes = {
        (FIRST, 0, 4): (2.0, node(0, 4, children=((2, 3), (3, 4)))),
        (FIRST, 2, 3): (1.0, node(2, 3)),
        (FIRST, 3, 4): (30.0, node(3, 4)),
        (SECOND, 0, 3): (5.0, node(0, 3)),
    }
    collect(connection, sky, tasks)
    assert [future.result(0) for future in tasks] == [0, 10, 20, 30, 0, 10, 20]
    assert tasks.tally == Tally(total=7, done=7, retried=4, seconds=2.0)
    assert sky.fetched == [(FIRST, 0, 4), (FIRST, 2, 3), (SECOND, 0, 3), (FIRST, 3, 4)]
    assert 30.0 <= sky.now < 32.0


@pytest.mark.parametrize(
    "name",
    [(FIRST, 0, 3), (FIRST, 1, 2), (FIRST, 0, 5), ("p000009-00000", 0, 4)],
    ids=str,
)
def test_what_no_node_has_named_is_never_read(connection: Connection, name: NodeName) -> None:
    sky, tasks = Sky(), listed((4,))
    sky.nodes = {
        name: (0.0, node(0, 1)),
        (FIRST, 0, 4): (1.0, node(0, 4, children=((2, 4),))),
        (FIRST, 2, 4): (2.0, node(2, 4)),
    }
    collect(connection, sky, tasks)
    assert name not in sky.fetched
    assert [future.result(0) for future in tasks] == [0, 10, 20, 30]


def test_a_damaged_node_ends_its_own_tasks_alone(connection: Connection) -> None:
    sky, tasks = Sky(), listed((4, 2))
    tasks.mark_cancelled([3])
    sky.nodes = {
        (FIRST, 0, 4): (0.0, node(0, 4, children=((1, 3), (3, 4)))),
        (FIRST, 1, 3): (1.0, IntegrityError("damaged")),
        (FIRST, 3, 4): (1.0, IntegrityError("damaged, and cancelled long ago")),
        (SECOND, 0, 2): (2.0, node(0, 2)),
    }
    collect(connection, sky, tasks)
    futures = list(tasks)
    assert [futures[n].result(0) for n in (0, 4, 5)] == [0, 0, 10]
    assert [str(futures[n].exception(0)) for n in (1, 2)] == ["damaged"] * 2
    assert futures[3].cancelled()
    assert tasks.tally == Tally(total=6, done=6, failed=2, cancelled=1, retried=2, seconds=1.0)
    assert tasks.outstanding == 0


def test_a_batch_that_cannot_be_used_ends_its_own_tasks_alone(connection: Connection) -> None:
    """It holds fewer values than it says, so nobody knows whose they are; the next one is sound."""
    sky, tasks = Sky(), listed((5,))
    tasks.mark_cancelled([1])
    made = node(0, 5)
    short = dataclasses.replace(node(0, 2).batches[0], count=3)
    sound = dataclasses.replace(node(3, 5).batches[0], first=3)
    made = dataclasses.replace(made, batches=[short, sound])
    sky.nodes = {(FIRST, 0, 5): (0.0, made)}
    collect(connection, sky, tasks)
    futures = list(tasks)
    assert [str(futures[n].exception(0)) for n in (0, 2)] == [
        f"a result of chunk {FIRST} holds 2 values for 3"
    ] * 2
    assert futures[1].cancelled()
    assert [futures[n].result(0) for n in (3, 4)] == [30, 40]
    assert tasks.tally == Tally(total=5, done=5, failed=2, cancelled=1, retried=1, seconds=0.5)
    assert tasks.outstanding == 0


@pytest.mark.parametrize(
    "error", [SessionError("cannot list results"), ZeroDivisionError("a mistake of ours")]
)
def test_a_collector_that_ends_lets_no_future_wait_for_ever(
    connection: Connection, error: Exception
) -> None:
    def fail(*_: object) -> int:
        raise error

    tasks = listed((3,))
    collector = collector_under(connection, Sky(), tasks)
    collector.round = fail
    collector._run()
    for future in tasks:
        assert str(error) in str(future.exception(0))
    assert len(tasks) == 3
    assert isinstance(tasks.ended, StarburstError)
    with pytest.raises(StarburstError, match=str(error)):
        tasks.add(1)


def test_what_a_worker_says_of_each_task_ends_that_task(connection: Connection) -> None:
    sky, tasks = Sky(), listed((4,))
    told: list[int] = []
    tasks.on_cancel = lambda runs: told.extend(*runs)
    failures = {1: cancelled(), 2: describe(ValueError("of two"))}
    sky.nodes = {(FIRST, 0, 4): (0.0, node(0, 4, failures=failures))}
    collect(connection, sky, tasks)
    futures = list(tasks)
    assert [futures[n].result(0) for n in (0, 3)] == [0, 30]
    assert futures[1].cancelled()
    assert isinstance(futures[2].exception(0), ValueError)
    assert tasks.tally == Tally(total=4, done=4, failed=1, cancelled=1, retried=1, seconds=0.5)
    assert told == []  # another client cancelled it, and has recorded that


def test_who_only_counts_reads_no_result(connection: Connection) -> None:
    sky, tasks = Sky(), listed((3,))
    made = node(0, 3, failures={1: describe(ValueError("of one"))})
    unread = dataclasses.replace(made.batches[0], format="unknown", parts=[b"not to be read"])
    made = dataclasses.replace(made, batches=[unread])
    sky.nodes = {(FIRST, 0, 3): (0.0, made)}
    collect(connection, sky, tasks, mode=None)
    assert [future.exception(0) is None for future in tasks] == [True, False, True]
    assert (tasks.tally.done, tasks.tally.failed) == (3, 1)


def ending(state: Any, committed: dict[NodeName, tuple[float, Any]]) -> Sky:
    """A session that is said to end after ten seconds, and what is committed just before that."""
    sky = Sky()
    status = a_status(session="s" * 20, state=state, reason="it has cost $5")
    read = sky.read

    def read_late() -> Any:
        found = read()
        if found is not None:
            sky.nodes = committed
        return found

    sky.latest, sky.read = (10.0, status), read_late  # type: ignore[method-assign]
    return sky


def test_a_session_whose_last_results_come_with_its_end_was_not_given_up(
    connection: Connection,
) -> None:
    tasks = listed((4,))
    collect(connection, ending("ended", {(FIRST, 0, 4): (0.0, node(0, 4))}), tasks)
    assert [future.result(0) for future in tasks] == [0, 10, 20, 30]
    assert tasks.ended is None


@pytest.mark.parametrize(
    ("state", "kind"), [("ended", SessionEnded), ("failed", FleetFailed)], ids=str
)
def test_what_is_committed_as_a_session_ends_is_taken_before_the_rest_is_given_up(
    connection: Connection, state: Any, kind: type[Exception]
) -> None:
    """A worker that is stopped commits what it has: after the last look, before the end is seen."""
    tasks = listed((4, 2))
    sky = ending(state, {(FIRST, 0, 4): (0.0, node(0, 4, children=((1, 4),)))})
    collect(connection, sky, tasks)
    futures = list(tasks)
    assert futures[0].result(0) == 0
    for future in futures[1:]:
        error = future.exception(0)
        assert type(error) is kind
        assert "it has cost $5. What was done is kept: starburst.attach('ssss" in str(error)
    assert (tasks.tally.done, tasks.tally.failed) == (6, 5)
    assert 10.0 <= sky.now < 14.0
    assert tasks.ended is futures[1].exception(0)


@pytest.mark.parametrize("state", ["ended", "running", "starting"])
def test_a_session_that_is_over_with_all_its_tasks_done_takes_more(
    connection: Connection, state: Any
) -> None:
    sky, tasks = Sky(), listed((4,))
    sky.latest = (0.0, a_status(session="s" * 20, state=state))
    sky.nodes = {(FIRST, 0, 4): (2.5, node(0, 4))}
    if state == "ended":
        sky.nodes = {(FIRST, 0, 4): (0.0, node(0, 4))}
    collect(connection, sky, tasks)
    assert [future.result(0) for future in tasks] == [0, 10, 20, 30]
    assert tasks.ended is None


def test_a_wait_looks_closely_at_its_beginning_however_long_there_was_no_work(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where an analyst goes on in a notebook after a while."""
    sky, tasks = Sky(until=300.0), listed((1,))
    sky.nodes = {(FIRST, 0, 1): (0.4, node(0, 1))}

    def idle(seconds: float, until: Callable[[], bool]) -> bool:
        sky.now += seconds
        if sky.now >= 100 and len(tasks) == 1:
            tasks.add(1)
            tasks.dispatched([LedgerEntry(name=SECOND, first=1, tasks=1, offset=0, length=9)])
            sky.nodes[SECOND, 0, 1] = (sky.now + 0.4, node(0, 1))
        return until()

    monkeypatch.setattr(tasks, "wait", idle)
    collector = collector_under(connection, sky, tasks)
    collector._changed = lambda: tasks.tally.done == 2 and setattr(sky, "until", sky.now)
    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(collect_module, "time", sky)
        collector._collect(pool)
    first = [moment for moment in sky.looks if moment < 50]
    second = [moment for moment in sky.looks if moment > 50]
    assert 0.4 <= first[-1] < 0.45
    assert len(first) <= 16
    assert [moment - second[0] for moment in second] == pytest.approx(first)


@pytest.mark.parametrize("status", [False, True], ids=["no status", "a last status"])
def test_an_erased_session_is_known_by_its_manifest_where_it_has_no_status(
    connection: Connection, status: bool
) -> None:
    sky, tasks = Sky(until=30.0), listed((2,))
    sky.erased = True
    sky.latest = (0.0, a_status(session="s" * 20, state="running")) if status else None
    collect(connection, sky, tasks)
    assert (tasks.ended is None) == status
    if not status:
        assert "was erased before its tasks were done" in str(tasks.ended)
        assert sky.now < 5.0


# Reading one of them: what arrives damaged is read again.


class Bodies:
    """S3 that answers each read with the next of these."""

    def __init__(self, *answers: bytes | ClientError) -> None:
        self.answers = list(answers)

    def get_object(self, **_: str) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, ClientError):
            raise answer
        return {"Body": io.BytesIO(answer)}


def fetched(connection: Connection, s3: Bodies) -> ResultNode | IntegrityError:
    mine: Any = dataclasses.replace(connection, s3=s3)  # type: ignore[arg-type]
    keys = connection.keys("s" * 20)
    reader = ResultReader(mine, keys, key=KEY, mode="data")
    return reader._fetch(((FIRST, 0, 2), node_key(keys, FIRST, lo=0, hi=2)))


def sealed(lo: int = 0, hi: int = 2) -> bytes:
    return bytes(node(lo, hi).seal(session="s" * 20, chunk=FIRST, key=KEY, attempt=1))


def test_what_arrives_damaged_is_read_three_times(connection: Connection) -> None:
    good = sealed()
    bad = good[:-1] + bytes([good[-1] ^ 1])
    s3 = Bodies(bad, bad, good, good)
    found = fetched(connection, s3)
    assert isinstance(found, ResultNode)
    assert [batch.count for batch in found.batches] == [2]
    assert len(s3.answers) == 1
    s3 = Bodies(bad, bad, sealed(0, 1), good)  # the last one stands under another's key
    error = fetched(connection, s3)
    assert isinstance(error, IntegrityError)
    assert "python -m deploy.hold --environment test --workspace study --user alice" in str(error)
    assert f"--session {'s' * 20} --apply" in str(error)
    assert len(s3.answers) == 1


def test_what_s3_will_never_give_is_damage_and_what_it_may_give_is_waited_for(
    connection: Connection,
) -> None:
    never = s3_error(416, "InvalidRange")
    assert isinstance(fetched(connection, Bodies(never, never, never)), IntegrityError)
    with pytest.raises(SessionError, match="SlowDown"):
        fetched(connection, Bodies(s3_error(503, "SlowDown"), sealed()))


@pytest.mark.parametrize("count", [1, 3])
def test_a_batch_that_holds_more_or_less_than_it_says_is_not_used(
    connection: Connection, count: int
) -> None:
    reader = ResultReader(connection, connection.keys("s" * 20), key=KEY, mode="data")
    batch = dataclasses.replace(node(0, 2).batches[0], count=count)
    with pytest.raises(IntegrityError, match=f"holds 2 values for {count}"):
        reader.decode(batch, FIRST)


@pytest.mark.parametrize(
    ("format", "kind"), [("pickle", UnsafeResult), ("unknown", IntegrityError)]
)
def test_what_must_not_be_read_is_not_tried_one_by_one(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, format: str, kind: type[Exception]
) -> None:
    def tried(*_: object, **__: object) -> list[Any]:
        raise AssertionError

    monkeypatch.setattr("starburst._client.tasks.result_reader.decode_each", tried)
    reader = ResultReader(connection, connection.keys("s" * 20), key=KEY, mode="data")
    batch = dataclasses.replace(node(0, 2).batches[0], format=format)
    with pytest.raises(kind):
        reader.decode(batch, FIRST)
