"""`starburst data` and `starburst home`: lines for people, and JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from starburst._client.access.connection import Connection
from starburst.cli.command import main
from tests.cli.shapes import promised
from tests.files.conftest import BUCKET, connection

__all__ = ["connection"]  # the fixture

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    def connected(*_: object, steward: bool = False, **__: object) -> Connection:
        return replace(connection, steward=steward)

    monkeypatch.setattr("starburst._client.access.connection.connect", connected)

    def made(*words: str) -> tuple[int, str, str]:
        code = main(words)
        said = capsys.readouterr()
        return code, said.out, said.err

    return made


@pytest.mark.parametrize("where", ["data", "home"])
def test_a_file_goes_there_and_comes_back(where: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a")
    code, out, _ = run(where, "put", str(tmp_path / "a.csv"), "x/a.csv")
    assert (code, out.endswith("x/a.csv: 1 file of 1 bytes put.\n")) == (0, True)
    assert run(where, "ls")[1].split() == ["x/"]
    assert run(where, "ls", "-r")[1].split()[-1] == "x/a.csv"
    code, out, _ = run(where, "get", "x", str(tmp_path / "back"))
    assert (tmp_path / "back/a.csv").read_text() == "a"
    code, out, err = run(where, "rm", "x")
    assert (code, out) == (1, "")
    assert "pass recursive=True (-r)" in err
    assert run(where, "rm", "x", "-r")[:2] == (
        0,
        "1 file is removed; older versions are kept for a while.\n",
    )
    code, _, err = run(where, "get", "x")
    assert code == 1
    assert err.startswith("starburst: there is nothing at s3://")


def test_scripts_read_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a")
    for replaced in ([], ["a.csv"]):
        put = json.loads(run("data", "put", str(tmp_path / "a.csv"), "--json")[1])
        path = f"s3://{BUCKET}/data/study/a.csv"
        assert put == {"target": path, "files": 1, "nbytes": 1, "replaced": replaced}
    [line] = run("data", "ls", "--json")[1].splitlines()
    assert json.loads(line)["path"] == path
    assert json.loads(line).keys() == promised()["data ls"]
    assert put.keys() == promised()["data put"]
    got = json.loads(run("data", "get", "a.csv", str(tmp_path / "b"), "--json")[1])
    assert got["target"] == str(tmp_path / "b")
    assert json.loads(run("data", "rm", "a.csv", "--json")[1]) == {"removed": 1}


def test_a_name_that_somebody_stored_drives_no_terminal(run: Run, connection: Connection) -> None:
    connection.s3.put_object(Bucket=BUCKET, Key="data/study/a\x1b[31m\nb", Body=b"")
    for form in ((), ("--json",)):
        code, out, _ = run("data", "ls", *form)
        assert code == 0
        assert "\x1b" not in out
        assert out.count("\n") == 1


def test_a_steward_says_so_and_has_no_home(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    assert run("data", "put", str(tmp_path / "a"), "--steward")[0] == 0
    with pytest.raises(SystemExit):
        run("home", "ls", "--steward")


def test_standard_input_is_put_under_a_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe:
        def __init__(self) -> None:
            self.left = [b"pi", b"pe", b""]

        def read(self, _: int) -> bytes:
            return self.left.pop(0)

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=Pipe()))
    assert run("data", "put", "-", "piped")[0] == 0
    assert "5 B" not in run("data", "ls")[1]
    assert "4 B" in run("data", "ls")[1]


def test_a_group_without_a_command_explains_itself(run: Run) -> None:
    code, out, _ = run("home")
    assert code == 2
    assert all(word in out for word in ("ls", "put", "get", "rm", "url"))


def test_a_link_is_refused_by_a_sentence_and_the_console_is_always_there(run: Run) -> None:
    code, _, err = run("home", "url", "x")
    assert (code, "have no links" in err) == (1, True)
    code, out, _ = run("home", "url", "plots/", "--console")
    assert (code, out.startswith("https://eu-west-1.console.aws.amazon.com/")) == (0, True)
    assert json.loads(run("home", "url", "plots/", "--console", "--json")[1]) == {"url": out[:-1]}
