"""A program that ends waits for its executors as Python's own do, and says what it leaves."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.ending import leaving
from starburst.errors import SessionEnded
from tests.runtime.client.failing.alone import left_beside_records
from tests.runtime.fleet import Fleet
from tests.runtime.sessions import square

PROGRAM = """
import atexit, os, sys, time
# The last that is called: what follows is the end of moto, in the midst of what is mocked.
atexit.register(lambda: (sys.stdout.flush(), os._exit(0)))
os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing")
import boto3, starburst
from starburst._client.ending import leaving
from tests.quick_moto import quick_aws, quick_clients
from tests.runtime.client.failing.alone import left_beside_records
from tests.runtime.fleet import BUCKET, REGION, Fleet
from tests.runtime.sessions import connection_to, square

leaving._MOMENT_SECONDS = 0
aws = quick_aws()
aws.__enter__()
sdk = boto3.session.Session("testing", "testing", region_name=REGION)
s3, sqs, kms = quick_clients(sdk, "s3", "sqs", "kms")
s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
fleet = Fleet(s3=s3, sqs=sqs, kms=kms, key_arn=kms.create_key()["KeyMetadata"]["Arn"])
connection = connection_to(fleet)

dropped = starburst.Executor(connection, workers=1, progress=False)
call = dropped.submit(square, 3)
del dropped
while leaving._owed:
    time.sleep(0.01)
print("dropped", call.result(), len(left_beside_records(fleet)))

fleet.launch = False
session = starburst.session(connection, workers=1, progress=False)
session.map(square, range(3))
print("session", session.id)
fleet.launch = True
pool = starburst.Executor(connection, workers=1, progress=False)
future = pool.submit(square, 7)
print("pool", pool.session.id)
future.add_done_callback(lambda done: print("called back", done.result()))
mine = pool.session.manifest.keys.prefix
def count():
    print("objects", len([key for key in left_beside_records(fleet) if key.startswith(mine)]))
atexit.register(count)
"""


def test_the_end_of_a_program_waits_for_executors_and_names_sessions() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[3],
        text=True,
    )
    assert done.returncode == 0, done.stderr
    dropped, *said = (line for line in done.stdout.splitlines() if line and line[0] != "{")
    assert dropped == "dropped 9 0", "what nothing refers to ends once its futures have"
    session, pool = (line.split()[1] for line in said[:2])
    assert said[2:] == ["called back 49", "objects 0"]
    waits, goes_on = (line for line in done.stderr.splitlines() if line.startswith("starburst: "))
    assert f"waiting for 1 of 1 tasks of session {pool}" in waits
    assert "Ctrl-C cancels them and ends the session" in waits
    assert f"session {session} goes on without this program, 3 of 3 tasks are not done" in goes_on
    assert f"starburst.attach('{session}')" in goes_on
    assert "Traceback" not in done.stderr


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []
    monkeypatch.setattr(leaving, "_MOMENT_SECONDS", 0)
    monkeypatch.setattr(leaving, "_tell", texts.append)
    return texts


def test_ctrl_c_at_the_end_cancels_and_erases(
    connection: Connection, fleet: Fleet, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.launch = False
    pool = starburst.Executor(connection, workers=1, progress=False)
    future = pool.submit(square, 7)
    (ending,) = leaving._owed

    def say() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ending, "_say", say)
    ending.leave()
    assert future.cancelled()
    with pytest.raises(CancelledError):
        future.result()
    assert not left_beside_records(fleet)
    assert not leaving._owed
    assert pool.session is not None
    assert told == [f"cancels what is left of session {pool.session.id}, and ends it"]


def test_work_after_the_end_is_a_runtime_error(connection: Connection, fleet: Fleet) -> None:
    fleet.launch = False
    session = starburst.session(connection, workers=1, progress=False)
    session.cleanup()
    for submit in (lambda: session.submit(square, 1), lambda: session.map(square, [1])):
        with pytest.raises(RuntimeError) as caught:
            submit()
        assert isinstance(caught.value, SessionEnded)
    pool = starburst.Executor(connection, workers=1, progress=False)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(square, 1)


@pytest.mark.parametrize(
    "begin",
    [
        starburst.Executor,
        starburst.session,
        lambda *where, **named: (
            starburst.map(square, [1], environment=where[0], **named)
            if where
            else starburst.map(square, [1], **named)
        ),
    ],
    ids=["Executor", "session", "map"],
)
@pytest.mark.parametrize(
    ("where", "named", "said"),
    [
        ((4,), {}, "say workers=4: options such as workers= go by name"),
        ((4.5,), {}, "environment=4.5 is neither the name"),
        ((["local"],), {}, "neither the name of an environment nor a connection"),
        ((), {"workspace": 3}, "workspace=3 is no name"),
        ((), {"user": 3}, "user=3 is no name"),
        ((), {"workers": True}, "workers=True is not a whole number"),
    ],
)
def test_what_says_no_place_is_refused_at_once(
    begin: Any, where: tuple[Any, ...], named: dict[str, Any], said: str
) -> None:
    with pytest.raises(starburst.ConfigurationError, match=said):
        begin(*where, **named)
