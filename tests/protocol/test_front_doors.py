"""An attacker on storage and the queue, seen by the client and by the worker that read them."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields as fields_of
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from starburst._client.access.connection import Connection
from starburst._client.access.status_reader import StatusReader
from starburst._client.tasks.collect import Collector
from starburst._client.tasks.task_list import TaskList
from starburst._functions.payload import dump_input
from starburst._protocol.manifest import Manifest
from starburst._protocol.sealed.cancel_list import NOTHING_CANCELLED
from starburst._protocol.sealed.chunks import Chunk, ChunkMessage, LedgerEntry, pack_key, write_pack
from starburst._protocol.sealed.result_nodes import node_key
from starburst._protocol.status import StatusDocument
from starburst.contract import SessionKeys
from starburst.errors import IntegrityError
from starburst.worker.leases.lease import Leases
from starburst.worker.objects.store import NoSuchChunk, Store
from tests.manifests import a_manifest
from tests.protocol.forgery import (
    CHUNK,
    KEY,
    KINDS,
    PACK,
    SEGMENT,
    SESSION,
    SIGNER,
)
from tests.protocol.mutations import INSIDE, OUTSIDE, mutations
from tests.protocol.test_mutations import DECODERS, canary

KEYS: Final = SessionKeys(workspace="genomics", user="alice", session=SESSION)
MESSAGE: Final = ChunkMessage(
    chunk=CHUNK, lo=0, hi=3, pack=PACK, offset=0, length=1 << 20, inline=None
)
EVERY: Final = 31
"""Of so many mutations one is taken to the front doors, where each is read three times over."""


class Bucket:
    """S3 as its attacker would have it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_object(self, *, Bucket: str, Key: str, Range: str = "bytes=0-") -> dict[str, Any]:
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        first, _, last = Range.removeprefix("bytes=").partition("-")
        body = self.objects[Key]
        if int(first) >= len(body) > 0:
            answer: Any = {
                "Error": {"Code": "InvalidRange"},
                "ResponseMetadata": {"HTTPStatusCode": 416},
            }
            raise ClientError(answer, "GetObject")
        part = body[int(first) : int(last) + 1 if last else None]
        return {"Body": io.BytesIO(part), "ETag": "e"}

    def list_objects_v2(self, *, Prefix: str, **_: object) -> dict[str, Any]:
        found = sorted(key for key in self.objects if key.startswith(Prefix))
        return {"Contents": [{"Key": key} for key in found]}


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starburst._protocol.sealed.header.SEGMENT_BYTES", SEGMENT)


def sample(kind: str) -> list[bytes]:
    offered = [each for _, of, each in mutations({**OUTSIDE, **INSIDE}, 7) if of == kind]
    return list(itertools.islice(offered, 0, None, EVERY))


def store(bucket: Any) -> Store:
    return Store(bucket, "b", keys=KEYS, key=KEY, public=SIGNER.public)


def connected(bucket: Any) -> Connection:
    unused: Any = None
    document: Any = SimpleNamespace(bucket="b", environment="test")
    return Connection(
        document=document,
        workspace=KEYS.workspace,
        user=KEYS.user,
        s3=bucket,
        sqs=unused,
        kms=unused,
        functions=unused,
    )


def collector(bucket: Any, *, entries: list[LedgerEntry]) -> tuple[Collector, TaskList]:
    tasks, connection = TaskList(), connected(bucket)
    for _ in range(sum(entry.tasks for entry in entries)):
        tasks.add(1)
    tasks.dispatched(entries)
    made = Collector(
        connection,
        KEYS,
        key=KEY,
        mode="pickle",  # even who opted in unpickles nothing that is not authentic
        tasks=tasks,
        statuses=StatusReader(connection, KEYS),
        refresh=lambda: None,
        changed=lambda: None,
        cancelled=lambda: NOTHING_CANCELLED,
        told=lambda _: None,
    )
    return made, tasks


def entry(name: str, *, first: int = 0) -> LedgerEntry:
    return LedgerEntry(name=name, first=first, tasks=3, offset=0, length=1)


def test_a_client_parses_no_mutated_result() -> None:
    bucket = Bucket()
    mutated = sample("result")
    with ThreadPoolExecutor(1) as pool, canary(*DECODERS):
        for data in mutated:
            bucket.objects = {node_key(KEYS, CHUNK, lo=0, hi=3): data}
            client, ledger = collector(bucket, entries=[entry(CHUNK)])
            client.round(pool)
            assert [type(future.exception(0)) for future in ledger] == [IntegrityError] * 3
    assert len(mutated) > 80


def test_a_client_asks_for_nothing_that_nobody_handed_out() -> None:
    """An object at a range, a chunk or a name that the client does not know is never fetched."""
    good = KINDS["result"].make(SESSION, KEY, SIGNER)
    bucket = Bucket()
    stray = [f"{CHUNK}/000000-000002", f"{CHUNK}/000001-000003", f"{CHUNK}/0-3", "p000009-00000/x"]
    stray += [
        f"{CHUNK}/000000-000003/x",
        f"../{CHUNK}/000000-000003",
        "p000002-00000/000000-000003",
    ]
    bucket.objects = {KEYS.results + name: good for name in stray}
    client, ledger = collector(bucket, entries=[entry(CHUNK)])
    with ThreadPoolExecutor(1) as pool, canary(*DECODERS):
        assert client.round(pool) == 0
    assert not any(future.done() for future in ledger)


def test_a_worker_parses_no_mutated_chunk_function_or_result() -> None:
    read: dict[str, Callable[[Store, bytes], object]] = {
        "chunk": lambda it, data: it.chunk(replace(MESSAGE, inline=data, length=len(data))),
        "function": lambda it, _: it.functions.function("f1"),
        "result": lambda it, _: it.node(CHUNK, 0, 3),
    }
    count = 0
    with canary(*DECODERS):
        for kind, take in read.items():
            for data in sample(kind):
                count += 1
                bucket = Bucket()
                bucket.objects = {
                    pack_key(KEYS, PACK): data,
                    f"{KEYS.functions}f1": data,
                    node_key(KEYS, CHUNK, lo=0, hi=3): data,
                }
                with pytest.raises(IntegrityError):
                    take(store(bucket), data)
    assert count > 200


def lies() -> list[str]:
    """Messages that are none of ours, or that point where they should not."""
    true: dict[str, Any] = json.loads(MESSAGE.to_body())
    numbers = [-1, 0, 1, 3, 2**31, 2**63, 1.5, "0", True, None, [], float("inf"), float("nan")]
    texts = ["", "p000002", "p000002-00000", "../x", "p000001-00001", "p1-1", None, 7, [], {}]
    bodies = [{**true, "range": [a, b]} for a in numbers for b in numbers]
    bodies += [{**true, "at": [PACK, a, b]} for a in numbers for b in numbers]
    bodies += [{**true, "at": [name, 0, 9]} for name in texts]
    bodies += [{**true, "chunk": name} for name in texts]
    bodies += [{**true, "protocol": each} for each in (0, 2, "1", None, [1])]
    bodies += [{**true, "inline": each} for each in ("?", "AAAA", 7, [], {"a": 1}, "=" * 9)]
    bodies += [{k: v for k, v in true.items() if k != name} for name in true]
    raw = ["", "null", "[]", "7", "{", "[" * 100_000, '{"a":' * 100_000, "\ud800", "1e999" * 2]
    return [*map(json.dumps, bodies), *raw]


def test_whatever_a_message_says_a_worker_runs_only_what_the_client_signed() -> None:
    bucket = Bucket()
    inputs = [dump_input(((x,), {})) for x in range(3)]
    chunk = Chunk(name=CHUNK, function="f1", first=0, inputs=inputs)
    parts, _ = write_pack(PACK, [chunk], session=SESSION, key=KEY, signer=SIGNER)
    bucket.objects = {pack_key(KEYS, PACK): b"".join(parts)}
    true, _ = store(bucket).chunk(MESSAGE)
    refused = 0
    for body in lies():
        try:
            message = ChunkMessage.from_body(body)
            chunk, message = store(bucket).chunk(message)
        except (IntegrityError, NoSuchChunk):
            refused += 1
            continue
        assert chunk == true
        assert (type(message.lo), type(message.hi)) == (int, int)
        assert 0 <= message.lo < message.hi
    assert refused > 250


def test_a_message_that_is_none_of_ours_is_dropped_and_harms_no_worker() -> None:
    deleted: list[str] = []

    class Queue:
        bodies = iter(lies())

        def receive_message(self, **_: object) -> dict[str, Any]:
            return {"Messages": [{"Body": next(self.bodies), "ReceiptHandle": "r"}]}

        def delete_message(self, *, ReceiptHandle: str, **_: object) -> None:
            deleted.append(ReceiptHandle)

    queue: Any = Queue()
    leases = Leases(queue, "url")
    for _ in lies():
        leases.receive(wait=0)
    assert len(deleted) > 250


def test_a_status_that_somebody_else_wrote_is_words_at_most(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is plain by design. Who can write it can lie about the session, and nothing more."""
    words = ("session", "state", "reason", "error")
    numbers = [each.name for each in fields_of(StatusDocument) if each.name not in words]
    true = StatusDocument(
        session=SESSION, state="running", reason="", error="x", **dict.fromkeys(numbers, 1)
    )
    fields = json.loads(true.to_json())
    bad: list[bytes] = [b"", b"null", b"[]", b"\xff", b"[" * 100_000]
    bad += [
        json.dumps({**fields, name: value}).encode()
        for name in fields
        for value in ([], {}, None, True, "\x1b[2J", 1e999, "9" * 50)
        if not (name in ("session", "reason", "error") and isinstance(value, str))
        and not (name == "protocol" and value is True)
    ]
    for text in bad:
        with pytest.raises(ValueError, match=r"."):
            StatusDocument.from_json(text)
        bucket = Bucket()
        bucket.objects = {KEYS.status: text}
        assert StatusReader(connected(bucket), KEYS).read() is None
    spoken = json.dumps({**fields, "reason": "\x1b]0;owned\x07 \x9b2J wait\nmore"}).encode()
    status = StatusDocument.from_json(spoken)
    assert status.reason == "\\x1b]0;owned\\x07 \\x9b2J wait more"


@pytest.mark.parametrize("field", ["created", "task_timeout_seconds", "max_usd"])
def test_a_manifest_whose_amount_is_nothing_is_refused(field: str) -> None:
    Manifest.from_json(replace(a_manifest(), **{field: 1}).to_json())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"manifest field {field} is 0; it must be more"):
        Manifest.from_json(replace(a_manifest(), **{field: 0}).to_json())  # type: ignore[arg-type]
