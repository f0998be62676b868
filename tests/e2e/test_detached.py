"""Detached sessions on the deployed environment: a killed client, cancels under real policies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

from starburst._client.access.connection import Connection, connect
from starburst._client.attaching import attach_session
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._protocol.sealed.cancel_list import cancel_key
from starburst.local import LocalEnvironment
from tests.session_internals import in_one_pack

SMALL: dict[str, Any] = {"workers": 2, "cpu": 0.25, "memory": 0.5}
CLIENT = """
import sys, time, starburst

def slow(x):
    time.sleep(0.001)
    return x * x

session = starburst.session(workers=2, cpu=0.25, memory=0.5, user="alice", workspace="demo")
futures = session.map(slow, range(int(sys.argv[1])))
futures[0].result()
print(session.id, flush=True)
time.sleep(3600)
"""


@pytest.fixture
def alice(local_environment: LocalEnvironment) -> Connection:
    return connect("local", "demo", user="alice")


def test_a_client_killed_in_mid_session_is_replaced_by_another(alice: Connection) -> None:
    tasks = 4000
    client = subprocess.Popen(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", CLIENT, str(tasks)], stdout=subprocess.PIPE, text=True
    )
    assert client.stdout is not None
    with client.stdout:
        session = client.stdout.readline().strip()
    os.kill(client.pid, signal.SIGKILL)
    client.wait()
    again = attach_session(alice, session, progress=False)
    futures = again.futures
    accepted = len(futures)  # all, but for what the client had not stored when it was killed
    assert 0 < accepted <= tasks
    assert again.collect(timeout=200) == [x * x for x in range(accepted)]
    assert again.collect() == []
    again.cleanup(force=True)


def test_a_cancel_reaches_workers_that_may_only_read_it(alice: Connection, tmp_path: Path) -> None:
    def hold(x: int) -> int:
        (tmp_path / str(x)).touch()
        if x == 0:
            time.sleep(600)
        return x

    session = open_session(alice, SessionOptions(**{**SMALL, "workers": 1}), progress=False)
    with in_one_pack(session):
        futures = session.map(hold, range(40))
    while not (tmp_path / "0").exists():
        time.sleep(0.05)
    assert session.cancel(futures[:30]) == 30  # the worker sits in the first of them
    assert [future.result(timeout=90) for future in futures[30:]] == list(range(30, 40))
    ran = {int(path.name) for path in tmp_path.iterdir()}
    assert not ran & set(range(10, 30)), "what lay in the queue was run"
    listed = alice.s3.get_object(
        Bucket=alice.document.bucket, Key=cancel_key(session.manifest.keys)
    )
    assert listed["ContentLength"] < 1000
    session.detach()
    again = attach_session(alice, session.id, progress=False)
    outcomes = again.collect(timeout=60, return_exceptions=True)
    assert all(isinstance(outcome, CancelledError) for outcome in outcomes[:30])
    assert outcomes[30:] == list(range(30, 40))
    again.cleanup(force=True)
