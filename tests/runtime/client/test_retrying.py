"""What failed is run again, with the function and the input that it had, and takes its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from starburst._client.access.connection import Connection
from starburst._client.attaching import attach_session
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst.errors import IntegrityError, SessionEnded
from tests.runtime.fleet import BUCKET, Fleet

pytestmark = pytest.mark.usefixtures("forked")

TWO = SessionOptions(workers=2, idle_timeout=20)


def once_in_three(task: tuple[int, str]) -> int:
    """Raise for every third as long as the folder says so, and note each run."""
    number, folder = task
    with Path(folder, "runs").open("a") as noted:
        noted.write(f"{number}\n")
    if number % 3 == 0 and Path(folder, "bad").exists():
        raise ValueError(f"{number} is bad")
    return number * 10


def tasks(folder: Path, count: int = 9) -> list[tuple[int, str]]:
    (folder / "bad").touch()
    return [(number, str(folder)) for number in range(count)]


def runs(folder: Path) -> list[int]:
    return sorted(map(int, (folder / "runs").read_text().split()))


def test_only_what_failed_runs_again_and_collect_has_all_in_order(
    connection: Connection, tmp_path: Path
) -> None:
    with open_session(connection, TWO, progress=False) as session:
        session.map(once_in_three, tasks(tmp_path))
        with pytest.raises(ValueError, match="0 is bad"):
            session.collect(timeout=60)
        (tmp_path / "bad").unlink()
        futures = session.retry_failed()
        assert [future.result(60) for future in futures] == [0, 30, 60]
        assert session.collect(timeout=60, stop_on_error=True) == [n * 10 for n in range(9)]
        assert session.collect(timeout=60) == []
        assert not session.retry_failed()
    assert runs(tmp_path) == sorted([*range(9), 0, 3, 6])


def test_what_fails_once_more_is_raised_and_can_be_retried_as_well(
    connection: Connection, tmp_path: Path
) -> None:
    with open_session(connection, TWO, progress=False) as session:
        session.map(once_in_three, tasks(tmp_path, 4))
        for _ in range(2):
            found = None
            with pytest.raises(ValueError, match="0 is bad"):
                found = session.collect(timeout=60)
            assert found is None
            assert len(session.retry_failed()) == 2
        with pytest.raises(ValueError, match="0 is bad") as caught:
            session.collect(timeout=60)
        assert any("2 of 8 tasks failed: 2 ValueError" in note for note in caught.value.__notes__)
        (tmp_path / "bad").unlink()
        session.retry_failed()
        assert session.collect(timeout=60) == [0, 10, 20, 30]


def test_failures_that_were_collected_come_back_as_results_of_their_own(
    connection: Connection, tmp_path: Path
) -> None:
    with open_session(connection, TWO, progress=False) as session:
        session.map(once_in_three, tasks(tmp_path, 4))
        found = session.collect(timeout=60, return_exceptions=True)
        assert [isinstance(each, ValueError) for each in found] == [True, False, False, True]
        (tmp_path / "bad").unlink()
        session.retry_failed()
        assert session.collect(timeout=60) == [0, 30]


def test_a_single_call_is_retried_though_its_function_travelled_with_it(
    connection: Connection, tmp_path: Path
) -> None:
    with open_session(connection, TWO, progress=False) as session:
        (task,) = tasks(tmp_path, 1)
        future = session.submit(once_in_three, task)
        assert isinstance(future.exception(60), ValueError)
        (tmp_path / "bad").unlink()
        session.retry_failed()
        assert session.collect(timeout=60) == [0]


def test_what_was_cancelled_or_has_not_ended_is_not_retried(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.launch = False
    with open_session(connection, TWO, progress=False) as session:
        futures = session.map(once_in_three, tasks(tmp_path, 4))
        session.cancel(futures[:2])
        assert not session.retry_failed()


def test_another_client_retries_what_it_finds_failed(
    connection: Connection, tmp_path: Path
) -> None:
    first = open_session(connection, TWO, progress=False)
    first.map(once_in_three, tasks(tmp_path, 4))
    first.collect(timeout=60, return_exceptions=True)
    first.detach()
    (tmp_path / "bad").unlink()
    with attach_session(connection, first.id, progress=False) as session:
        assert len(session.retry_failed()) == 2
        assert session.collect(timeout=60) == [0, 10, 20, 30]


def test_an_input_that_was_changed_in_the_bucket_is_not_sent_again(
    connection: Connection, fleet: Fleet, tmp_path: Path
) -> None:
    with open_session(connection, TWO, progress=False) as session:
        session.map(once_in_three, tasks(tmp_path, 4))
        session.collect(timeout=60, return_exceptions=True)
        key = session.manifest.keys.inputs + "p000001"
        body = bytearray(fleet.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        body[-20] ^= 1
        fleet.s3.put_object(Bucket=BUCKET, Key=key, Body=bytes(body))
        with pytest.raises(IntegrityError):
            session.retry_failed()


def test_a_session_that_has_ended_retries_nothing(connection: Connection, tmp_path: Path) -> None:
    with open_session(connection, TWO, progress=False) as session:
        session.map(once_in_three, tasks(tmp_path, 4))
        session.collect(timeout=60, return_exceptions=True)
    with pytest.raises(SessionEnded):
        session.retry_failed()
