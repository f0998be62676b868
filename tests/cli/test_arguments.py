"""What each command makes of its arguments: the calls behind it, its words and its exit code."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from starburst.cli import main
from starburst.cli.doctor import Finding
from starburst.errors import ConfigurationError, SessionNotFound

ID = "a" * 20


class Session:
    """A session that remembers what it was asked, in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []

    def collect(self, **how: object) -> None:
        self.asked.append(("collect", how))

    def status(self) -> str:
        self.asked.append(("status", None))
        return "all is well"

    def extend(self, seconds: float) -> float:
        self.asked.append(("extend", seconds))
        return 86_400.0 * 365

    def detach(self) -> None:
        self.asked.append(("detach", None))


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    made = Session()
    monkeypatch.setattr("starburst._client.access.connection.connect", lambda *_, **__: "here")
    monkeypatch.setattr("starburst._client.attaching.attach_session", lambda *_, **__: made)
    return made


@pytest.mark.parametrize(
    "words",
    [["sessions"], ["status", ID], ["extend", ID], ["stop", ID], ["doctor"]],
    ids=lambda words: words[0],
)
def test_each_command_asks_where_it_is_told_to_and_as_whom(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def connect(*where: object, **who: object) -> None:
        asked.append((where, who))
        raise ConfigurationError("no such place")

    monkeypatch.setattr("starburst._client.access.connection.connect", connect)
    there = ["-e", "prod", "-w", "genomics", "--user", "alice", "--profile", "study"]
    assert main([*words, *there]) == 1
    who = {"user": "alice", "profile": "study", "steward": False}
    assert asked == [(("prod", "genomics"), who)]


def test_an_estimate_is_of_all_that_was_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: dict[str, object] = {}

    def estimate(**fleet: object) -> str:
        asked.update(fleet)
        return "cheap"

    monkeypatch.setattr("starburst._client.estimating.estimate", estimate)
    fleet = ["--workers=7", "--cpu=2", "--memory=8", "--hours=3", "--region=eu-west-1"]
    kind = ["--capacity=spot", "--architecture=arm64", "--scratch-gb=50"]
    assert main(["estimate", *fleet, *kind]) == 0
    assert capsys.readouterr().out == "cheap\n"
    assert asked == {
        "workers": 7,
        "cpu": 2,
        "memory": 8,
        "hours": 3,
        "region": "eu-west-1",
        "capacity": "spot",
        "architecture": "arm64",
        "scratch_gb": 50,
    }


def test_hours_are_asked_for_as_seconds_and_the_session_is_let_go(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["extend", ID, "--hours", "1.5"]) == 0
    assert session.asked == [("extend", 5400), ("detach", None)]
    assert f"{ID} ends by 19" in capsys.readouterr().out


def test_status_counts_what_is_done_says_it_and_lets_the_session_go(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", ID]) == 0
    assert [word for word, _ in session.asked] == ["collect", "status", "detach"]
    assert session.asked[0] == ("collect", {"wait": False, "return_exceptions": True})
    assert capsys.readouterr().out == "all is well\n"


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("left", [True, False])
def test_what_is_erased_was_stopped_and_left_before(
    known: bool, left: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[str] = []

    def stop(_: object) -> None:
        done.append("stop")
        if not known:
            raise SessionNotFound("who?")

    client = "starburst._client"
    monkeypatch.setattr(f"{client}.access.connection.connect", lambda *_, **__: None)
    monkeypatch.setattr(f"{client}.attaching.session_keys", lambda *_: None)
    monkeypatch.setattr(f"{client}.access.controller.Control.stop", stop)
    waiting = f"{client}.ending.stopped_workers.wait_until_workers_left"
    monkeypatch.setattr(waiting, lambda *_: [done.append("wait"), left][1])
    monkeypatch.setattr(f"{client}.ending.erase.erase", lambda *_: [done.append("erase"), 1234][1])
    assert main(["stop", ID, "--erase"]) == 0
    assert done == ["stop", "wait", "erase"]
    said = capsys.readouterr().out.splitlines()
    assert ("may write once more" in said[-2]) == (not left)
    assert (f"{ID} is stopped." in said) == known
    assert said[-1] == "1,234 object versions erased."


@pytest.mark.parametrize(
    ("findings", "code"), [((True, True), 0), ((False, True), 1), ((True, False), 1)]
)
def test_the_doctor_is_content_with_nothing_less_than_all(
    findings: tuple[bool, ...],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = [Finding(sound, "this") for sound in findings]
    monkeypatch.setattr("starburst.cli.doctor.examine", lambda _, **__: iter(found))
    assert main(["doctor"]) == code
    words = ["ok    this" if sound else "FIX   this" for sound in findings]
    assert capsys.readouterr().out.splitlines() == words


@pytest.mark.parametrize("code", [0, 3, 143])
def test_a_commands_exit_code_within_a_local_environment_is_its_own(
    code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starburst.local.running.run", lambda *_, **__: code)
    assert main(["local", "--", "true"]) == code


def test_an_interrupt_has_the_exit_code_that_shells_give_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("starburst.local.running.run", interrupted)
    assert main(["local", "--", "true"]) == 130


def test_sessions_are_listed_with_their_workers_cost_and_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status: Any = SimpleNamespace(workers_running=2, workers_wanted=5, usd=0.0019, reason="busy")
    running = SimpleNamespace(id=ID, created=0.0, state="running", status=status)
    young = SimpleNamespace(id="b" * 20, created=0.0, state="starting", status=None)
    monkeypatch.setattr("starburst._client.access.connection.connect", lambda *_, **__: None)
    monkeypatch.setattr("starburst._client.attaching.list_sessions", lambda _: [running, young])
    assert main(["sessions"]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["SESSION", "STARTED", "STATE", "WORKERS", "COST", "REASON"]
    assert first.split()[0] == ID
    assert first.split()[3:] == ["running", "2/5", "$0.0019", "busy"]
    assert second.split()[3:] == ["starting", "-", "-"]
