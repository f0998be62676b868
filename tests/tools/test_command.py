"""``python -m deploy local`` says what is wrong, and ends what it started."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import __main__ as command
from starburst.local import LocalEnvironment, attach

UP = """
import sys
from pathlib import Path
from deploy import __main__ as command
command.Deployment.up = lambda self: None
sys.exit(command.main(["local", "up", "--state", sys.argv[1]]))
"""


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Path]:
    """The state file of one that is up, with nothing deployed, to save the time."""
    state = tmp_path / "state.json"
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", UP, str(state)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        assert "Ctrl-C ends it.\n" in iter(process.stdout.readline, "")
        yield state
        process.terminate()


def test_down_ends_the_one_that_is_up(up: Path) -> None:
    local = attach(up)
    folder = Path(local.ca_bundle).parent
    assert command.main(["local", "down", "--state", str(up)]) == 0
    assert not up.exists()
    assert not folder.exists()


@pytest.mark.parametrize("verb", ["down", "diff", "redeploy"])
def test_nothing_up_is_said(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["local", verb, "--state", str(tmp_path / "none.json")]) == 1
    assert "does not exist" in capsys.readouterr().out


def test_a_failed_deployment_is_said_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []

    def fail(deployment: command.Deployment) -> None:
        ended.append(deployment.local)
        raise command.StarburstError("no such luck")

    monkeypatch.setattr(command.Deployment, "up", fail)
    state = tmp_path / "state.json"
    assert command.main(["local", "up", "--state", str(state)]) == 1
    assert "no such luck" in capsys.readouterr().out
    assert not state.exists()
    (local,) = ended
    assert isinstance(local, LocalEnvironment)
    with pytest.raises(command.StarburstError, match="not started"):
        _ = local.endpoint
