"""An analyst's week on the local environment, in the order of the days, by a script and a shell.

What tasks say, failures, their tools, the command line and the report: one session carries it, so
that it takes seconds.
"""

from __future__ import annotations

import json
import operator
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import pytest

import starburst
import starburst.joblib
from starburst.cli import main

SCRIPT = """\
import dataclasses, logging, os, subprocess, sys, warnings

import starburst

@dataclasses.dataclass
class Terms:
    depth: int

def talk(n):
    print("printed", n)
    logging.warning("logged %d", n)
    warnings.warn(f"warned {n}")
    subprocess.run(["sh", "-c", f"echo from a program {n}"])
    os.write(2, b"\\x1b[31mraw\\x1b[0m\\n")
    for share in (1, 50, 99):
        print(f"\\r{share} %", end="")
    return n

def divide(terms, by=0):
    if terms.depth == 3:
        raise KeyError("three")
    return 6 / (terms.depth - by)

def inner(n):
    return starburst.map(abs, [n])
"""

SMALL: dict[str, Any] = {"workers": 1, "cpu": 0.25, "memory": 0.5}


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An analyst's script, as ``python study.py`` runs it."""
    path = tmp_path_factory.mktemp("week") / "study.py"
    path.write_text(SCRIPT)
    module: Any = types.ModuleType("__main__")
    module.__file__ = str(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", module)
        exec(compile(SCRIPT, str(path), "exec"), vars(module))  # noqa: S102 - as Python does
        yield module


@pytest.fixture(scope="module")
def session(local_environment: object, script: object) -> Iterator[starburst.Session]:
    """The one that everything here is asked of."""
    with starburst.session(**SMALL, labels={"name": "A week"}, progress=False) as session:
        yield session
        session.cleanup(force=True)


def words(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """Return what a command says."""
    assert main([*arguments]) == code, capsys.readouterr().err
    return capsys.readouterr().out


def monday_prints(
    session: starburst.Session, script: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert session.submit(script.talk, 7).result() == 7
    said = [str(line) for line in session.logs(task=0)]
    for part in ("printed 7", "from a program 7", "99 %", "\\x1b[31mraw\\x1b[0m"):
        assert part in said
    assert [line for line in said if "logged 7" in line]
    # As Python shows a warning here: its file, its line, its source.
    (at,) = (n for n, line in enumerate(said) if "UserWarning: warned 7" in line)
    assert said[at].startswith(f"{script.__file__}:12:")
    assert said[at + 1].strip() == 'warnings.warn(f"warned {n}")'
    assert words(capsys, "logs", session.id, "--task", "0").splitlines() == said
    with pytest.raises(starburst.ConfigurationError, match="no task's number"):
        session.logs(task=-1)


def tuesday_failures(session: starburst.Session, script: Any) -> None:
    depths = [script.Terms(n) for n in (1, 2, 3, 0)]
    futures = session.map(script.divide, depths)
    with pytest.raises(KeyError) as caught:
        session.collect()
    notes = "\n".join(caught.value.__notes__)
    assert "2 of 5 tasks failed: 1 KeyError, 1 ZeroDivisionError; the first of each:" in notes
    error = futures[3].exception()
    assert error is not None
    remote = starburst.RemoteTraceback.of(error)
    assert remote is not None
    assert f'File "{script.__file__}", line 22, in divide\n    return 6 / (' in remote.text
    assert "called as divide(Terms(depth=0))" in remote.text
    assert f"of session {session.id}, on worker " in remote.text
    left = [type(each) for each in session.collect(return_exceptions=True)]
    assert left == [int, float, float, KeyError, ZeroDivisionError]


def wednesday_resumes(script: Any, capsys: pytest.CaptureFixture[str]) -> None:
    name = Path(script.__file__).parent.name
    kwargs = {"by": 4}
    first = [script.Terms(n) for n in (1, 2)]
    assert starburst.map(
        script.divide, first, kwargs=kwargs, resume=name, **SMALL, progress=False
    ) == [-2, -3]
    again = starburst.map(script.divide, first, kwargs=kwargs, resume=name, **SMALL, progress=False)
    assert again == [-2, -3]
    assert "2 of 2 results are there" in capsys.readouterr().err
    for each in starburst.sessions():
        if each.manifest.labels.get("starburst:resume") == name:
            starburst.attach(each.id).cleanup(force=True)


def thursday_tools(session: starburst.Session, script: Any) -> None:
    with joblib.parallel_config("starburst", environment="local", **SMALL):
        found = joblib.Parallel(n_jobs=2)(joblib.delayed(operator.mul)(n, 7) for n in range(5))
    assert found == [0, 7, 14, 21, 28]
    refused = session.submit(script.inner, 1).exception()
    assert isinstance(refused, starburst.TaskError)
    assert refused.type_name == "starburst.errors.ConfigurationError"
    assert "tasks start no tasks" in str(refused)


def friday_shell_and_report(
    session: starburst.Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = [json.loads(line) for line in words(capsys, "sessions", "--json").splitlines()]
    assert session.id in {each["session"] for each in listed}
    tasks = json.loads(words(capsys, "status", session.id, "--json"))["tasks"]
    assert (tasks["total"], tasks["failed"]) == (6, 3)
    out = tmp_path / "week.jsonl"
    words(capsys, "collect", session.id, "--out", str(out), code=3)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["error"]["type"] for row in rows if "error" in row][:1] == ["KeyError"]
    shown = Path(session.report(tmp_path / "week.html")).read_text()
    assert "A week" in shown
    assert "ZeroDivisionError" in shown
    assert "<script" not in shown
    assert "$0." in words(capsys, "estimate", "--workers", "1", "--memory", "2GB", "--hours", "1")
    assert main(["status", "nothing"]) == 1


def test_a_week_of_work(
    session: starburst.Session,
    script: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monday_prints(session, script, capsys)
    tuesday_failures(session, script)
    wednesday_resumes(script, capsys)
    thursday_tools(session, script)
    friday_shell_and_report(session, tmp_path, capsys)
