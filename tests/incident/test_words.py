"""Numbers, moments and names that are mistyped in a hurry end in a sentence and change nothing."""

from __future__ import annotations

import time
from importlib import import_module

import pytest

from deploy.incident.command import find_environment, find_workspaces, parse_time

HOURS = ("nan", "inf", "-inf", "1e400", "1e9", "-1", "twelve", "", "1_0\x1b[31m")
PROD = ["--environment", "prod"]


def never(service: str) -> object:
    raise AssertionError(f"{service} was asked")


def refused(command: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        import_module(f"deploy.{command}").main([*PROD, *words], clients=never)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "\x1b" not in said.err
    return said.err


@pytest.mark.parametrize("hours", HOURS)
@pytest.mark.parametrize("command", ["contain", "events"])
def test_hours_that_are_none(command: str, hours: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is no number of hours" in refused(command, [f"--hours={hours}"], capsys)


@pytest.mark.parametrize("seconds", [*HOURS, "0"])
def test_seconds_that_are_none(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    # Without an end, a query that never ends would be waited for.
    assert "is no number of seconds" in refused("events", [f"--timeout={seconds}"], capsys)


def test_no_hours_of_events_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert "is no number of hours" in refused("events", ["--hours=0"], capsys)


@pytest.mark.parametrize(
    "moment",
    [
        *("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "0099-01-01", "1969-12-31"),
        *("yesterday", "", "2026-01-01T00:00:00ZZ", "2026-13-01", "\x1b[31m"),
    ],
)
@pytest.mark.parametrize(("command", "option"), [("revoke", "--before"), ("restore", "--at")])
def test_moments_that_are_none(
    command: str, option: str, moment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is no time" in refused(command, [f"{option}={moment}"], capsys)


def test_a_moment_is_of_utc() -> None:
    assert parse_time("2026-01-01T12:00:00+02:00").isoformat() == "2026-01-01T10:00:00+00:00"
    assert parse_time("2026-01-01").isoformat() == "2026-01-01T00:00:00+00:00"


def test_a_moment_without_a_zone_is_of_utc_wherever_the_officer_sits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "PST8PDT")
        time.tzset()
        assert parse_time("2026-01-01T12:00:00").isoformat() == "2026-01-01T12:00:00+00:00"
    time.tzset()


def test_a_workspace_that_is_named_twice_counts_once() -> None:
    # Its versions would be counted twice, in a receipt as well.
    twice = ["markets", "genomics", "markets"]
    assert find_workspaces(find_environment("prod"), twice) == ["markets", "genomics"]
