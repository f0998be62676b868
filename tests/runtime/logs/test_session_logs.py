"""What tasks print reaches their analyst: sealed, complete when the future is done, and cleaned."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_session
from starburst._client.ending.erase import erase
from starburst._client.mapping import map_over
from starburst._client.opening import open_session
from starburst._client.session import Session
from starburst._protocol.sealed.log_lines import Lines, Printed, log_key, log_name, seal_lines
from starburst.aws.write_once import put_new
from starburst.contract import SessionKeys
from starburst.errors import ConfigurationError
from tests.runtime.endings import GUARD_SECONDS
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import ONE, opened, square
from tests.session_internals import queue_url


def talk(n: int) -> int:
    print("\x1b[2Jcolumn\tvalue", n)
    if n == 1:
        print("error", file=sys.stderr)
    return n


def printed(fleet: Fleet, prefix: str) -> list[str]:
    found = fleet.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return [entry["Key"] for entry in found]


@pytest.fixture
def spoken(connection: Connection, fleet: Fleet) -> Session:
    fleet.printing = True
    return open_session(connection, ONE, progress=False)


def test_what_a_task_printed_is_there_once_its_future_is_done(
    spoken: Session, fleet: Fleet
) -> None:
    for future in spoken.map(talk, range(3)):
        number = future.result(60)
        line = next(each for each in spoken.logs(task=number) if each.stream == "stdout")
        assert str(line) == f"\\x1b[2Jcolumn\tvalue {number}"
    both = [(each.stream, each.text) for each in spoken.logs(task=1)]
    assert ("stderr", "error") in both
    [worker] = {each.worker for each in spoken.logs()}
    assert len(list(spoken.logs(worker=worker[:6]))) == 4
    assert not list(spoken.logs(worker="none"))
    assert next(each.labelled for each in spoken.logs(follow=True)).startswith("[task 0] ")
    json.dumps([each.to_data() for each in spoken.logs()])
    # Sealed, and gone with the session.
    keys = printed(fleet, spoken.manifest.keys.logs)
    assert keys
    bodies = [fleet.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys]
    assert not any(b"column" in body for body in bodies)
    spoken.cleanup(force=True)
    assert not printed(fleet, spoken.manifest.keys.prefix)


def test_quiet_tasks_cause_no_object(spoken: Session, fleet: Fleet) -> None:
    assert [future.result(60) for future in spoken.map(square, range(3))] == [0, 1, 4]
    assert not printed(fleet, spoken.manifest.keys.logs)
    assert not list(spoken.logs())


def put(fleet: Fleet, session: Session, name: str, found: Lines, *, sealed_as: str = "") -> None:
    keys, key = session.manifest.keys, session._core.key.data
    body = seal_lines(found, session=keys.session, name=sealed_as or name, key=key)
    fleet.s3.put_object(Bucket=BUCKET, Key=log_key(keys, name), Body=body)


ONE_LINE = Lines("w", 0, (Printed(3, "stdout", "said", 1.0),))


def test_forged_moved_and_repeated_objects_are_told_or_read_once(
    spoken: Session, fleet: Fleet
) -> None:
    first, second, third = (log_name("0" * 32, n) for n in range(3))
    put(fleet, spoken, first, ONE_LINE)
    put(fleet, spoken, second, ONE_LINE)  # stored twice: its first answer was lost
    put(fleet, spoken, third, replace(ONE_LINE, serial=1), sealed_as=first)
    odd = f"{spoken.manifest.keys.logs}\x1b[31m"
    fleet.s3.put_object(Bucket=BUCKET, Key=odd, Body=b"never fetched")
    said, warned = list(spoken.logs())
    assert (said.text, said.task, said.worker) == ("said", 3, "w")
    assert warned.stream == "starburst"
    assert "none of ours" in warned.text
    # What is missing may be of any task.
    assert [each.text for each in spoken.logs(task=3)] == ["said", warned.text]


def test_another_workers_object_in_the_way_holds_no_line_back(
    spoken: Session, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "starburst.worker.printing.sealed_lines.log_name", lambda _, n: log_name("0" * 32, n)
    )
    put(fleet, spoken, log_name("0" * 32, 0), ONE_LINE)
    assert spoken.submit(talk, 9).result(60) == 9
    assert [each.text for each in spoken.logs()] == ["said", "\\x1b[2Jcolumn\tvalue 9"]


def test_lines_that_s3_refuses_hold_up_no_result(
    spoken: Session, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")

    monkeypatch.setattr("starburst.worker.printing.sealed_lines.put_new", refuse)
    assert spoken.submit(talk, 9).result(60) == 9
    assert not list(spoken.logs())


def test_lines_that_s3_refuses_once_need_no_others_to_be_stored(
    spoken: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals, stored = [2], threading.Event()  # of the result's own try, and of the next

    def put_later(*given: Any, **named: Any) -> None:
        if refusals[0]:
            refusals[0] -= 1
            raise ClientError({"Error": {"Code": "SlowDown", "Message": "no"}}, "PutObject")
        put_new(*given, **named)
        stored.set()

    monkeypatch.setattr("starburst.worker.printing.sealed_lines.put_new", put_later)
    assert spoken.submit(talk, 9).result(60) == 9
    assert stored.wait(GUARD_SECONDS)
    assert [each.text for each in spoken.logs()] == ["\\x1b[2Jcolumn\tvalue 9"]


@pytest.mark.parametrize("wrong", [{"task": "7"}, {"task": True}, {"worker": 3}])
def test_what_no_task_or_worker_is_called_is_refused(
    spoken: Session, wrong: dict[str, object]
) -> None:
    with pytest.raises(ConfigurationError):
        spoken.logs(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("progress", [None, False])
def test_lines_show_in_a_pipe_too_unless_nobody_wants_any(
    connection: Connection,
    fleet: Fleet,
    capsys: pytest.CaptureFixture[str],
    progress: bool | None,
) -> None:
    fleet.printing = True
    with open_session(connection, ONE, progress=progress) as session:
        session.map(talk, range(2))
        session.collect()
        told = capsys.readouterr()
    lines = {"[task 0] \\x1b[2Jcolumn\tvalue 0", "[task 1] error"}
    assert told.err.splitlines() == [] if progress is False else lines < {*told.err.splitlines()}
    assert "[task" not in told.out
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("is_done", [True, False])
def test_who_attaches_sees_lines_while_tasks_are_open(
    connection: Connection,
    fleet: Fleet,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    is_done: bool,
) -> None:
    monkeypatch.setattr("starburst._client.logs.following._LATEST", 2)
    mine = opened(connection, fleet, 2)
    keys = mine.manifest.keys
    for number in range(4):
        said = Lines("w", number, (Printed(number, "stdout", f"said {number}", 1.0),))
        put(fleet, mine, log_name("0" * 32, number), said)
    if is_done:
        fleet.add_worker(keys, queue_url(mine))
        mine.collect(timeout=60)
    mine.detach()
    again = attach_session(connection, mine.id, progress=None)
    begun = again._core.display._lines._begun
    assert begun.wait(60)
    late = Lines("w", 4, (Printed(1, "stdout", "said late", 1.0),))
    put(fleet, mine, log_name("0" * 32, 4), late)
    if not is_done:
        fleet.add_worker(keys, queue_url(again))
    assert again.collect(timeout=60) == [0, 1]
    again.cleanup(force=True)
    before = [] if is_done else ["[task 2] said 2", "[task 3] said 3"]
    assert capsys.readouterr().err.splitlines() == [*before, "[task 1] said late"]


def test_lines_show_above_the_bar_where_a_person_watches(
    connection: Connection, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.printing = True
    session = open_session(connection, ONE, progress=True)
    session.map(talk, range(2))
    session.collect()
    told = capsys.readouterr().err
    assert "[task 0] \\x1b[2Jcolumn\tvalue 0\n" in told
    assert "[task 1] error\n" in told
    session.cleanup(force=True)
    assert "[task 0]" not in capsys.readouterr().err  # once


def map_talk(connection: Connection, **terms: object) -> list[int]:
    return map_over(talk, range(2), workers=1, environment=connection, **terms)  # type: ignore[arg-type]


@pytest.mark.parametrize("keep", [False, True])
def test_after_a_map_what_was_printed_stays_and_the_rest_only_where_it_is_kept(
    connection: Connection, fleet: Fleet, *, keep: bool
) -> None:
    fleet.printing = True
    assert map_talk(connection, keep=keep) == [0, 1]
    keys = SessionKeys.parse(printed(fleet, "sessions/")[0])
    assert keys is not None
    left = {key.removeprefix(keys.prefix).partition("/")[0] for key in printed(fleet, keys.prefix)}
    assert left == ({"functions", "inputs", "results"} if keep else set()) | {
        "logs",
        "manifest.json",
        "requests",
    }
    found = attach_session(connection, keys.session, progress=False, count_only=True)
    assert {each.task for each in found.logs()} == {0, 1}
    found.detach()
    erase(connection, keys)
    assert not printed(fleet, keys.prefix)


def test_a_quiet_map_leaves_what_its_report_is_made_of(
    connection: Connection, fleet: Fleet
) -> None:
    fleet.printing = True
    assert map_over(square, range(2), workers=1, environment=connection) == [0, 1]
    keys = SessionKeys.parse(printed(fleet, "sessions/")[0])
    assert keys is not None
    assert printed(fleet, "sessions/") == [keys.manifest, keys.report]
