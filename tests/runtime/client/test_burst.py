"""From submit to result: order, failures, retries, splitting, and what is left behind."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_session, list_sessions
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst._protocol.sealed.result_nodes import parse_node_key
from starburst.errors import (
    IntegrityError,
    PayloadError,
    RemoteTraceback,
    SessionEnded,
    SessionNotFound,
    TaskError,
    TaskTimeout,
    UnsafeResult,
    WorkerLost,
)
from tests.runtime.fleet import BUCKET, Fleet
from tests.session_internals import flush, in_one_pack
from tests.statuses import a_status

pytestmark = pytest.mark.usefixtures("forked")

TWO = SessionOptions(workers=2, idle_timeout=20)


@dataclasses.dataclass
class Point:
    x: float
    y: float


class Model:
    """Not data: it could hold anything."""


class CustomError(Exception):
    pass


def square(x: int) -> int:
    return x * x


def run(
    connection: Connection,
    function: Callable[[Any], object],
    inputs: Iterable[Any],
    options: SessionOptions = TWO,
) -> list[Any]:
    with open_session(connection, options, progress=False) as session:
        session.map(function, inputs)
        return session.collect(timeout=60, return_exceptions=True)


def objects(fleet: Fleet, prefix: str = "") -> list[str]:
    pages = fleet.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def test_results_come_in_input_order(connection: Connection) -> None:
    assert run(connection, square, range(500)) == [x * x for x in range(500)]


def test_none_results_keep_their_place(connection: Connection) -> None:
    assert run(connection, lambda x: None if x % 2 else x, range(5)) == [0, None, 2, None, 4]


def test_futures_work_with_as_completed(connection: Connection) -> None:
    with open_session(connection, TWO, progress=False) as session:
        futures = [session.submit(square, x) for x in range(20)]
        assert {f.result() for f in as_completed(futures, timeout=60)} == {x * x for x in range(20)}


def test_an_exception_is_a_result_with_its_remote_traceback(connection: Connection) -> None:
    def divide(x: int) -> float:
        return 1 / x

    first, second = run(connection, divide, [0, 2])
    assert isinstance(first, ZeroDivisionError)
    assert isinstance(first.__cause__, RemoteTraceback)
    assert "in divide" in str(first.__cause__)
    assert second == 0.5


def test_an_exception_of_ones_own_comes_back_as_itself_or_as_its_base(
    connection: Connection,
) -> None:
    class Unknown(LookupError):
        """Of no module, so it cannot be found here."""

    def fail(kind: str) -> None:
        if kind == "unknown":
            raise Unknown("no such gene")
        if kind == "exit":
            sys.exit(3)
        error = CustomError("no such gene")
        error.gene = {"name": "BRCA1"}  # type: ignore[attr-defined]
        error.add_note("in the second file")
        raise error from KeyError(3)

    own, unknown, exits = run(connection, fail, ["own", "unknown", "exit"])
    assert (type(own), own.args, own.gene) == (CustomError, ("no such gene",), {"name": "BRCA1"})
    assert own.__notes__ == ["in the second file"]
    assert (type(own.__cause__), own.__cause__.args) == (KeyError, (3,))
    assert "in fail" in str(own.__cause__.__cause__)
    assert isinstance(unknown, LookupError)
    assert isinstance(unknown, TaskError)
    assert str(unknown) == "no such gene"
    assert unknown.type_name.endswith("Unknown")
    assert (type(exits).__name__, exits.code) == ("SystemExit", 3)


def test_a_dataclass_comes_back_and_a_custom_class_is_refused_with_the_opt_in(
    connection: Connection,
) -> None:
    point, refused = run(connection, lambda x: Point(1, 2) if x else Model(), [1, 0])
    assert point == Point(1, 2)
    assert isinstance(refused, UnsafeResult)
    assert "Model" in str(refused)
    assert 'results="pickle"' in str(refused) or "results='pickle'" in str(refused)


def test_the_opt_in_lets_a_custom_class_through(connection: Connection) -> None:
    options = dataclasses.replace(TWO, results="pickle")
    (model,) = run(connection, lambda _: Model(), [1], options)
    assert type(model).__name__ == "Model"


def test_retries_run_a_task_again_until_it_succeeds(connection: Connection, tmp_path: Path) -> None:
    def flaky(x: int) -> int:
        marks = tmp_path / str(x)
        seen = int(marks.read_text()) if marks.exists() else 0
        marks.write_text(str(seen + 1))
        if seen < 1:
            raise OSError("not yet")
        return seen

    options = dataclasses.replace(TWO, retries=2)
    assert run(connection, flaky, range(3), options) == [1, 1, 1]


@pytest.mark.parametrize("named", [OSError, "OSError", "ConnectionError"])
def test_only_the_exceptions_worth_it_are_retried(
    connection: Connection, tmp_path: Path, named: type[OSError] | str
) -> None:
    def fragile(kind: str) -> int:
        marks = tmp_path / kind
        seen = int(marks.read_text()) if marks.exists() else 0
        marks.write_text(str(seen + 1))
        if seen == 2:
            return seen
        raise ConnectionResetError("again") if kind == "reset" else ValueError("never")

    options = dataclasses.replace(TWO, retries=3, retry_on=(named,))
    reset, wrong = run(connection, fragile, ["reset", "wrong"], options)

    assert reset == 2
    assert isinstance(wrong, ValueError)
    assert (tmp_path / "wrong").read_text() == "1"


def test_a_task_over_its_timeout_is_stopped_and_its_neighbours_are_not(
    connection: Connection,
) -> None:
    def maybe_hang(x: int) -> int:
        if x == 3:
            threading.Event().wait()
        return x

    # Its neighbours have as long, however slow this machine is.
    options = dataclasses.replace(TWO, timeout=4)
    outcome = run(connection, maybe_hang, range(6), options)
    assert isinstance(outcome[3], TaskTimeout)
    assert [x for i, x in enumerate(outcome) if i != 3] == [0, 1, 2, 4, 5]


def test_a_task_that_kills_its_process_fails_alone_with_its_reason(connection: Connection) -> None:
    def maybe_die(x: int) -> int:
        if x == 5:
            os.kill(os.getpid(), signal.SIGSEGV)
        return x

    outcome = run(connection, maybe_die, range(40))
    assert isinstance(outcome[5], WorkerLost)
    assert "SIGSEGV" in str(outcome[5])
    assert [x for i, x in enumerate(outcome) if i != 5] == [x for x in range(40) if x != 5]


def test_long_chunks_are_split_so_that_both_workers_share_them(
    connection: Connection, fleet: Fleet
) -> None:
    def slow(x: int) -> int:
        time.sleep(0.25)
        return x

    with open_session(connection, TWO, progress=False) as session:
        session.map(slow, range(40))
        assert session.collect(timeout=60) == list(range(40))
        keys = session.manifest.keys
        nodes = [parse_node_key(keys, key) for key in objects(fleet, keys.results)]
    assert len(nodes) > 8  # more than the eight chunks that were sent


def test_a_message_delivered_again_after_its_commit_changes_nothing(
    connection: Connection, fleet: Fleet
) -> None:
    with open_session(connection, TWO, progress=False) as session:
        session.map(square, range(8))
        first = session.collect(timeout=60)
        before = objects(fleet, session.manifest.keys.results)
        again = attach_session(connection, session.id, progress=False)
        assert again.collect(timeout=60) == first
        again.detach()
        assert objects(fleet, session.manifest.keys.results) == before


def test_a_forged_result_is_refused_before_it_is_parsed(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.launch = False
    session = open_session(connection, TWO, progress=False)
    future = session.submit(square, 3)
    flush(session)
    monkeypatch.setattr("msgpack.unpackb", _canary)
    monkeypatch.setattr("pickle.loads", _canary)
    fleet.s3.put_object(
        Bucket=BUCKET,
        Key=f"{session.manifest.keys.results}p000001-00000/000000-000001",
        Body=b"\x80\x04\x95 evil pickle" * 20,
    )
    with pytest.raises(IntegrityError):
        future.result(timeout=30)
    session.cleanup()


def _canary(*_: object, **__: object) -> None:
    raise AssertionError("unverified bytes were parsed")


def test_an_object_under_an_unexpected_range_is_not_fetched(
    connection: Connection, fleet: Fleet
) -> None:
    fleet.launch = False
    session = open_session(connection, TWO, progress=False)
    futures = session.map(square, range(4))
    flush(session)
    keys = session.manifest.keys
    fleet.s3.put_object(
        Bucket=BUCKET, Key=f"{keys.results}p000001-00000/000000-000009", Body=b"garbage"
    )
    url = fleet.sqs.get_queue_url(QueueName=f"starburst-test-study-{session.id}")["QueueUrl"]
    fleet.add_worker(keys, url)
    assert [f.result(timeout=60) for f in futures] == [0, 1, 4, 9]
    session.cleanup()


def test_inputs_functions_and_messages_are_ciphertext(connection: Connection, fleet: Fleet) -> None:
    fleet.launch = False
    secret = "BRCA1-carrier"
    session = open_session(connection, TWO, progress=False)
    session.map(lambda x: f"{secret}{x}", [secret] * 3)
    flush(session)
    url = fleet.sqs.get_queue_url(QueueName=f"starburst-test-study-{session.id}")["QueueUrl"]
    messages = fleet.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    stored = [fleet.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in objects(fleet)]
    assert len(messages) == 3
    for data in [*stored, *(m["Body"].encode() for m in messages)]:
        assert secret.encode() not in data
    session.cleanup()


def test_cleanup_with_force_leaves_no_version_of_any_object(
    connection: Connection, fleet: Fleet
) -> None:
    session = open_session(connection, TWO, progress=False)
    session.map(square, range(10))
    session.collect(timeout=60)
    session.cleanup(force=True)
    left = fleet.s3.list_object_versions(Bucket=BUCKET)
    assert not left.get("Versions")
    assert not left.get("DeleteMarkers")


def test_a_killed_clients_session_is_rebuilt_elsewhere_in_order(
    connection: Connection, fleet: Fleet
) -> None:
    session = open_session(connection, TWO, progress=False)
    session.map(square, range(300))
    flush(session)
    session.detach()
    again = attach_session(connection, session.id, progress=False)
    assert again.collect(timeout=60) == [x * x for x in range(300)]
    assert [s.id for s in list_sessions(connection)] == [session.id]
    again.submit(square, 1000)
    assert again.collect(timeout=60) == [1_000_000]
    again.cleanup()


def test_attach_to_an_unknown_session_says_so(connection: Connection) -> None:
    with pytest.raises(SessionNotFound, match=r"starburst\.sessions"):
        attach_session(connection, "z" * 20)


def test_cleanup_ends_waiting_tasks_with_a_typed_error(
    connection: Connection, fleet: Fleet
) -> None:
    fleet.launch = False
    session = open_session(connection, TWO, progress=False)
    future = session.submit(square, 1)
    session.cleanup()
    with pytest.raises(SessionEnded):
        future.result(timeout=60)
    with pytest.raises(SessionEnded):
        session.submit(square, 2)


def test_collect_returns_each_result_once(connection: Connection) -> None:
    with open_session(connection, TWO, progress=False) as session:
        session.map(square, range(5))
        assert session.collect(timeout=60) == [0, 1, 4, 9, 16]
        session.map(square, range(5, 7))
        assert session.collect(timeout=60) == [25, 36]
        assert session.collect(wait=False) == []


def test_a_callback_may_submit_more_work(connection: Connection) -> None:
    done = threading.Event()

    with open_session(connection, TWO, progress=False) as session:

        def more(_: object) -> None:
            session.submit(square, 7).add_done_callback(lambda _: done.set())

        session.submit(square, 2).add_done_callback(more)
        assert done.wait(60)


def test_repr_tells_where_a_session_is(connection: Connection, fleet: Fleet) -> None:
    fleet.launch = False
    session: Session = open_session(connection, TWO, progress=False)
    assert "study/alice" in repr(session)
    session.cleanup()


def test_one_unreadable_result_leaves_its_neighbours_alone(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = dataclasses.replace(TWO, workers=1)
    session = open_session(connection, options, progress=False)
    with in_one_pack(session):
        futures = session.map(lambda x: Point(x, x) if x == 3 else x, range(8))
    monkeypatch.setattr("starburst._codec.records.find_member", lambda *_: None)
    with pytest.raises(PayloadError, match="Point"):
        futures[3].result(timeout=60)
    assert [f.result(timeout=60) for i, f in enumerate(futures) if i != 3] == [0, 1, 2, 4, 5, 6, 7]
    session.cleanup()


def test_a_session_is_only_ever_extended(connection: Connection, fleet: Fleet) -> None:
    fleet.launch = False
    session = open_session(connection, TWO, progress=False)
    later = time.time() + 90_000
    status = a_status(session=session.id, state="running", deadline=later)
    fleet.s3.put_object(Bucket=BUCKET, Key=session.manifest.keys.status, Body=status.to_json())
    assert session.extend(3600) == later
    assert "extend" not in [request["action"] for request in fleet.requests]
    session.cleanup()
