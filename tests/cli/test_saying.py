"""What commands print fits 80 columns, and JSON has the keys that its page promises."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from starburst._client.access.connection import Connection
from starburst._client.access.totals import HeldBySession, HeldByWorkspace, HeldTotals
from starburst._client.attaching import session_keys
from starburst.cli import command, main
from starburst.cli.doctor import Finding
from starburst.contract import Totals
from starburst.errors import SessionNotFound
from tests.cli.shapes import promised
from tests.files.conftest import connection
from tests.some import some

__all__ = ["connection"]  # the fixture

SLOW = ("boto3", "botocore", "cloudpickle", "cryptography", "numpy", "pandas", "tqdm", "urllib3")
REASON = "10 of 500 workers run; ECS: RESOURCE:MEMORY, so it asks for the others again in a while"


def commands(parser: argparse.ArgumentParser, *names: str) -> Iterator[tuple[str, ...]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield (*names, name)
                yield from commands(inner, *names, name)


ALL = sorted(commands(command._parser()))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_fits_80_columns(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    said = capsys.readouterr().out
    assert all(len(line) <= 80 for line in some(said.splitlines()))
    own = {"admin", "local", "completion", "data", "home", "packages"}
    assert "--json" in said or words[0] in own & set(words[-1:])


def test_a_long_reason_stands_below_its_session(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status = SimpleNamespace(workers_running=10, workers_wanted=500, usd=1234.5, reason=REASON)
    one = SimpleNamespace(id="a" * 20, created=0.0, state="starting", status=status)
    monkeypatch.setattr("starburst._client.access.connection.connect", lambda *_, **__: None)
    monkeypatch.setattr("starburst._client.attaching.list_sessions", lambda _: [one])
    assert main(["sessions"]) == 0
    _, first, *below = capsys.readouterr().out.splitlines()
    assert first.split()[-1] == "$1234.50"
    assert all(len(line) <= 80 for line in below)
    assert " ".join(line.strip() for line in below) == REASON


def test_a_quota_is_a_table_of_numbers(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    used = Totals(
        sessions=21,
        workers=417,
        vcpu=1668,
        memory_gb=3336,
        usd_per_hour=82.3591,
        usd_per_day=1400.5,
        usd_per_month=14_000,
    )
    mine = HeldBySession(
        session="a" * 20,
        workspace="imaging",
        user="bobby",
        workers=400,
        vcpu=1600,
        memory_gb=3200,
        usd_per_hour=79,
        until=0,
    )
    other = HeldByWorkspace(
        workspace="imaging", sessions=1, workers=400, vcpu=1600, memory_gb=3200, usd_per_hour=79
    )
    theirs = replace(mine, workspace=connection.workspace, user="carol", workers=17)
    held = HeldTotals(
        person=used,
        workspace=used,
        environment=used,
        sessions=[mine, *[theirs] * 20],
        workspaces=[other],
        waiting=2,
        frozen="frozen by ada",
    )
    monkeypatch.setattr("starburst._client.access.connection.connect", lambda *_, **__: connection)
    monkeypatch.setattr("starburst._client.access.totals.ask_totals", lambda _: held)
    assert main(["quota"]) == 0
    said = capsys.readouterr().out.splitlines()
    head, sessions, workers, *more = said[:8]
    assert all(len(line) == len(head) <= 80 for line in (sessions, workers, *some(more)))
    assert sessions.split() == ["sessions", "at", "once", "-", "21/50", "21/50", "21/50"]
    assert workers.split() == ["workers", "at", "once", "100", *["417/500"] * 3]
    assert more[2].split()[-1] == "82.36/150"
    assert said[8].startswith("A session may last 24 hours")
    assert said[9:11] == ["frozen by ada", "2 sessions wait for room."]
    rows = [line.split() for line in said[12:]]
    assert rows[1][:4] == ["a" * 20, "in", "imaging", "400"]
    assert rows[2][1:3] == ["carol", "17"]
    assert rows[21] == ["and", "1", "smaller", "ones;", "--json", "has", "them"]
    assert rows[-1] == ["imaging", "1", "400", "1,600", "3,200", "79.00"]
    assert all(len(line) <= 80 for line in said[12:])


def test_who_asks_an_environment_of_their_own_for_anothers_session_is_told_so(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STARBURST_LOCAL_STATE", raising=False)
    for name in ("local", "prod"):
        asked = replace(connection, document=replace(connection.document, environment=name))
        with pytest.raises(SessionNotFound) as caught:
            session_keys(asked, "short")
        assert ("`starburst local -- bash`" in str(caught.value)) is (name == "local")


@pytest.mark.parametrize(("columns", "lines"), [(None, 1), ("40", 3)])
def test_a_sentence_is_broken_for_people_alone(
    columns: str | None,
    lines: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    found = [Finding(True, REASON)]
    monkeypatch.setattr("starburst.cli.doctor.examine", lambda *_, **__: iter(found))
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == lines
    assert " ".join(line.strip() for line in said) == f"ok    {REASON}"


@pytest.mark.parametrize("memory", ["8", "8GB", "8192MB", "8GiB"])
def test_units_are_pythons(memory: str, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = ["--workers=100", "--cpu=4", f"--memory={memory}", "--hours=2"]
    assert main(["estimate", *fleet, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said.keys() == promised()["estimate"]
    assert (said["memory_gb"], round(said["usd"], 2)) == (8, 39.5)


def test_a_unit_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "--workers=1", "--memory=8TB", "--hours=2", "--json"]) == 1
    said = json.loads(capsys.readouterr().err)
    assert said["error"] == "ConfigurationError"
    assert "'8TB'" in said["message"]


def test_the_doctor_tells_scripts_what_it_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [Finding(True, "well"), Finding(False, "ill", "rest", "sleep")]
    monkeypatch.setattr("starburst.cli.doctor.examine", lambda *_, **__: iter(found))
    assert main(["doctor", "--json"]) == 1
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(each.keys() == promised()["doctor"] for each in some(said))
    assert said[1] == {"sound": False, "text": "ill", "fix": "rest", "check": "sleep"}
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == ["FIX   ill", "      -> rest"]


def test_asking_for_help_imports_nothing_that_takes_time() -> None:
    program = (
        "import sys\nfrom starburst.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print([name for name in {SLOW!r} if name in sys.modules])"
    )
    done: Any = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
