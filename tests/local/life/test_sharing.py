"""One local environment for a process and its commands: started once, stopped, and found."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from starburst.errors import LocalEnvironmentError
from starburst.local import running, sharing
from starburst.local.__main__ import main
from starburst.local.emulator import STATE_VARIABLE
from starburst.local.environment import LocalEnvironment, started


class Environment:
    """Stands for an environment, and counts what is done to it."""

    made: list[Environment]

    def __init__(self, *, unkind: int | None = None, strict: bool = False) -> None:
        self.unkind = unkind
        self.strict = strict
        self.done: list[str] = []
        self.made.append(self)

    def start(self) -> None:
        self.done.append("start")

    def begin_unkindness(self) -> None:
        self.done.append("unkindness")

    def stop(self) -> None:
        self.done.append("stop")


@pytest.fixture
def at_exit(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What a process of its own does at its end."""
    found: list[Callable[[], None]] = []
    monkeypatch.delenv(STATE_VARIABLE, raising=False)
    monkeypatch.setattr(sharing.atexit, "register", found.append)
    monkeypatch.setattr(sharing, "_own", [])
    monkeypatch.setattr(sharing, "LocalEnvironment", Environment)
    monkeypatch.setattr(Environment, "made", [], raising=False)
    monkeypatch.setattr(
        sharing, "deploy_templates", lambda local: local.done.append("deploy"), raising=True
    )
    return found


def test_a_processs_own_is_started_once_and_stopped_at_its_end(
    at_exit: list[Callable[[], None]],
) -> None:
    first = sharing.ensure(unkind=7)
    assert sharing.ensure() is first
    (made,) = Environment.made
    assert made.unkind == 7
    assert made.done == ["start", "deploy", "unkindness"]
    for end in at_exit:
        end()
    assert made.done == ["start", "deploy", "unkindness", "stop"]


def test_one_that_cannot_be_deployed_is_stopped_and_not_taken_for_one(
    at_exit: list[Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise LocalEnvironmentError("no stack")

    monkeypatch.setattr(sharing, "deploy_templates", refuse)
    for _ in range(2):
        with pytest.raises(LocalEnvironmentError, match="no stack"):
            sharing.ensure()
    assert [each.done for each in Environment.made] == [["start", "stop"]] * 2
    assert not at_exit


@pytest.mark.usefixtures("at_exit")
def test_threads_that_need_one_at_once_get_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    deploying, go = threading.Event(), threading.Event()

    def slow(_: object) -> None:
        deploying.set()
        assert go.wait(60)

    monkeypatch.setattr(sharing, "deploy_templates", slow)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(sharing.ensure())) for _ in range(2)]
    threads[0].start()
    assert deploying.wait(60)
    threads[1].start()
    threads[1].join(0.2)
    go.set()
    for thread in threads:
        thread.join(60)
    assert len(Environment.made) == 1
    assert found == Environment.made * 2


@contextmanager
def _shared(_: object) -> Iterator[dict[str, str]]:
    yield {STATE_VARIABLE: "/this/one"}


@pytest.mark.parametrize(
    ("program", "code"),
    [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)],
)
def test_a_command_ends_with_the_code_that_a_shell_would_give_it(
    program: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "ensure", lambda **_: None)
    monkeypatch.setattr(running, "share", _shared)
    assert running.run(["--", "sh", "-c", program]) == code


def test_a_command_finds_the_environment_that_it_was_started_in_and_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(running, "ensure", lambda **_: None)
    monkeypatch.setattr(running, "share", _shared)
    monkeypatch.setenv(STATE_VARIABLE, "/another")
    told = tmp_path / "told"
    assert running.run(["sh", "-c", f'echo "${STATE_VARIABLE}" > {told}']) == 0
    assert told.read_text() == "/this/one\n"
    assert os.environ[STATE_VARIABLE] == "/another"


@pytest.mark.parametrize(
    ("error", "code"), [(LocalEnvironmentError("none here"), 1), (KeyboardInterrupt(), 130)]
)
def test_what_kept_a_command_from_running_is_its_exit_code(
    error: BaseException,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(_: object) -> int:
        raise error

    monkeypatch.setattr("starburst.local.__main__.run", refuse)
    assert main(["true"]) == code
    assert ("none here" in capsys.readouterr().err) == (code == 1)


@dataclass
class Emulator:
    """Stands for a server that runs."""

    endpoint: str = "https://one"
    ca_bundle: str = ""
    root_key: str = ""
    root_secret: str = ""
    stops: int = 0

    def stop(self) -> None:
        self.stops += 1


@pytest.fixture
def emulators(monkeypatch: pytest.MonkeyPatch) -> list[Emulator]:
    """What is started next, in order."""
    coming = [Emulator(), Emulator(endpoint="https://two")]
    servers = iter(tuple(coming))
    monkeypatch.delenv(STATE_VARIABLE, raising=False)
    module = "starburst.local.environment"
    monkeypatch.setattr(f"{module}.start_server", lambda **_: next(servers))
    monkeypatch.setattr(f"{module}.create_users", lambda _: None)
    monkeypatch.setattr(f"{module}._started", [])
    monkeypatch.setattr(LocalEnvironment, "client", lambda *_, **__: None)
    return coming


def test_the_address_is_of_the_one_that_was_started_last_and_still_runs(
    emulators: list[Emulator],
) -> None:
    first, second = LocalEnvironment(), LocalEnvironment()
    first.start()
    second.start()
    assert sharing.endpoint() == "https://two"
    second.stop()
    assert sharing.endpoint() == "https://one"
    first.stop()
    assert started() == ()
    assert [each.stops for each in emulators] == [1, 1]


def test_one_without_its_first_roles_is_stopped(
    emulators: list[Emulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise LocalEnvironmentError("no roles")

    monkeypatch.setattr("starburst.local.environment.create_users", refuse)
    local = LocalEnvironment()
    with pytest.raises(LocalEnvironmentError, match="no roles"):
        local.start()
    assert emulators[0].stops == 1
    assert started() == ()
