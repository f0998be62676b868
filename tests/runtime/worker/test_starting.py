"""A worker container's life from its variables to its exit code, and what ends it from outside."""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.session import Session
from starburst.contract import WorkerVariable
from starburst.worker.settings.timings import Timings
from starburst.worker.starting import main
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import opened
from tests.session_internals import queue_url

from .virtual.virtual_aws import outage


class Queue:
    """SQS that hides its wait, and tells when there is no more work."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sqs, name)

    def receive_message(self, **words: Any) -> Any:
        answer = self._sqs.receive_message(**{**words, "WaitTimeSeconds": 0})
        if not answer.get("Messages"):
            self.when_empty()
        return answer

    def when_empty(self) -> None:
        """Stop the worker, as ECS does."""
        os.kill(os.getpid(), signal.SIGTERM)


class Silent(Queue):
    """SQS that does not answer."""

    def receive_message(self, **_: Any) -> Any:
        raise outage()


@pytest.fixture
def session(
    connection: Connection, fleet: Fleet, forked: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Session]:
    """A session with work in its queue, and the variables of a worker of it."""
    session = opened(connection, fleet)
    for name, value in {
        WorkerVariable.WORKSPACE: session.manifest.workspace,
        WorkerVariable.BUCKET: BUCKET,
        WorkerVariable.KEY_ARN: fleet.key_arn,
        WorkerVariable.SESSION_PREFIX: session.manifest.keys.prefix,
        WorkerVariable.QUEUE_URL: queue_url(session),
        "ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/0a1b-27",
    }.items():
        monkeypatch.setenv(name, value)
    told: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    yield session
    signal.signal(signal.SIGTERM, before)
    assert not told, "the worker did not hear that it was to stop"
    session.cleanup(force=True)


def start(fleet: Fleet, sqs: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a worker as its container does."""
    clients = {"s3": fleet.s3, "kms": fleet.kms, "sqs": sqs}
    aws = SimpleNamespace(client=lambda service, **_: clients[service])
    sdk = SimpleNamespace(session=SimpleNamespace(Session=lambda: aws))
    brief = Timings(first_pause_seconds=0.0001, most_failures=3)
    monkeypatch.setattr("starburst.worker.starting.boto3", sdk)
    monkeypatch.setattr("starburst.worker.starting.Timings", lambda: brief)
    return main()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    said = capsys.readouterr().out.splitlines()
    return [json.loads(line) for line in said if line.startswith("{")]


def test_a_worker_does_its_work_until_it_is_told_to_stop_and_ends_with_0(
    session: Session,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert start(fleet, Queue(fleet.sqs), monkeypatch) == 0
    assert session.collect(timeout=60) == [0, 1, 4, 9]
    told = lines(capsys)
    assert told[0]["event"] == "started"
    assert "stopped" in [line["event"] for line in told]
    assert (told[0]["session"], told[0]["worker"]) == (session.id, "0a1b-27")


def test_a_worker_that_aws_fails_time_and_again_ends_with_1_so_that_another_is_started(
    session: Session,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert start(fleet, Silent(fleet.sqs), monkeypatch) == 1
    last = lines(capsys)[-1]
    assert last["event"] == "cannot go on"
    assert "3 times in a row" in last["why"]


def test_a_worker_that_cannot_start_says_why_and_ends_with_1(
    session: Session,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for change, error, why in (
        ({"python": "2.7"}, "VersionMismatch", "Python 2.7; this worker image has 3."),
        ({"session": "b" * 20}, "IntegrityError", "names another session"),
    ):
        body = replace(session.manifest, **change).to_json()  # type: ignore[arg-type]
        fleet.s3.put_object(Bucket=BUCKET, Key=session.manifest.keys.manifest, Body=body)
        assert start(fleet, fleet.sqs, monkeypatch) == 1
        last = lines(capsys)[-1]
        assert (last["event"], last["error"]) == ("cannot start", error)
        assert why in last["why"]
    monkeypatch.delenv(WorkerVariable.QUEUE_URL)
    assert start(fleet, fleet.sqs, monkeypatch) == 1
    last = lines(capsys)[-1]
    assert last["error"] == "ConfigurationError"
    assert WorkerVariable.QUEUE_URL in last["why"]


def test_a_container_ends_with_what_its_worker_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.setattr("starburst.worker.starting.main", lambda: 7)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("starburst.worker", run_name="__main__")
    assert ended.value.code == 7
