"""Large sessions: listings go past their first page, and attaching costs a handful of requests."""

from __future__ import annotations

import dataclasses
import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from starburst._client.access.connection import Connection
from starburst._client.access.controller import new_session_id
from starburst._client.attaching import attach_session, list_sessions
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst._codec import encode_batch
from starburst._functions.payload import dump_input
from starburst._protocol.sealed.chunks import Chunk, pack_key, write_pack
from starburst._protocol.sealed.result_nodes import Batch, ResultNode, node_key
from starburst.contract import Limits
from starburst.controller.state.sessions import Records
from tests.controller.conftest import sdk, world
from tests.controller.world import BUCKET as CONTROL_BUCKET
from tests.controller.world import World
from tests.manifests import a_manifest
from tests.runtime.fleet import BUCKET, Fleet
from tests.session_internals import chunks, core, data_key, flush, in_one_pack

__all__ = ["sdk", "world"]

PAGE = 1000
"""Of S3's listings, and of moto's."""


def store(key: str, body: bytes, bucket: str = BUCKET) -> None:
    """Put an object without a request: thousands of them are only scenery."""
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(bucket, key, bytes(body))


class QuickReads:
    """S3 whose listings are moto's, page by page, and whose reads skip HTTP: thousands are made."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self.read: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def get_object(self, *, Bucket: str, Key: str, Range: str = "", **terms: Any) -> Any:
        if terms:
            return self._s3.get_object(Bucket=Bucket, Key=Key, **terms)
        self.read[Key] += 1
        held = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object(Bucket, Key)
        if held is None:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        first, _, last = Range.removeprefix("bytes=").partition("-")
        body = held.value[int(first) : int(last) + 1] if Range else held.value
        return {"Body": io.BytesIO(body), "ETag": held.etag}


@pytest.fixture
def quick(connection: Connection) -> tuple[Connection, QuickReads]:
    s3 = QuickReads(connection.s3)
    return dataclasses.replace(connection, s3=s3), s3  # type: ignore[arg-type]


@pytest.fixture
def requests(fleet: Fleet) -> Iterator[Counter[str]]:
    """The requests that were made, by operation."""
    counts: Counter[str] = Counter()

    def count(model: Any, **_: Any) -> None:
        counts[model.name] += 1

    for client in (fleet.s3, fleet.sqs, fleet.kms):
        client.meta.events.register("before-call", count)
    yield counts
    for client in (fleet.s3, fleet.sqs, fleet.kms):
        client.meta.events.unregister("before-call", count)


def silent(connection: Connection, fleet: Fleet, workers: int) -> Session:
    """A session whose workers never come."""
    fleet.launch = False
    return open_session(connection, SessionOptions(workers=workers), progress=False)


def submit_at_once(session: Session, tasks: int) -> None:
    """Submit tasks so that they travel in one pack, however slow this machine is."""
    with in_one_pack(session):
        session.map(abs, range(tasks))
    flush(session)


def commit_one_by_one(session: Session, value: Callable[[int], object]) -> int:
    """Commit all tasks as workers do whose tasks are long: a root, and a child for each other task.

    Returns:
        how many objects that made.
    """
    keys, key, made = session.manifest.keys, data_key(session), 0
    for entry in list(chunks(session).values()):
        children = tuple((n, n + 1) for n in range(1, entry.tasks))
        for lo, hi in ((0, entry.tasks), *children):
            encoded, _ = encode_batch([value(entry.first + lo)], mode="data")
            node = ResultNode(
                lo=lo,
                hi=hi,
                covered=lo + 1,
                children=children if lo == 0 else (),
                batches=[Batch(first=lo, count=1, format=encoded.format, parts=encoded.parts)],
                failures={},
                worker="w",
            )
            sealed = node.seal(session=session.id, chunk=entry.name, key=key, attempt=1)
            store(node_key(keys, entry.name, lo=lo, hi=hi), bytes(sealed))
            made += 1
    return made


def test_five_thousand_result_objects_come_once_each_and_in_order(
    quick: tuple[Connection, QuickReads], fleet: Fleet, requests: Counter[str]
) -> None:
    connection, s3 = quick
    session = silent(connection, fleet, workers=40)
    submit_at_once(session, 5000)
    session.detach()
    assert commit_one_by_one(session, lambda n: n * 3) == 5000
    requests.clear()
    again = attach_session(connection, session.id, progress=False)
    ends: list[int] = []
    for number, future in enumerate(again.futures):
        future.add_done_callback(lambda _, number=number: ends.append(number))
    assert again.collect(timeout=800) == [n * 3 for n in range(5000)]
    assert again.collect(wait=False) == []
    assert sorted(ends) == list(range(5000))
    assert requests["ListObjectsV2"] >= 5000 / PAGE
    results = {key: n for key, n in s3.read.items() if key.startswith(again.manifest.keys.results)}
    assert len(results) == 5000
    assert set(results.values()) == {1}, "each result is fetched once"
    again.cleanup(force=True)
    left = fleet.s3.list_object_versions(Bucket=BUCKET)
    assert not left.get("Versions")
    assert not left.get("DeleteMarkers")


def test_ten_thousand_futures_are_rebuilt_with_a_handful_of_requests(
    connection: Connection, fleet: Fleet, requests: Counter[str]
) -> None:
    session = silent(connection, fleet, workers=2)
    submit_at_once(session, 10_000)
    session.detach()
    requests.clear()
    again = attach_session(connection, session.id, progress=False)
    rebuilt = Counter(requests)
    assert len(again.futures) == 10_000
    assert not any(future.done() for future in again.futures)
    # The manifest, two keys, the packs' list and one ledger, the queue, the cancel list; the rest
    # is the collector's first look, which may have begun by now.
    assert rebuilt.total() <= 12, rebuilt
    again.detach()


def test_more_packs_than_one_page_are_all_found(
    quick: tuple[Connection, QuickReads], fleet: Fleet
) -> None:
    connection, _ = quick
    session = silent(connection, fleet, workers=2)
    session.submit(abs, 0)
    flush(session)
    signer = core(session).key.signing
    assert signer is not None
    for number in range(2, PAGE + 7):
        name = f"p{number:06d}"
        chunk = Chunk(
            name=f"{name}-00000", function="f", first=number - 1, inputs=[dump_input(((1,), {}))]
        )
        parts, _ = write_pack(
            name, [chunk], session=session.id, key=data_key(session), signer=signer
        )
        store(pack_key(session.manifest.keys, name), b"".join(bytes(part) for part in parts))
    session.detach()
    again = attach_session(connection, session.id, progress=False)
    assert len(again.futures) == PAGE + 6
    assert core(again).dispatcher._packs == PAGE + 6
    again.detach()


def test_more_sessions_than_one_page_are_all_listed_newest_first(
    quick: tuple[Connection, QuickReads], fleet: Fleet
) -> None:
    connection, _ = quick
    session = silent(connection, fleet, workers=2)
    pattern = session.manifest
    made = [session.id]
    for number in range(PAGE + 4):
        name = new_session_id()
        manifest = a_manifest(
            workspace="study", user="alice", session=name, created=pattern.created + 1 + number
        )
        store(manifest.keys.manifest, manifest.to_json())
        made.append(name)
    assert [summary.id for summary in list_sessions(connection)] == made[::-1]
    session.cleanup()


def test_a_fleet_larger_than_one_description_is_started_seen_and_stopped(world: World) -> None:
    world.ecs.page = 100
    world.deploy(limits=Limits(workers=500, vcpu=500, memory_gb=2000, usd_per_hour=1000))
    manifest = a_manifest(workers=250)
    assert world.start(manifest)["ok"]
    assert len(world.ecs.calls) == 25
    assert world.status(manifest.keys).workers_running == 250
    assert world.sweep()["ok"]
    assert world.request(manifest.keys, "stop")["ok"]
    assert not world.ecs.live()
    world.sweep()
    assert world.status(manifest.keys).state == "ended"


def test_more_session_records_than_one_page_are_all_swept(world: World) -> None:
    names = sorted("".join(pair) for pair in itertools.product("abcdefghij" * 4, repeat=2))
    made = {f"{name}{number:018d}" for number, name in enumerate(names)}
    assert len(made) > PAGE
    for name in made:
        store(f"_control/active/{name}.json", b"{}", CONTROL_BUCKET)
    assert set(Records(world.environment).sessions()) == made


def test_submitting_is_cut_into_packs_and_nothing_is_left_out(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starburst._client.tasks.dispatch._PACK_TASKS", 1000)
    session = silent(connection, fleet, workers=4)
    futures = session.map(abs, range(12_345))
    flush(session)
    entries = sorted(chunks(session).values(), key=lambda entry: entry.first)
    numbers = [n for e in entries for n in range(e.first, e.first + e.tasks)]
    assert numbers == list(range(len(futures)))
    # Four chunks a worker of all tasks, however many packs they travel in.
    assert all(entry.tasks <= 772 for entry in entries)
    assert len(entries) <= 2 * len({entry.name[:7] for entry in entries})
    session.cleanup()
