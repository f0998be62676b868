"""A thief of a worker's role sends, receives, hides and deletes messages: which tasks end wrongly?

It holds no session key. What it can do with the queue chooses which signed chunk runs, and when.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst.errors import WorkerLost
from tests.runtime.conftest import connection, fleet, forked, sdk
from tests.runtime.fleet import BUCKET, Fleet, leased
from tests.session_internals import flush, in_one_pack, queue_url
from tests.some import some

__all__ = ["connection", "fleet", "forked", "sdk"]

pytestmark = pytest.mark.usefixtures("forked")

TWELVE_HOURS = 43_200
TASKS = 6
OPTIONS = SessionOptions(workers=1, idle_timeout=20)


def wait_until(true: Callable[[], bool]) -> None:
    late = time.monotonic() + 60
    while not true():
        assert time.monotonic() < late, "it never came"
        time.sleep(0.02)


def square(x: int) -> int:
    return x * x


class Queue:
    """A session with stored tasks and no worker yet, and its queue in the hands of a thief."""

    def __init__(self, connection: Connection, fleet: Fleet, tasks: int) -> None:
        fleet.launch = False
        self.fleet = fleet
        self.session: Session = open_session(connection, OPTIONS, progress=False)
        with in_one_pack(self.session):  # so that all travel in one pack, however slow
            self.futures = self.session.map(square, range(tasks))
        flush(self.session)
        self.keys = self.session.manifest.keys
        self.url = queue_url(self.session)

    def take(self, *, hide: int = 0) -> list[dict[str, Any]]:
        """Receive every message, and hide each for so many seconds."""
        found: list[dict[str, Any]] = []
        while page := self.fleet.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=hide or TWELVE_HOURS - 1
        ).get("Messages"):
            found += page
        return found

    def delete(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            self.fleet.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def show(self, message: dict[str, Any]) -> None:
        self.fleet.sqs.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )

    def send(self, *bodies: dict[str, Any]) -> None:
        for body in bodies:
            self.fleet.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(body))

    def work(self) -> None:
        """Let one honest worker run."""
        self.fleet.add_worker(self.keys, self.url)

    def results(self) -> list[int]:
        return [future.result(timeout=60) for future in self.futures]

    def committed(self) -> list[str]:
        prefix = self.keys.results
        listed = self.fleet.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [entry["Key"].removeprefix(prefix) for entry in listed]

    def settled(self) -> bool:
        """Whether no message is left, seen or unseen."""
        said = self.fleet.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])
        kinds = ("", "NotVisible", "Delayed")
        return not any(int(said["Attributes"][f"ApproximateNumberOfMessages{k}"]) for k in kinds)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What returns all that workers have printed so far."""
    parts: list[str] = []

    def all_of_it() -> str:
        parts.append(capsys.readouterr().out)
        return "".join(parts)

    return all_of_it


@pytest.fixture
def queue(connection: Connection, fleet: Fleet) -> Iterator[Queue]:
    made = Queue(connection, fleet, TASKS)
    yield made
    made.session.cleanup()


@pytest.fixture
def one(connection: Connection, fleet: Fleet) -> Iterator[Queue]:
    """The same with a single task."""
    made = Queue(connection, fleet, 1)
    yield made
    made.session.cleanup()


def elsewhere(at: Callable[[str, int, int], list[Any]]) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        body["inline"] = None
        body["at"] = at(*body["at"])

    return change


def false_copy(body: dict[str, Any]) -> None:
    body["inline"] = base64.b64encode(b"\x80\x04evil" * 40).decode()


def false_copy_elsewhere(body: dict[str, Any]) -> None:
    false_copy(body)
    body["at"][1] += 1


HINTS: dict[str, Callable[[dict[str, Any]], None]] = {
    "one byte off": elsewhere(lambda pack, offset, length: [pack, offset + 1, length]),
    "the ledger": elsewhere(lambda pack, _, length: [pack, 0, length]),
    "too short": elsewhere(lambda pack, offset, _: [pack, offset, 1]),
    "too long": elsewhere(lambda pack, offset, length: [pack, offset, length + 1]),
    "all that follows": elsewhere(lambda pack, offset, _: [pack, offset, 2**32]),
    "beyond any object": elsewhere(lambda pack, *_: [pack, 2**42, 2**42]),
    "a false copy": false_copy,
    "a false copy, and one byte off": false_copy_elsewhere,
}
"""What a message says of where the chunk is, and is not true."""


@pytest.mark.parametrize("hint", HINTS)
def test_no_hint_decides_what_becomes_of_a_task(queue: Queue, hint: str) -> None:
    taken = queue.take()
    bodies = [json.loads(message["Body"]) for message in taken]
    for body in bodies:
        HINTS[hint](body)
    queue.send(*bodies)
    queue.delete(*taken)
    queue.work()
    assert queue.results() == [x * x for x in range(TASKS)]


def test_a_place_beyond_the_end_is_no_trouble_of_aws(
    queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = queue.take()
    bodies = [json.loads(message["Body"]) for message in taken]
    for body in bodies:
        elsewhere(lambda pack, _, length: [pack, 10**9, length])(body)
    queue.send(*bodies * 3)
    queue.delete(*taken)
    queue.work()
    assert queue.results() == [x * x for x in range(TASKS)]
    assert '"trouble"' not in capsys.readouterr().out


@pytest.mark.parametrize("deliveries", [1, 2, 5])
def test_nothing_is_committed_for_a_chunk_that_the_client_has_not_signed_yet(
    queue: Queue, deliveries: int
) -> None:
    """A failure, or a cut, that stands there would be the result of tasks that are yet to come."""
    taken = queue.take()
    body = json.loads(taken[0]["Body"])
    begun = {**body, "chunk": "p000002-00000", "at": ["p000002", 100, 500], "inline": None}
    beside = {**body, "chunk": "p000001-09999", "inline": None}
    queue.send({**begun, "range": [0, 1]}, {**begun, "range": [0, 4]}, beside)
    for message in [each for _ in range(deliveries - 1) for each in queue.take()]:
        queue.show(message)
    queue.work()
    queue.fleet.sqs.send_message(QueueUrl=queue.url, MessageBody=taken[0]["Body"])
    queue.futures[0].result(timeout=60)
    strange = [name for name in queue.committed() if not name.startswith("p000001-0000")]
    assert not strange
    with in_one_pack(queue.session):
        more = queue.session.map(square, range(4))
    assert [future.result(timeout=60) for future in more] == [0, 1, 4, 9]


def test_to_receive_a_message_is_no_attempt_at_its_task(one: Queue) -> None:
    """Ten deliveries to a thief, and the task has never run."""
    for _ in range(10):
        [message] = one.take()
        one.show(message)
    one.work()
    assert one.results() == [0]


def square_later(task: tuple[str, int]) -> int:
    path, x = task
    with open(f"{path}.began", "a") as began:
        began.write("x")
    while not os.path.exists(path):
        time.sleep(0.02)
    return x * x


@pytest.mark.parametrize("alive", [True, False])
@pytest.mark.timings(asked_seconds=0.1, answer_seconds=0.2)
def test_workers_that_live_are_not_taken_for_dead(
    one: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, alive: bool
) -> None:
    """A thief gives copies of a task to several workers, and one of them to one too often."""
    one.delete(*one.take())
    go = str(tmp_path / "go")
    future = one.session.submit(square_later, (go, 7))
    flush(one.session)
    [message] = one.take()
    body, copies, workers = json.loads(message["Body"]), [], []
    place = (body["chunk"], *body["range"])

    def deliver(times: int, name: str) -> None:
        one.send(body)
        for _ in range(times - 1):
            [copy] = one.take()
            one.show(copy)
        worker = one.fleet.supervisor(one.keys, one.url, name=name)
        workers.append(worker)
        lease = leased(worker)
        assert lease is not None
        assert lease.deliveries == times
        if alive and times > 3:
            answered = worker.store.attempts.is_answered

            def hears(where: Any, *, after: int) -> bool:
                # On a slow machine the others need longer than it waits.
                wait_until(lambda: answered(where, after=after))
                return True

            monkeypatch.setattr(worker.store.attempts, "is_answered", hears)
        if alive or times > 3:
            copies.append(pool.submit(worker._work, lease))
        else:
            worker.store.attempts.begin(place, worker=name)

    with ThreadPoolExecutor() as pool:
        deliver(2, "first")
        deliver(2, "second")
        attempts = one.fleet.supervisor(one.keys, one.url).store.attempts
        wait_until(lambda: attempts.workers(place) == {"first", "second"})
        deliver(5, "third")
        copies[-1].result(timeout=60)
        workers[-1].settling.settle()  # it commits in the background
        committed = [name for name in one.committed() if name.startswith(body["chunk"])]
        assert any("." not in name for name in committed) is not alive
        Path(go).touch()
        if alive:
            assert future.result(timeout=60) == 49
        else:
            with pytest.raises(WorkerLost, match="died 3 times"):
                future.result(timeout=60)
    for worker in workers:
        worker.settling.settle()
        worker.child.end()


def test_a_range_beyond_the_chunk_is_dropped(queue: Queue) -> None:
    taken = queue.take()
    body = json.loads(taken[0]["Body"])
    queue.send({**body, "range": [0, 60_000]}, {**body, "range": [59_000, 60_000]})
    for message in taken:
        queue.show(message)
    queue.work()
    assert queue.results() == [x * x for x in range(TASKS)]
    assert all(name.endswith(("-000001", "-000002")) for name in queue.committed())


@pytest.mark.parametrize("lost", ["hidden", "deleted"])
def test_what_a_thief_hides_or_deletes_is_sent_again(queue: Queue, lost: str) -> None:
    taken = queue.take()
    if lost == "deleted":
        queue.delete(*taken)
    # What the controller asks once nothing has moved for two minutes: see tests/controller.
    queue.send({"protocol": 1, "requeue": {"live": []}})
    queue.work()
    assert queue.results() == [x * x for x in range(TASKS)]


def test_what_is_done_or_in_hand_is_not_sent_again(queue: Queue, told: Callable[[], str]) -> None:
    taken = queue.take()
    first, *others = [json.loads(message["Body"]) for message in taken]
    queue.delete(*taken)
    queue.send(others[0])
    queue.work()
    lo, hi = others[0]["range"]
    wait_until(lambda: queue.session.tally.done == hi - lo)
    attempts = queue.fleet.supervisor(queue.keys, queue.url).store.attempts
    attempts.begin((first["chunk"], *first["range"]), worker="0f-12345")  # as ECS names a container
    queue.send({"protocol": 1, "requeue": {"live": ["0f"]}})
    wait_until(lambda: '"sent again"' in told())
    [line] = [each for each in told().splitlines() if '"sent again"' in each]
    assert json.loads(line)["ranges"] == len(others) - 1
    queue.send({**first, "inline": None})
    assert queue.results() == [x * x for x in range(TASKS)]


OTHER_SHAPES: tuple[dict[str, Any], ...] = (
    {"protocol": 1, "requeue": None},
    {"protocol": 1, "requeue": {"live": "all"}},
    {"protocol": 1, "requeue": {"live": ["x" * 65]}},
    {"protocol": 1, "requeue": {"live": ["\x1b[31m"]}},
    {"protocol": 1, "requeue": {"live": ["0f"] * 1001}},
    {"protocol": 2, "requeue": {"live": []}},
    {"protocol": 1, "requeue": {}},
)


def test_requests_of_another_shape_are_dropped(
    queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = queue.take()
    queue.send(*OTHER_SHAPES)
    for message in taken:
        queue.show(message)
    queue.work()
    assert queue.results() == [x * x for x in range(TASKS)]
    wait_until(queue.settled)
    assert '"sent again"' not in capsys.readouterr().out


def test_forged_requests_make_no_worker_look_again_and_again(
    queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    queue.send(*[{"protocol": 1, "requeue": {"live": []}}] * 20)
    queue.work()
    assert queue.results() == [x * x for x in range(TASKS)]
    wait_until(queue.settled)
    queue.session.cleanup()
    assert capsys.readouterr().out.count('"sent again"') == 1


@pytest.mark.parametrize("junk", [b"", b"x", b"\x80\x04evil" * 40])
def test_what_stands_in_a_results_place_wears_no_worker_down(queue: Queue, junk: bytes) -> None:
    """Also nothing at all: S3 has no byte of an empty object to give."""
    taken = queue.take()
    first = json.loads(taken[0]["Body"])
    lo, hi = first["range"]
    key = f"{queue.keys.results}{first['chunk']}/{lo:06d}-{hi:06d}"
    queue.fleet.s3.put_object(Bucket=BUCKET, Key=key, Body=junk)
    for message in taken:
        queue.show(message)
    queue.send({"protocol": 1, "requeue": {"live": []}})
    queue.work()
    for future in some(queue.futures[hi:]):
        assert future.result(timeout=60) is not None
