"""What a worker or the controller refuses rings an alarm, and their ordinary work does not."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.session import Session
from starburst._protocol.sealed.cancel_list import cancel_key
from starburst._protocol.sealed.chunks import ChunkMessage
from starburst._protocol.sealed.result_nodes import node_key
from starburst.contract import TAMPERING, ControllerDoor, WorkerVariable
from starburst.controller.handler import Controller
from starburst.errors import IntegrityError
from starburst.worker.logs.integrity import report_unverified
from starburst.worker.starting import main
from starburst_constructs.monitoring.queries import FAILED_VERIFICATION
from starburst_constructs.monitoring.tampering import TAMPERING_PATTERN
from tests.attacks.hostile import ESCAPES, forbidden
from tests.controller.conftest import world
from tests.controller.world import World
from tests.runtime.conftest import connection, fleet, forked, sdk
from tests.runtime.fleet import BUCKET, REGION, Fleet
from tests.runtime.sessions import opened
from tests.session_internals import queue_url

__all__ = ["connection", "fleet", "forked", "sdk", "world"]


def finds(pattern: str, line: str) -> bool:
    """Evaluate a filter of one quoted term as CloudWatch Logs documents it: found anywhere.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """
    term = re.fullmatch(r'"([^"\\]+)"', pattern)
    assert term is not None, "more than one quoted term: this reads no other pattern"
    return term[1] in line


def asked(line: str) -> bool:
    """Evaluate the saved query's one condition."""
    [condition] = re.findall(r'filter @message like "([^"]+)"$', FAILED_VERIFICATION, re.M)
    return condition in line


def ringing(text: str) -> list[str]:
    """Return the lines of a log that the alarm's filter finds; the query finds the same."""
    found = [line for line in text.splitlines() if finds(TAMPERING_PATTERN, line)]
    assert found == [line for line in text.splitlines() if asked(line)]
    return found


def flipped(fleet: Fleet, prefix: str) -> None:
    """Change one byte of each object below a prefix."""
    for entry in fleet.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]:
        body = bytearray(fleet.s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read())
        body[-1] ^= 1
        fleet.s3.put_object(Bucket=BUCKET, Key=entry["Key"], Body=bytes(body))


def queued(session: Session, fleet: Fleet, change: Callable[[ChunkMessage], str]) -> None:
    """Send each message of the session anew, changed."""
    url = queue_url(session)
    bodies = []
    while found := fleet.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for each in found:
            fleet.sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
            bodies.append(change(ChunkMessage.from_body(each["Body"])))
    for body in bodies:
        fleet.sqs.send_message(QueueUrl=url, MessageBody=body)


def without_copy(message: ChunkMessage) -> str:
    return dataclasses.replace(message, inline=None).to_body()


def chunk(session: Session, fleet: Fleet) -> None:
    flipped(fleet, session.manifest.keys.inputs)
    queued(session, fleet, without_copy)


def missing_chunk(session: Session, fleet: Fleet) -> None:
    """A message that leads to a pack that is not there, though its session is."""
    queued(
        session,
        fleet,
        lambda message: dataclasses.replace(message, inline=None, pack="p000777").to_body(),
    )


def function(session: Session, fleet: Fleet) -> None:
    flipped(fleet, session.manifest.keys.functions)


def result(session: Session, fleet: Fleet) -> None:
    for number in range(4):
        key = node_key(session.manifest.keys, f"p000001-{number:05}", lo=0, hi=1)
        fleet.s3.put_object(Bucket=BUCKET, Key=key, Body=b"forged")


def cancel_list(session: Session, fleet: Fleet) -> None:
    key = cancel_key(session.manifest.keys)
    fleet.s3.put_object(Bucket=BUCKET, Key=key, Body=b"forged")


def message(session: Session, fleet: Fleet) -> None:
    fleet.sqs.send_message(QueueUrl=queue_url(session), MessageBody="forged")


def hint(session: Session, fleet: Fleet) -> None:
    queued(session, fleet, lambda message: dataclasses.replace(message, hi=9).to_body())


def worked(session: Session, fleet: Fleet) -> None:
    """Have one worker take whatever is queued."""
    supervisor = fleet.supervisor(session.manifest.keys, queue_url(session))
    for _ in range(8):
        supervisor.turn(0.0)
    supervisor.child.end()
    supervisor.settling.close()


@pytest.fixture
def began(
    connection: Connection, fleet: Fleet, forked: None, capsys: pytest.CaptureFixture[str]
) -> Iterator[Session]:
    session = opened(connection, fleet)
    capsys.readouterr()
    yield session
    session.cleanup(force=True)


@pytest.mark.parametrize(
    "tamper", [chunk, missing_chunk, function, result, cancel_list, message, hint]
)
def test_what_a_worker_refuses_rings_and_its_ordinary_work_does_not(
    began: Session,
    fleet: Fleet,
    tamper: Callable[[Session, Fleet], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    tamper(began, fleet)
    worked(began, fleet)
    text = capsys.readouterr().out
    rang = ringing(text)
    assert rang, text
    for line in rang:
        told = json.loads(line)
        assert told["event"] == TAMPERING
        assert told["why"]
        assert len(line) < 4096
    ordinary = [line for line in text.splitlines() if line and line not in rang]
    assert not ringing("\n".join(ordinary))


def test_ordinary_work_and_an_erased_session_ring_nothing(
    began: Session, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = began.manifest.keys
    gone: Any = fleet.supervisor(keys, queue_url(began))
    worked(began, fleet)
    assert "committed" in (text := capsys.readouterr().out)
    assert not ringing(text)
    # The session was erased while a worker was about to read of it.
    for entry in fleet.s3.list_objects_v2(Bucket=BUCKET, Prefix=keys.prefix)["Contents"]:
        fleet.s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    body = ChunkMessage(
        chunk="p000001-00000", lo=0, hi=1, pack="p000001", offset=0, length=9, inline=None
    )
    fleet.sqs.send_message(QueueUrl=queue_url(began), MessageBody=body.to_body())
    for _ in range(2):
        gone.turn(0.0)
    gone.child.end()
    gone.settling.close()
    text = capsys.readouterr().out
    assert '"event": "missing"' in text
    assert not ringing(text)


@pytest.mark.parametrize("forged", [b"{}", None])
def test_a_worker_that_is_started_with_a_forged_manifest_rings(
    began: Session,
    fleet: Fleet,
    forged: bytes | None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = began.manifest.keys
    if forged is None:
        lie = dataclasses.replace(began.manifest, results="pickle")
        forged = lie.to_json()
    fleet.s3.put_object(Bucket=BUCKET, Key=keys.manifest, Body=forged)
    for name, value in {
        WorkerVariable.WORKSPACE: keys.workspace,
        WorkerVariable.BUCKET: BUCKET,
        WorkerVariable.KEY_ARN: fleet.key_arn,
        WorkerVariable.SESSION_PREFIX: keys.prefix,
        WorkerVariable.QUEUE_URL: queue_url(began),
        WorkerVariable.LONGEST_SECONDS: "86400",
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    assert main() == 1
    [line] = ringing(capsys.readouterr().out)
    assert json.loads(line)["object"] == "manifest"


def test_a_print_that_ends_no_line_hides_no_alarm(capsys: pytest.CaptureFixture[str]) -> None:
    """What tasks print is in the same log, and may stand before the worker's own words."""
    sys.stdout.write("x" * 16_380)
    report_unverified(
        IntegrityError(f"chunk failed verification {''.join(ESCAPES) * 100}"), chunk="c"
    )
    text = capsys.readouterr().out
    [line] = ringing(text)
    assert line.startswith("{")
    assert len(line.encode()) < 4096  # one write to a pipe, which nothing comes between
    assert not forbidden(line)
    # A filter on JSON would not have found it behind other output.
    assert finds(TAMPERING_PATTERN, f"half a line{line}")


def test_an_event_that_ecs_would_not_have_sent_rings(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    controller, event = Controller(world.environment), {"source": "aws.ecs", "detail": 7}
    assert controller.handle(event, door=ControllerDoor.SERVICE, seconds=60) == {"ok": True}
    assert len(ringing(caplog.text)) == 1


def test_a_client_that_finds_a_forged_result_says_whom_to_tell_and_how(
    began: Session, fleet: Fleet
) -> None:
    result(began, fleet)
    with pytest.raises(IntegrityError) as caught:
        began.collect(timeout=60)
    said = str(caught.value)
    assert "failed verification" in said
    assert "tell your security officer" in said
    assert (
        "python -m deploy.hold --environment test --workspace study --user alice "
        f"--session {began.id} --apply" in said
    )
