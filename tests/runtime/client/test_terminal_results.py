"""The command line brings results here and ends what is left, in the JSON that it promises."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._client.session import Session
from starburst.cli import main
from tests.cli.shapes import promised
from tests.runtime.fleet import BUCKET, Fleet
from tests.runtime.sessions import opened, work

ONE = SessionOptions(workers=1, idle_timeout=20)
Run = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.usefixtures("forked")


@pytest.fixture
def run(
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Run:
    monkeypatch.setattr("starburst._client.access.connection.connect", lambda *_, **__: connection)
    monkeypatch.chdir(tmp_path)

    def made(*words: str) -> tuple[int, str, str]:
        code = main(words)
        said = capsys.readouterr()
        ours = (line for line in said.out.splitlines() if line and '"event":' not in line)
        return code, "".join(f"{line}\n" for line in ours), said.err  # workers' threads log too

    return made


def asked(run: Run, *words: str, code: int = 0) -> Any:
    """Run a command with --json; return what it says, whose keys are the promised ones."""
    found, out, err = run(*words, "--json")
    assert found == code, err
    said = json.loads(out)
    name = "collect --out" if words[0] == "collect" else words[0]
    assert said.keys() == promised()[name], "keys may be added, with the page"
    return said


def row(x: int) -> dict[str, Any]:
    if x == 1:
        raise ValueError("no such row\x1b[31m")
    return {"x": x, "y": np.arange(x)}


def frame(x: int) -> pd.DataFrame:
    if x == 1:
        raise ValueError("no frame")
    return pd.DataFrame({"x": [x, x], "half": [x / 2, None]})


def begun(connection: Connection, function: Callable[[int], object], tasks: int = 3) -> Session:
    session = open_session(connection, ONE, progress=False)
    session.map(function, range(tasks))
    return session


def test_results_come_as_json_lines_with_what_failed(run: Run, connection: Connection) -> None:
    session = begun(connection, row)
    session.detach()
    code, out, err = run("collect", session.id)
    assert code == 3
    first, second, third = map(json.loads, out.splitlines())
    assert first == {"task": 0, "result": {"x": 0, "y": []}}
    assert second["task"] == 1
    assert second["error"]["type"] == "ValueError"
    assert second["error"]["message"].startswith("no such row")
    assert third == {"task": 2, "result": {"x": 2, "y": [0, 1]}}
    assert "\x1b" not in out
    assert err == f"{session.id}: 2 of 3 results written, 1 failed\n"
    said = asked(run, "collect", session.id, "--out", "x.jsonl", code=3)
    assert (said["results"], said["failed"], said["left"]) == (2, 1, 0)
    assert Path("x.jsonl").read_text() == out
    code, _, err = run("collect", session.id, "--out", "x.jsonl")
    assert (code, "pass --force to replace it" in err) == (1, True)
    assert asked(run, "attach", session.id, code=3)["tasks"].keys() == promised()["tasks"]
    said = asked(run, "cleanup", session.id, "--erase")
    assert said["known"]
    assert said["erased"] > 0


def test_frames_become_one_table_and_anything_a_pickle(run: Run, connection: Connection) -> None:
    session = begun(connection, frame)
    session.detach()
    assert run("collect", session.id, "--out", "x.parquet")[0] == 3
    table = pd.read_parquet("x.parquet")
    assert list(table.columns) == ["task", "x", "half"]
    assert table["task"].tolist() == [0, 0, 2, 2]
    assert run("collect", session.id, "-o", "x.csv")[0] == 3
    pd.testing.assert_frame_equal(pd.read_csv("x.csv"), table)
    assert run("collect", session.id, "-o", "x.pickle")[0] == 3
    one, failed, other = pickle.loads(Path("x.pickle").read_bytes())  # noqa: S301 - our own
    assert (len(one), len(other)) == (2, 2)
    assert isinstance(failed, starburst.TaskError)
    assert (failed.type_name, str(failed)) == ("ValueError", "ValueError: no frame")
    code, out, err = run("collect", session.id, "-o", "x.jsonl")
    assert (code, out) == (1, "")
    assert "the result of task 0 has no form in JSON (it holds a DataFrame)" in err
    assert sorted(path.name for path in Path().iterdir()) == ["x.csv", "x.parquet", "x.pickle"]
    session.cleanup()


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("x.xlsx", "end it with one of .csv, .jsonl, .parquet, .pickle"),
        ("gone/x.csv", "there is no folder gone"),
    ],
)
def test_a_file_that_cannot_be_is_refused_before_anything_is_asked(
    out: str, words: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starburst._client.access.connection.connect", None)
    code, _, err = run("collect", "a" * 20, "--out", out)
    assert code == 1
    assert words in err


def test_what_is_not_done_is_told_cancelled_and_left_out(
    run: Run, connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = opened(connection, fleet, tasks=4)  # that nobody works at
    session.detach()
    code, out, err = run("collect", session.id, "--timeout", "0")
    assert (code, out) == (4, "")
    assert "0 of 4 tasks of session" in err
    assert asked(run, "attach", session.id, "--timeout", "0", code=4)["tasks"]["done"] == 0
    assert asked(run, "cancel", session.id, "--task", "1")["cancelled"] == 1
    code, _, err = run("cancel", session.id, "--task", "4")
    assert (code, "has 4 tasks, counted from 0" in err) == (1, True)
    said = asked(run, "collect", session.id, "-o", "x.pickle", "--no-wait", code=4)
    assert (said["results"], said["cancelled"], said["left"]) == (0, 1, 3)
    quota = asked(run, "quota")
    assert quota["in_use"] == {"sessions": 1, "workers": 1, "vcpu": 1, "memory_gb": 4}
    assert quota["session"]["workers"] == 100
    assert asked(run, "cancel", session.id)["cancelled"] == 3
    assert asked(run, "status", session.id)["tasks"]["cancelled"] == 4
    [listed] = run("sessions", "--json")[1].splitlines()
    assert json.loads(listed).keys() == promised()["sessions"]
    control = "starburst._client.access.controller.Control.extend"
    monkeypatch.setattr(control, lambda _, end: end)
    assert asked(run, "extend", session.id, "--hours", "1")["deadline"] > 0
    assert run("cleanup", session.id)[1] == f"{session.id} is stopped.\n"
    assert fleet.s3.list_object_versions(Bucket=BUCKET).get("Versions"), "results are kept"


def test_all_results_are_no_news(run: Run, connection: Connection, fleet: Fleet) -> None:
    session = opened(connection, fleet, tasks=2)
    work(fleet, session)
    session.collect(timeout=60)
    session.detach()
    assert run("collect", session.id) == (
        0,
        '{"task": 0, "result": 0}\n{"task": 1, "result": 1}\n',
        "",
    )
    assert "2 of 2 tasks done" in run("attach", session.id)[1]
    session.cleanup()


def test_an_interrupt_lets_the_session_go_and_says_how_to_find_it(
    run: Run, connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    session = opened(connection, fleet, tasks=1)
    session.detach()
    with monkeypatch.context() as patch:
        patch.setattr("starburst._client.tasks.task_list.TaskList.wait", interrupted)
        code, out, err = run("attach", session.id)
    assert (code, out) == (130, "")
    assert f"`starburst attach {session.id}` shows it again" in err
    assert asked(run, "status", session.id)["state"] == "starting", "it goes on"


def test_errors_are_json_too(run: Run) -> None:
    code, out, err = run("status", "a" * 20, "--json")
    assert (code, out) == (1, "")
    said = json.loads(err)
    assert said["error"] == "SessionNotFound"
    assert "alice has no session" in said["message"]
