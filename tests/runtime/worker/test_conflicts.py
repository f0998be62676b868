"""A write that must find its key free meets another one: S3 answers 409, and it is sent again."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst.aws.calls import CONFLICT, code_of
from starburst.aws.write_once import write_once
from starburst.errors import SessionError
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import ONE, opened, square
from tests.runtime.wire import Scripted, s3_error
from tests.runtime.worker.faults import squares
from tests.session_internals import queue_url

pytestmark = pytest.mark.usefixtures("forked")

BUSY = s3_error(
    409,
    "ConditionalRequestConflict",
    "The conditional request cannot succeed due to a conflicting operation against this resource.",
)
ABORTED = s3_error(
    409,
    "OperationAborted",
    "A conflicting conditional operation is currently in progress against this resource. "
    "Please try again.",
)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starburst.aws.write_once._FIRST_PAUSE", 0.0)


@pytest.mark.parametrize("key", ["manifest.json", "p000001", "", "cancelled"])
def test_a_client_outlasts_conflicts_at_all_that_it_writes_once(
    connection: Connection, fleet: Fleet, key: str
) -> None:
    """Two outages, with a success between them."""
    errors = [BUSY, ABORTED, None, BUSY, None]
    s3: Any = Scripted(fleet.s3, "put_object", errors=errors, key=key)
    fleet.launch = False
    session = open_session(dataclasses.replace(connection, s3=s3), ONE, progress=False)
    futures = session.map(square, range(4))
    futures[0].cancel()
    session.cancel(futures[0])
    fleet.add_worker(session.manifest.keys, queue_url(session))
    assert [future.result(timeout=60) for future in futures[1:]] == squares(4)[1:]
    assert s3.asked >= 3
    session.cleanup()
    versions = fleet.s3.list_object_versions(Bucket=BUCKET)["Versions"]
    assert len({v["Key"] for v in versions}) == len(versions)


def test_a_worker_outlasts_conflicts_and_commits_each_range_once(
    connection: Connection, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    session = opened(connection, fleet, tasks=8)
    s3: Any = Scripted(fleet.s3, "put_object", errors=[BUSY, BUSY, None, ABORTED, None, BUSY])
    dataclasses.replace(fleet, s3=s3).add_worker(session.manifest.keys, queue_url(session))
    assert session.collect(timeout=60) == squares(8)
    session.cleanup()
    assert not s3.errors
    assert '"trouble"' not in capsys.readouterr().out


def test_a_conflict_that_another_won_is_that_the_key_is_taken(fleet: Fleet) -> None:
    """The retry, and not the conflict, says who came first."""
    s3: Any = Scripted(fleet.s3, "put_object", errors=[BUSY])
    s3.before = lambda: fleet.s3.put_object(Bucket=BUCKET, Key="one", Body=b"another's")
    with pytest.raises(ClientError) as caught:
        write_once(s3, BUCKET, "one", body=b"mine")
    assert code_of(caught.value) == "PreconditionFailed"
    assert fleet.s3.get_object(Bucket=BUCKET, Key="one")["Body"].read() == b"another's"


def test_a_conflict_that_stays_is_a_typed_error_after_a_few_tries(
    connection: Connection, fleet: Fleet
) -> None:
    s3: Any = Scripted(fleet.s3, "put_object", errors=[BUSY] * 1000)
    with pytest.raises(SessionError, match="ConditionalRequestConflict"):
        open_session(dataclasses.replace(connection, s3=s3), ONE, progress=False)
    assert 2 < s3.asked < 20
    assert "409" in CONFLICT
