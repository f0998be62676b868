"""An environment that cannot start leaves no folder, no file and no process behind."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from starburst.errors import LocalEnvironmentError
from starburst.local import server
from starburst.local.state import State


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "lacking", ["create_tls_material", "socket.create_server", "subprocess.Popen"]
)
def test_a_machine_that_lacks_something_keeps_no_folder(
    lacking: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacks(*_: object, **__: object) -> None:
        raise OSError("no more of these")

    monkeypatch.setattr(f"starburst.local.server.{lacking}", lacks)
    with pytest.raises(OSError, match="no more of these"):
        server.start_server()
    assert not list(folder.iterdir())


@pytest.mark.parametrize("error", [OSError("no answer"), KeyboardInterrupt()])
def test_one_that_never_answers_is_ended_with_its_guardian(
    error: BaseException, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    popen = subprocess.Popen

    def start(command: list[str], **how: Any) -> Any:
        started.append(popen([*command[:7], "-c", "import sys; sys.stdin.read()"], **how))
        return started[-1]

    def silent(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("starburst.local.server.subprocess.Popen", start)
    monkeypatch.setattr(server, "read_json", silent)
    with pytest.raises((LocalEnvironmentError, KeyboardInterrupt)):
        server.start_server()
    assert started[0].poll() is not None
    assert not list(folder.iterdir())


def test_a_state_that_cannot_be_written_leaves_the_old_one_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = State(
        endpoint="https://one",
        ca_bundle="",
        region="",
        account="",
        root_key="",
        root_secret="",
        owner=1,
    )
    file = tmp_path / "state.json"
    state.write(file)

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("starburst.local.state.json.dump", full)
    with pytest.raises(OSError, match="no space"):
        state.write(file)
    assert list(tmp_path.iterdir()) == [file]
    assert json.loads(file.read_text())["endpoint"] == "https://one"
