"""Officers see and stop everybody's sessions from Python and from a shell."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from starburst import admin
from starburst.cli import main
from starburst.errors import (
    AccessDenied,
    ConfigurationError,
    EnvironmentNotFound,
    SessionError,
    SessionNotFound,
    WorkspaceNotFound,
)
from tests.admin.conftest import CALLER, Door
from tests.controller.totals.people import begin, command, keys_of, named
from tests.controller.world import World

pytestmark = pytest.mark.usefixtures("office")


def refusal(code: str) -> botocore.exceptions.ClientError:
    error: Any = {"Error": {"Code": code, "Message": "no"}}
    return botocore.exceptions.ClientError(error, "Invoke")


def end(world: World, number: int) -> None:
    world.request(keys_of(number), "stop")
    world.deliver(rounds=5)


def test_sessions_of_everybody_the_latest_first(world: World) -> None:
    begin(world, 0)
    world.later(60)
    begin(world, 1, user="bobby", workspace="imaging")
    end(world, 0)
    assert [one.session for one in admin.sessions().sessions] == [named(1)]
    since = datetime.fromtimestamp(world.now - 3600, UTC)
    second, first = admin.sessions(ended_since=since).sessions
    assert (second.user, second.workspace, second.state) == ("bobby", "imaging", "running")
    assert (first.user, first.state, first.ended) == ("alice", "ended", world.now)
    assert first.worker_seconds == 3 * 60


def test_one_that_ends_between_two_parts_is_told_once(world: World, door: Door) -> None:
    begin(world, 0)
    ask = door.invoke

    def invoke(**words: Any) -> Any:
        answer = ask(**words)
        if door.asked[-1]["folder"] == "active":
            end(world, 0)
        return answer

    door.invoke = invoke  # type: ignore[method-assign]
    [one] = admin.sessions(ended_since=datetime(2026, 1, 1, tzinfo=UTC)).sessions
    assert one.state == "ended"


def test_an_answer_without_end_is_an_error(door: Door) -> None:
    more = {"ok": True, "at": 1, "sessions": [], "unread": [], "next": named(1)}
    door.says = json.dumps(more).encode()
    with pytest.raises(SessionError, match="goes on after"):
        admin.sessions()
    assert len(door.asked) == 2


def test_stop_says_who_and_why(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    begin(world, 0)
    begin(world, 1)
    found = admin.stop(named(0), why="a loop")
    assert (found.state, found.reason) == ("ended", f"stopped by {CALLER}: a loop")
    assert main(["admin", "stop", named(1), "--why", "a loop too", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reason"].endswith(": a loop too")
    world.deliver(rounds=5)
    assert world.ecs.live() == []
    with pytest.raises(SessionNotFound):
        admin.stop(named(7), why="a loop")


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("AccessDeniedException", AccessDenied, "deploy.totals --permission"),
        ("ResourceNotFoundException", EnvironmentNotFound, "not deployed"),
        ("ServiceException", SessionError, "cannot ask the controller for sessions"),
    ],
)
def test_what_aws_refuses_is_told(door: Door, code: str, kind: type[Exception], words: str) -> None:
    door.raises = refusal(code)
    with pytest.raises(kind, match=words):
        admin.sessions()


@pytest.mark.parametrize(
    "says", [b"no", b'{"ok": true}', b'{"ok": true, "at": 1, "sessions": [1]}']
)
def test_an_answer_that_is_none_is_an_error(door: Door, says: bytes) -> None:
    door.says = says
    for ask in (admin.sessions, admin.totals):
        with pytest.raises(SessionError, match="cannot be read"):
            ask()


def test_a_controller_that_failed_says_how(door: Door) -> None:
    door.says, door.failed = b"out of \x1b[31mmemory", "Unhandled"
    with pytest.raises(SessionError, match=r"failed while .* out of \\x1b\[31mmemory"):
        admin.sessions()


def test_the_table_has_whose_and_how_much(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["admin", "sessions"]) == 0
    assert capsys.readouterr().out == "No session runs.\n"
    begin(world, 0)
    begin(world, 1, user="bobby", workspace="imaging")
    world.later(1800)
    world.sweep()
    assert main(["admin", "sessions", "--user", "bobby"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[:5] == ["SESSION", "WORKSPACE", "USER", "STATE", "WORKERS"]
    assert row.split()[:5] == [named(1), "imaging", "bobby", "running", "3/3"]
    assert row.split()[-2] == "1.5"
    assert main(["admin", "sessions", "--json", "--workspace", "genomics"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [one["session"] for one in said["sessions"]] == [named(0)]
    assert said["unread"] == {}


def test_a_record_that_cannot_be_read_is_told_and_ends_with_1(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(world, 0)
    begin(world, 1)
    world.put(keys_of(0).control_record, b"{}")
    assert main(["admin", "sessions"]) == 1
    told = capsys.readouterr()
    assert named(1) in told.out
    assert named(0) in told.err


def test_totals_and_who_holds_them(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    begin(world, 0)
    begin(world, 1, workers=5, user="bobby")
    command(world, "freeze", workspace="imaging", why="an audit", by="ada")
    found = admin.totals()
    assert [(one.session, one.workers) for one in found.holders] == [(named(1), 5), (named(0), 3)]
    assert {one.name for one in found.scopes} == {"prod", "genomics", "imaging", "alice", "bobby"}
    assert [one.why for one in found.frozen] == ["an audit"]
    assert main(["admin", "totals"]) == 0
    said = capsys.readouterr().out
    assert "workspace genomics: 2 of 1,000 sessions, 8 of 1,000 workers" in said
    assert "imaging is frozen since" in said
    assert main(["admin", "totals", "--workspace", "imaging", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["holders"] == []
    with pytest.raises(WorkspaceNotFound):
        admin.totals(workspace="elsewhere")


def test_a_command_without_its_own_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["admin"])
    assert caught.value.code == 2
    with pytest.raises(SystemExit):
        main(["admin", "sessions", "--ended-since", "yesterday"])
    assert "is no time such as" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Prod", "a/b", "x", "prod\n"])
def test_what_is_no_environment_is_refused_before_anyone_is_asked(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from starburst._client.admin.office import open_office  # noqa: PLC0415 - the fixture replaces another

    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="is no environment's name"):
        open_office(name)
