"""The command line beside real sessions: it counts without reading, and refuses in one sentence."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import pytest

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst.cli import main
from starburst.cli.doctor import examine
from tests.runtime.fleet import BUCKET, Fleet

ONE = SessionOptions(workers=1, idle_timeout=20)


@pytest.fixture(autouse=True)
def here(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starburst._client.access.connection.connect", lambda *_, **__: connection)


@dataclasses.dataclass
class Fit:
    slope: float


def fit(x: int) -> Fit:
    if x == 1:
        raise ValueError("no slope")
    return Fit(x / 2)


@pytest.fixture
def session(connection: Connection) -> Session:
    session = open_session(connection, ONE, progress=False)
    session.map(fit, range(3))
    return session


def test_status_counts_results_of_classes_that_it_does_not_have(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session.collect(timeout=60, return_exceptions=True)
    monkeypatch.delattr(sys.modules[__name__], "Fit")  # as in the process of the command
    assert main(["status", session.id]) == 0
    assert "3 of 3 tasks done, 1 of them failed" in capsys.readouterr().out
    session.cleanup()


@pytest.mark.parametrize("hours", ["nan", "inf", "-1", "0", "1e+12", "1e+305"])
def test_hours_that_are_none_are_refused(hours: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["extend", "a" * 20, "--hours", hours]) == 1
    assert f"--hours {hours} is not a number of hours above 0" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["stop"], ["stop", "--erase"]])
def test_stopping_what_does_not_exist_leaves_nothing_behind(
    words: list[str], fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "a" * 20]) == 1
    assert "alice has no session" in capsys.readouterr().err
    assert not fleet.s3.list_object_versions(Bucket=BUCKET).get("Versions")


def test_stop_erases_on_request(session: Session, fleet: Fleet) -> None:
    session.detach()
    assert main(["stop", "--erase", session.id]) == 0
    assert not fleet.s3.list_object_versions(Bucket=BUCKET).get("Versions")


def test_who_reads_us_may_have_heard_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as out:
        monkeypatch.setattr("sys.stdout", out)
        assert main(["sessions"]) == 128 + 13


def test_the_doctor_survives_credentials_that_it_may_not_read(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError("not yours")

    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", __file__)
    monkeypatch.setattr(Path, "read_text", refuse)
    assert [finding.sound for finding in examine(lambda: connection)] == [True] * 11
