"""A session's report, by its own client or another's, before its end, after it, and erased."""

from __future__ import annotations

import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_session
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.reporting.kept import keep_report, open_record, read_record, seal_record
from starburst._client.reporting.making import gather
from starburst._client.session import Session
from starburst._client.tasks.task_list import Tally
from starburst.errors import ConfigurationError, IntegrityError
from tests.runtime.client.reporting.invented import facts
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import opened
from tests.session_internals import core
from tests.statuses import a_status

pytestmark = pytest.mark.usefixtures("forked")

TWO = SessionOptions(workers=2, idle_timeout=20, retries=1, labels={"name": "Study 7"})


def work(x: int) -> int:
    if x == 3:
        raise ValueError("no convergence")
    if x == 5:
        time.sleep(0.3)
    return x


def finished(connection: Connection) -> Session:
    session = open_session(connection, TWO, progress=False)
    session.map(work, range(8))
    session.collect(timeout=60, return_exceptions=True)
    return session


def shown(path: Path) -> str:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").get_text(" ", strip=True)


def test_the_report_of_a_real_session(connection: Connection, fleet: Fleet, tmp_path: Path) -> None:
    """Its tasks are told with times, memory and inputs; another process makes the same page."""
    session = finished(connection)
    fleet.s3.put_object(
        Bucket=BUCKET,
        Key=session.manifest.keys.status,
        Body=a_status(session=session.id, usd=0.5, worker_seconds=60).to_json(),
    )
    path = session.report(tmp_path / "burst.html")
    assert path == tmp_path / "burst.html"
    words = shown(path)
    for said in ("Study 7", "7 of 8 tasks", "1 failed", "ValueError", "no convergence", "$0.500"):
        assert said in words
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["burst.html"]
    found = gather(core(session))
    slow = {slow.number: slow for slow in found.slowest}
    assert slow[5].input == "5"
    assert 0.3 <= slow[5].seconds < 10
    assert slow[5].peak > 5
    assert slow[3].failed
    assert found.story.tasks == found.story.timed == 8
    assert found.story.retries == 1
    assert 0 < found.elapsed < 60
    other = attach_session(connection, session.id, progress=False, count_only=True)
    again = gather(core(other))
    other.detach()
    assert (again.story.slowest, again.story.kinds) == (found.story.slowest, found.story.kinds)
    assert again.tally == found.tally
    session.cleanup()
    assert "7 of 8 tasks" in shown(session.report(path))
    session.cleanup(force=True)
    assert "7 of 8 tasks" in shown(session.report(str(path)))


def test_the_record_that_stays_where_results_are_erased(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    session = finished(connection)
    keys, parts = session.manifest.keys, core(session)
    before = gather(parts)
    keep_report(parts)
    for prefix in (keys.inputs, keys.results, keys.functions):
        for page in fleet.s3.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=prefix
        ):
            for entry in page.get("Contents", []):
                fleet.s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    session.cleanup()
    other = attach_session(connection, session.id, progress=False, count_only=True)
    found = gather(core(other))
    assert (found.story, found.tally) == (before.story, before.tally)
    assert "7 of 8 tasks" in shown(other.report(tmp_path / "kept.html"))
    other.detach()


def test_only_the_sessions_client_writes_that_record(connection: Connection, fleet: Fleet) -> None:
    """Workers hold the key that seals, and not the one that signs."""
    session = opened(connection, fleet)
    parts, invented = core(session), facts()
    body = seal_record(invented.tally, invented.story, session=session.id, key=parts.key)
    assert open_record(body, session=session.id, key=parts.key) == (
        invented.tally,
        invented.story,
    )
    with pytest.raises(IntegrityError):
        seal_record(
            Tally(), invented.story, session=session.id, key=replace(parts.key, signing=None)
        )
    with pytest.raises(IntegrityError):
        open_record(body, session="b" * 20, key=parts.key)
    for wrong in (body[:-1], b"", body[:200] + bytes([body[200] ^ 1]) + body[201:]):
        fleet.s3.put_object(Bucket=BUCKET, Key=session.manifest.keys.report, Body=wrong)
        with pytest.raises(IntegrityError):
            read_record(parts)
    session.cleanup()


@pytest.mark.parametrize("name", ["", "absent/burst.html"], ids=["a folder", "in no folder"])
def test_where_no_file_can_be_it_says_so_and_asks_no_one(
    connection: Connection, fleet: Fleet, tmp_path: Path, name: str
) -> None:
    session = opened(connection, fleet)
    with pytest.raises(ConfigurationError, match="the report cannot be written: "):
        session.report(tmp_path / name)
    assert not list(tmp_path.iterdir())
    session.cleanup()


def test_by_default_the_file_is_named_after_the_session(
    connection: Connection, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    session = opened(connection, fleet)
    assert session.report() == Path(f"starburst-{session.id}.html")
    assert "4 tasks to do" in shown(Path(f"starburst-{session.id}.html"))
    session.cleanup()
