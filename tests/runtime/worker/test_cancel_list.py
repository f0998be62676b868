"""The cancel list: signed by clients alone, shared by them, written again where that fails."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starburst._client.access.connection import Connection
from starburst._client.access.timings import Timings
from starburst._client.attaching import attach_session
from starburst._protocol.sealed.cancel_list import (
    CancelledTasks,
    cancel_key,
    open_cancel_list,
    seal_cancel_list,
)
from starburst._protocol.sealed.signing import SigningKey
from starburst.errors import IntegrityError, SessionError
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.worker.cancelling import idle_session, listed, queued, ran, work
from tests.session_internals import core, data_key, flush

# Workers look at the list each time that they may.
pytestmark = [pytest.mark.usefixtures("forked"), pytest.mark.timings(cancel_list_seconds=0.0)]


WORKERS_KEY = bytes(range(32))


def test_two_clients_cancel_in_one_list_and_hear_of_each_other(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    connection = dataclasses.replace(connection, timings=Timings(status_seconds=0.05))
    session = idle_session(connection, fleet)
    futures = queued(session, tmp_path, 6)
    other = attach_session(connection, session.id, progress=False)
    assert session.cancel([futures[0]]) == 1
    assert other.cancel([other.futures[1]]) == 1
    assert session.cancel([futures[2]]) == 1
    for mine in (futures, other.futures):
        done = wait([mine[0], mine[1], mine[2]], timeout=30)
        assert not done.not_done
    work(fleet, session)
    assert [f.result(60) for f in futures[3:]] == [3, 4, 5]
    assert [f.result(60) for f in other.futures[3:]] == [3, 4, 5]
    assert ran(tmp_path) == {3, 4, 5}
    other.detach()
    session.cleanup()


def test_a_list_that_no_client_signed_cancels_nothing(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    session = idle_session(connection, fleet)
    futures = queued(session, tmp_path, 3)
    # Who holds the data key, as every worker does, but not the signing key.
    forged = seal_cancel_list(
        CancelledTasks.of(range(3)),
        session=session.id,
        key=data_key(session),
        signer=SigningKey.generate(),
    )
    fleet.s3.put_object(Bucket=BUCKET, Key=cancel_key(session.manifest.keys), Body=forged)
    with pytest.warns(UserWarning, match="ignored") as warned:
        again = attach_session(connection, session.id, progress=False)
    assert warned[0].filename == __file__
    work(fleet, session)
    assert [f.result(60) for f in futures] == [0, 1, 2]
    assert again.collect(timeout=60) == [0, 1, 2]
    assert ran(tmp_path) == {0, 1, 2}
    again.detach()
    session.cleanup()


def test_cancelling_over_a_forged_list_says_that_it_was_not_recorded(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    session = idle_session(connection, fleet)
    queued(session, tmp_path, 3)
    fleet.s3.put_object(Bucket=BUCKET, Key=cancel_key(session.manifest.keys), Body=b"x" * 200)
    with pytest.raises(IntegrityError):
        session.cancel()
    assert [future.cancelled() for future in session.futures] == [True] * 3
    session.cleanup()


def test_a_list_of_another_session_or_damaged_is_refused() -> None:
    signer = SigningKey.generate()
    good = seal_cancel_list(
        CancelledTasks.of([1, 2, 9]), session="a" * 20, key=WORKERS_KEY, signer=signer
    )
    terms: dict[str, Any] = {"session": "a" * 20, "key": WORKERS_KEY, "public": signer.public}
    assert open_cancel_list(good, **terms).ranges == ((1, 3), (9, 10))
    with pytest.raises(IntegrityError):
        open_cancel_list(good, **{**terms, "session": "b" * 20})
    with pytest.raises(IntegrityError):
        open_cancel_list(good[:-1], **terms)
    assert len(good) > 100
    for at in range(0, len(good), 7):
        damaged = bytearray(good)
        damaged[at] ^= 1
        with pytest.raises(IntegrityError):
            open_cancel_list(damaged, **terms)


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)), st.integers(0, 60))
def test_the_set_of_cancelled_tasks_is_a_set(a: set[int], b: set[int], lo: int) -> None:
    both = CancelledTasks.of(a).union(CancelledTasks.of(b))
    assert both == CancelledTasks.of(a | b)
    assert [n for n in range(62) if n in both] == sorted(a | b)
    assert list(both.within(lo, lo + 9)) == sorted(n for n in a | b if lo <= n < lo + 9)
    assert all(x[1] < y[0] for x, y in zip(both.ranges, both.ranges[1:], strict=False))


def test_what_cannot_be_recorded_is_tried_again(
    connection: Connection,
    fleet: Fleet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = dataclasses.replace(connection, timings=Timings(cancel_retry_seconds=0.01))
    session = idle_session(connection, fleet)
    futures = queued(session, tmp_path, 3)
    put, tries = core(session).cancels._put, []

    def moody(body: bytes) -> str | None:
        tries.append(body)
        if len(tries) < 3:
            error = SessionError("cannot record cancelled tasks: AWS answered SlowDown")
            error.__cause__ = busy()
            raise error
        return put(body)

    monkeypatch.setattr(core(session).cancels, "_put", moody)
    assert futures[0].cancel()
    deadline = time.monotonic() + 120
    while not listed(fleet, session) and time.monotonic() < deadline:
        pass
    assert listed(fleet, session)
    assert len(tries) == 3
    session.cleanup()


def busy() -> Exception:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    return ClientError({"Error": {"Code": "SlowDown"}}, "PutObject")


def test_thousands_of_cancels_make_a_few_objects(connection: Connection, fleet: Fleet) -> None:
    session = idle_session(connection, fleet)
    futures = session.map(abs, range(2000))
    flush(session)
    assert [future.cancel() for future in futures] == [True] * 2000
    core(session).cancels.flush()
    versions = fleet.s3.list_object_versions(
        Bucket=BUCKET, Prefix=cancel_key(session.manifest.keys)
    )["Versions"]
    assert len(versions) < 100
    assert versions[0]["Size"] < 1000  # ranges, not numbers
    session.cleanup()
