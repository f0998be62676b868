"""What is found again: beside others' sessions, by long tables, and after a failed block."""

from __future__ import annotations

from typing import Any

import pytest

import starburst
from starburst._client import attaching
from starburst._client.access.connection import Connection
from starburst.errors import SessionEnded, SessionError
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import opened, square, work
from tests.session_internals import flush


@pytest.mark.parametrize("text", [b'{"protocol": 99}', b"no json", b"{}"])
def test_a_session_that_this_release_cannot_read_hides_no_other(
    text: bytes, connection: Connection, fleet: Fleet
) -> None:
    session = opened(connection, fleet)
    strange = connection.keys("z" * 20)
    fleet.s3.put_object(Bucket=BUCKET, Key=strange.manifest, Body=text)
    assert [found.id for found in starburst.sessions(connection)] == [session.id]
    with pytest.raises(SessionError, match="cannot be attached"):
        starburst.attach(strange.session, connection, progress=False)
    session.cleanup()


@pytest.mark.parametrize("first", [4, 64, 300])
def test_a_table_of_tasks_longer_than_the_first_read_is_read_to_its_end(
    first: int, connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = opened(connection, fleet, 5)
    session.map(square, range(3))
    flush(session)
    session.detach()
    monkeypatch.setattr(attaching, "_LEDGER_BYTES", first)
    again = starburst.attach(session.id, connection, progress=False)
    assert len(again.futures) == 8
    again.cleanup()


@pytest.mark.usefixtures("forked")
def test_a_block_that_fails_keeps_what_was_done(connection: Connection, fleet: Fleet) -> None:
    session = opened(connection, fleet)
    work(fleet, session)
    session.futures[-1].result(60)
    with pytest.raises(ZeroDivisionError), session:
        _ = 1 / 0
    again = starburst.attach(session.id, connection, progress=False)
    assert again.collect(timeout=60) == [0, 1, 4, 9]
    again.detach()


def test_a_session_that_is_erased_meanwhile_is_said_to_be(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = opened(connection, fleet)
    session.detach()
    read = fleet.s3.get_object
    prefix = connection.keys(session.id).inputs

    def late(*, Key: str, **named: Any) -> Any:
        if Key.startswith(prefix):
            fleet.s3.delete_object(Bucket=BUCKET, Key=Key)
        return read(Key=Key, **named)

    monkeypatch.setattr(connection.s3, "get_object", late)
    with pytest.raises(SessionEnded, match=f"{session.id} is just being erased"):
        starburst.attach(session.id, connection, progress=False)
