"""Three incidents end by one command each, on ``local``; and a drill tells where one does not."""

from __future__ import annotations

import contextlib
import importlib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.drill.incidents import ALL, Incident
from deploy.drill.playing import play
from deploy.drill.stage import Stage, set_up
from deploy.drill.terminal import Officer, Ran, shell
from starburst.local import LocalEnvironment, share

pytestmark = pytest.mark.timeout(600)


def here(officer: Officer, command: str, words: Sequence[str]) -> Ran:
    """Run a command in this process: Python need not start for each."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = importlib.import_module(command).main(words, clients=officer.clients)
    return Ran(words=" ".join((command, *words)), code=code, seconds=0.0, text=said.getvalue())


def nothing(officer: Officer, command: str, words: Sequence[str]) -> Ran:
    """Have a command do nothing, and say that all is well."""
    return Ran(words=" ".join((command, *words)), code=0, seconds=0.0, text="")


@pytest.fixture
def shared(
    deployed: LocalEnvironment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[LocalEnvironment]:
    monkeypatch.chdir(tmp_path)  # commands leave records there
    with share(deployed) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield deployed


@pytest.fixture
def stage(shared: LocalEnvironment) -> Iterator[Stage]:
    with set_up(shared, here) as stage:
        yield stage


@pytest.mark.parametrize("incident", ALL, ids=lambda each: each.name)
def test_an_incident_is_over_its_evidence_is_kept_and_all_comes_back(
    stage: Stage, incident: Incident
) -> None:
    # A task without an end keeps its worker for its grace time, which `make drill` waits for.
    outcome = play(stage, replace(incident, endless=False))
    assert list(outcome.wrong(math.inf)) == [], outcome.transcript
    assert outcome.told
    assert outcome.command.startswith("deploy.contain ")


def test_without_its_commands_nothing_is_over_kept_or_back(shared: LocalEnvironment) -> None:
    with set_up(shared, nothing) as stage:
        outcome = play(stage, ALL[0], patience=0)
    assert (outcome.over.stopped, outcome.over.shut) == (None, None)
    assert outcome.new_session
    assert not any(outcome.evidence.values())
    assert {one.partition("/")[0] for one in outcome.differing} >= {"sessions", "home"}


def test_a_terminal_is_a_process_with_the_officers_credentials(
    stage: Stage, tmp_path: Path
) -> None:
    ran = shell(stage.local, tmp_path)(stage.responder, "deploy.isolate", ["--environment=local"])
    assert ran.code == 0, ran.text
    assert "Nothing was changed. Add --apply to do it." in ran.text
    ran = shell(stage.local, tmp_path)(stage.watcher, "deploy.isolate", ["--environment=local"])
    assert (ran.code, "AccessDenied" in ran.text) == (1, True), ran.text
