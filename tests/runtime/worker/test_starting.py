"""A worker container's life from its variables to its exit code, and what ends it from outside."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.session import Session
from starburst.contract import WorkerVariable
from starburst.contract.times import OVERDUE_SECONDS
from starburst.errors import ConfigurationError
from starburst.worker.settings.timings import Timings
from starburst.worker.settings.variables import Variables
from starburst.worker.starting import STUCK, main
from tests.manifests import a_manifest
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
        WorkerVariable.LONGEST_SECONDS: "86400",
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
    aws = SimpleNamespace(create_client=lambda service, **_: clients[service])
    sdk = SimpleNamespace(session=SimpleNamespace(Session=lambda: aws))
    brief = Timings(first_pause_seconds=0.0001, most_failures=3)
    monkeypatch.setattr("starburst.worker.starting.botocore", sdk)
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


STUCK_OR_NOT = """
import signal, socket, sys
from types import SimpleNamespace
from starburst.worker import starting
from starburst.worker.ending.aws_time import AwsTime
from starburst.worker.ending.lifetime import Lifetime
from starburst.worker.ending.watch import Watch
from starburst.worker.settings.timings import Timings

def hear(*_):
    if sys.argv[1] == "hears":
        raise SystemExit(0)

signal.signal(signal.SIGTERM, hear)
watch = Watch(
    Lifetime(longest_seconds=0.0, deadline=None, overdue_seconds=0.0),
    time=AwsTime(),
    look=lambda: None,
    stop=starting._interrupt,
    kill=lambda: starting._end(SimpleNamespace(child=SimpleNamespace(child=None))),
    timings=Timings(stop_seconds=600.0 if sys.argv[1] == "hears" else 0.1),
)
ours, _theirs = socket.socketpair()
watch.start()
ours.recv(1)
"""


@pytest.mark.parametrize(("how", "code"), [("hears", 0), ("is stuck", STUCK)])
def test_what_a_worker_waits_for_holds_up_its_end_for_so_long_at_most(how: str, code: int) -> None:
    """Its process, that is: another thread has to reach the one that waits."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", STUCK_OR_NOT, how], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (code, "")
    told = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert [line["event"] for line in told] == ["ends itself", *(["cannot stop"] if code else [])]
    assert told[-1].get("seconds") == (0.1 if code else None)


def test_a_worker_whose_session_is_over_ends_with_0_and_says_why(
    session: Session,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All three of its clients' answers tell it the time; here one of S3 does."""

    def tell(parsed: dict[str, Any], **_: Any) -> None:
        date = formatdate(5000.0, usegmt=True)
        parsed["ResponseMetadata"].setdefault("HTTPHeaders", {})["date"] = date

    empty = threading.Event()
    queue = Queue(fleet.sqs)
    monkeypatch.setattr(queue, "when_empty", lambda: empty.wait(0.05))
    monkeypatch.setenv(WorkerVariable.DEADLINE, str(5000 - OVERDUE_SECONDS))
    fleet.s3.meta.events.register_first("after-call", tell)
    try:
        assert start(fleet, queue, monkeypatch) == 0
    finally:
        fleet.s3.meta.events.unregister("after-call", tell)
    [line] = [one for one in lines(capsys) if one["event"] == "ends itself"]
    assert line["why"] == f"its session is {OVERDUE_SECONDS} s past its deadline"


@pytest.mark.parametrize("name", [WorkerVariable.DEADLINE, WorkerVariable.LONGEST_SECONDS])
@pytest.mark.parametrize("value", ["soon", "-1", "0", "inf", "nan"])
def test_a_time_that_is_none_is_refused(name: str, value: str) -> None:
    keys = a_manifest().keys
    given = {
        WorkerVariable.WORKSPACE: keys.workspace,
        WorkerVariable.BUCKET: BUCKET,
        WorkerVariable.KEY_ARN: "arn",
        WorkerVariable.SESSION_PREFIX: keys.prefix,
        WorkerVariable.QUEUE_URL: "url",
        WorkerVariable.LONGEST_SECONDS: "60",
    }
    assert Variables.read(given).deadline is None
    with pytest.raises(ConfigurationError, match=f"{name} is '{value}'; it must be seconds"):
        Variables.read({**given, name: value})


def test_a_container_ends_with_what_its_worker_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.setattr("starburst.worker.starting.main", lambda: 7)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("starburst.worker", run_name="__main__")
    assert ended.value.code == 7
