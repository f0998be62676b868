"""The promises of the product, each tried on the deployed environment by who would break it."""

from __future__ import annotations

import base64
import dataclasses
import getpass
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import starburst
from starburst._client.access.connection import Connection, connect
from starburst._client.access.controller import Control, new_session_id
from starburst._client.attaching import attach_session
from starburst._client.opening import open_session
from starburst._client.session import Session
from starburst.contract import queue_name, task_family
from starburst.errors import IntegrityError, LimitExceeded, UnsafeResult
from starburst.local import LocalEnvironment
from tests.runtime.kept import beside_records
from tests.session_internals import flush

SMALL: dict[str, Any] = {"workers": 2, "cpu": 0.25, "memory": 0.5}
ALONE = {**SMALL, "workers": 1}


class Model:
    """Not data."""


@dataclasses.dataclass(frozen=True)
class Fit:
    slope: float
    intercept: float


@pytest.fixture
def alice(local_environment: LocalEnvironment) -> Connection:
    return connect("local", "demo", user="alice")


def client(local: LocalEnvironment, service: str, user: str = "alice") -> Any:
    return local.client(local.analyst_session(user=user, workspace="demo"), service)


def test_a_task_can_ask_who_runs_it_and_its_libraries_find_the_workers_role(
    local_environment: LocalEnvironment,
) -> None:
    def asked(_: int) -> tuple[str, str, str, list[str]]:
        import boto3  # noqa: PLC0415 - runs elsewhere

        who = boto3.client("sts").get_caller_identity()["Arn"]
        seen = [name for name in os.environ if name.startswith(("ECS_", "STARBURST_"))]
        return getpass.getuser(), os.environ["USER"], who.split("/")[1], seen

    ((user, name, role, seen),) = starburst.map(asked, [0], workspace="demo", user="alice", **ALONE)
    assert (user, name, seen) == ("starburst", "starburst", ["STARBURST_DATA"])
    assert "worker" in role
    assert "demo" in role


def refused(call: Any, **arguments: Any) -> bool:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return "AccessDenied" in caught.value.response["Error"]["Code"]


def test_a_burst_returns_what_the_function_returns_and_leaves_nothing_behind(
    alice: Connection, local_environment: LocalEnvironment
) -> None:
    def fit(x: int) -> Fit:
        return Fit(slope=2 * x, intercept=x)

    def kept() -> set[tuple[str, str]]:
        pages = alice.s3.get_paginator("list_object_versions").paginate(
            Bucket=alice.document.bucket, Prefix="sessions/demo/alice/"
        )
        return {
            (one["Key"], one["VersionId"])
            for page in pages
            for kind in ("Versions", "DeleteMarkers")
            for one in page.get(kind, [])
        }

    before = kept()
    found = starburst.map(fit, range(40), workspace="demo", user="alice", **SMALL)
    assert found == [Fit(2 * x, x) for x in range(40)]
    left = {key for key, _ in kept() - before}
    assert any(key.endswith("/requests/report") for key in left)
    assert beside_records(left) == []


def test_an_executor_is_an_executor(local_environment: LocalEnvironment) -> None:
    with starburst.Executor(**SMALL) as pool:
        assert list(pool.map(pow, [2, 3, 4], [5, 2, 1], timeout=60)) == [32, 9, 4]
        futures = [pool.submit(divmod, x, 3) for x in range(6)]
        done, pending = starburst.wait(futures, timeout=60)
        assert len(done) == 6
        assert not pending
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(divmod, 1, 1)


def test_the_analyst_can_launch_pass_and_create_nothing(
    local_environment: LocalEnvironment,
) -> None:
    local = local_environment
    ecs = client(local, "ecs")
    family = task_family("local", "demo")
    assert refused(ecs.run_task, cluster="starburst-local", taskDefinition=family)
    assert refused(
        ecs.register_task_definition,
        family=family,
        containerDefinitions=[{"name": "x", "image": "x"}],
        taskRoleArn=f"arn:aws:iam::{local.account}:role/starburst-local-worker-demo",
    )
    name = queue_name("local", "demo", new_session_id())
    assert refused(client(local, "sqs").create_queue, QueueName=name)
    iam = client(local, "iam")
    assert refused(iam.get_role, RoleName="starburst-local-worker-demo")


def test_an_analyst_cannot_reach_anothers_prefix(alice: Connection) -> None:
    bob = connect("local", "demo", user="bob")
    session = open_session(alice, starburst.SessionOptions(**ALONE), progress=False)
    try:
        theirs: dict[str, Any] = {
            "Bucket": alice.document.bucket,
            "Key": session.manifest.keys.manifest,
        }
        assert alice.s3.get_object(**theirs)["Body"].read()
        assert refused(bob.s3.get_object, **theirs)
        key = session.manifest.keys.inputs + "p999999"
        assert refused(bob.s3.put_object, Bucket=alice.document.bucket, Key=key, Body=b"x")
        assert refused(
            bob.s3.list_objects_v2, Bucket=alice.document.bucket, Prefix="sessions/demo/alice/"
        )
        assert refused(bob.s3.list_objects_v2, Bucket=alice.document.bucket)
        queue = alice.sqs.get_queue_url(QueueName=queue_name("local", "demo", session.id))[
            "QueueUrl"
        ]
        assert refused(bob.sqs.send_message, QueueUrl=queue, MessageBody="{}")
        assert refused(bob.sqs.receive_message, QueueUrl=queue)
    finally:
        session.cleanup(force=True)


def test_one_analyst_cannot_stop_anothers_session(alice: Connection) -> None:
    bob = connect("local", "demo", user="bob")
    session = open_session(alice, starburst.SessionOptions(**ALONE), progress=False)
    try:
        with pytest.raises(starburst.AccessDenied):
            Control(bob, session.manifest.keys).stop()
        assert session.submit(abs, -3).result(timeout=60) == 3
    finally:
        session.cleanup(force=True)


def test_a_worker_cannot_read_or_write_another_workspace(worker: Any, alice: Connection) -> None:
    other = connect("local", "other", user="alice")
    session = open_session(other, starburst.SessionOptions(**ALONE), progress=False)
    try:
        keys = session.manifest.keys
        s3 = worker("s3")
        bucket = alice.document.bucket
        assert refused(s3.get_object, Bucket=bucket, Key=keys.manifest)
        result = keys.results + "p000001-00000/000000-000001"
        assert refused(s3.put_object, Bucket=bucket, Key=result, Body=b"x", IfNoneMatch="*")
        own = worker("s3", "other")
        assert own.get_object(Bucket=bucket, Key=keys.manifest)["Body"].read()
        inputs = keys.inputs + "p000009"
        assert refused(own.put_object, Bucket=bucket, Key=inputs, Body=b"x", IfNoneMatch="*")
        kms = worker("kms")
        assert refused(
            kms.decrypt,
            CiphertextBlob=base64.b64decode(session.manifest.data_key),
            KeyId=alice.document.key_arn,
            EncryptionContext={
                "workspace": "other",
                "user": "alice",
                "session": session.id,
                "purpose": "data",
            },
        )
    finally:
        session.cleanup(force=True)


def test_a_worker_cannot_unwrap_the_signing_key(worker: Any, alice: Connection) -> None:
    session = open_session(alice, starburst.SessionOptions(**ALONE), progress=False)
    try:
        kms = worker("kms")
        assert refused(
            kms.decrypt,
            CiphertextBlob=base64.b64decode(session.manifest.signing_key),
            KeyId=alice.document.key_arn,
            EncryptionContext={
                "workspace": "demo",
                "user": "alice",
                "session": session.id,
                "purpose": "signing",
            },
        )
    finally:
        session.cleanup(force=True)


def test_501_workers_are_refused_by_the_controller_itself(alice: Connection) -> None:
    session = open_session(alice, starburst.SessionOptions(**ALONE), progress=False)
    session.cleanup()
    edited = dataclasses.replace(session.manifest, session=new_session_id(), workers=501)
    alice.s3.put_object(
        Bucket=alice.document.bucket,
        Key=edited.keys.manifest,
        Body=edited.to_json(),
        IfNoneMatch="*",
    )
    with pytest.raises(LimitExceeded, match="501"):
        Control(alice, edited.keys).start()
    assert refused_queue(alice, edited.session)


def refused_queue(connection: Connection, session: str) -> bool:
    with pytest.raises(ClientError) as caught:
        connection.sqs.get_queue_url(QueueName=queue_name("local", "demo", session))
    return "NonExistent" in caught.value.response["Error"]["Code"]


@pytest.fixture
def waiting(alice: Connection) -> Iterator[Session]:
    """A session of one worker that is busy, so that its other tasks wait in the queue."""
    session = open_session(alice, starburst.SessionOptions(**ALONE), progress=False)
    yield session
    session.cleanup(force=True)


def test_objects_and_messages_in_flight_are_ciphertext(
    alice: Connection, waiting: Session, tmp_path: Path
) -> None:
    secret = "rs80357906-carrier"
    seen = tmp_path / "seen"

    def slow(text: str) -> str:
        while not seen.exists():
            time.sleep(0.05)
        return text

    waiting.map(slow, [f"{secret}-{i}" for i in range(12)])
    flush(waiting)
    queue = alice.sqs.get_queue_url(QueueName=queue_name("local", "demo", waiting.id))["QueueUrl"]
    messages = alice.sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0
    )["Messages"]
    assert messages
    listed = alice.s3.list_objects_v2(
        Bucket=alice.document.bucket, Prefix=waiting.manifest.keys.prefix
    )["Contents"]
    bodies = [
        alice.s3.get_object(Bucket=alice.document.bucket, Key=entry["Key"])["Body"].read()
        for entry in listed
    ]
    assert len(bodies) >= 3
    for text in [*bodies, *(json.dumps(m["Body"]).encode() for m in messages)]:
        assert secret.encode() not in text
        assert b"slow" not in text


def test_a_forged_result_is_rejected_before_it_is_parsed(
    worker: Any,
    alice: Connection,
    waiting: Session,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    forged = tmp_path / "forged"

    def hold() -> None:
        while not forged.exists():
            time.sleep(0.05)

    busy = waiting.submit(hold)
    flush(waiting)
    victim = waiting.submit(abs, -1)
    flush(waiting)
    parsed: list[bytes] = []
    monkeypatch.setattr("pickle.loads", parsed.append)
    s3 = worker("s3")
    s3.put_object(
        Bucket=alice.document.bucket,
        Key=f"{waiting.manifest.keys.results}p000002-00000/000000-000001",
        Body=b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
        IfNoneMatch="*",
    )
    forged.touch()
    with pytest.raises(IntegrityError):
        victim.result(timeout=60)
    assert not parsed
    assert busy.result(timeout=60) is None


def test_a_result_cannot_be_written_twice(worker: Any, alice: Connection, waiting: Session) -> None:
    assert waiting.submit(abs, -1).result(timeout=60) == 1
    s3 = worker("s3")
    place = {
        "Bucket": alice.document.bucket,
        "Key": f"{waiting.manifest.keys.results}p000001-00000/000000-000001",
        "Body": b"again",
    }
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(**place, IfNoneMatch="*")
    assert refused(s3.put_object, **place)


def test_a_result_of_a_custom_class_is_refused_with_the_opt_in_named(
    local_environment: LocalEnvironment,
) -> None:
    with pytest.raises(UnsafeResult) as caught:
        starburst.map(lambda _: Model(), range(3), **ALONE)
    assert "Model" in str(caught.value)
    assert 'results="pickle"' in str(caught.value)
    models = starburst.map(lambda _: Model(), range(3), results="pickle", **ALONE)
    assert [type(model).__name__ for model in models] == ["Model"] * 3


def test_ten_thousand_trivial_tasks_take_fewer_than_500_requests(
    local_environment: LocalEnvironment,
) -> None:
    def total() -> int:
        return sum(sum(n.values()) for n in local_environment.request_counts().values())

    before = total()
    outcome = starburst.map(abs, range(-10_000, 0), cpu=0.25, memory=0.5, workers=2)
    assert outcome == list(range(10_000, 0, -1))
    assert total() - before < 500


SUBMIT_AND_END = """
import starburst
session = starburst.session(workers=1, cpu=0.25, memory=0.5, user="alice")
session.map(abs, range(-3000, 0))
print(session.id)
"""


def test_a_script_may_end_right_after_it_submitted(
    local_environment: LocalEnvironment, alice: Connection
) -> None:
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", SUBMIT_AND_END], capture_output=True, text=True, check=True
    )
    session = attach_session(alice, done.stdout.strip(), progress=False)
    assert session.collect(timeout=60) == list(range(3000, 0, -1))
    session.cleanup(force=True)
