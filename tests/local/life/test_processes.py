"""Containers as processes: how they are told to end, what they wrote, and what they leave."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from starburst.local.containers import Container, Containers, Launch
from tests.local.scene import eventually

STUBBORN = (
    "import os, signal, time; signal.signal(signal.SIGTERM, lambda *_: None); "
    "child = os.fork(); print('ready', flush=True) if child else None; time.sleep(600)"
)


@pytest.fixture
def containers(tmp_path: Path) -> Iterator[Containers]:
    made = Containers(scratch=tmp_path, prepare=lambda *_: Launch(environment={}, stop_seconds=0.1))
    yield made
    made.kill()


def running(containers: Containers, program: str) -> Container:
    container = containers.run("image", command=["python", "-c", program])
    eventually(lambda: container.logs() or None)
    return container


def in_group(group: int) -> list[str]:
    """Return the states of the processes of a group."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(fields[0])
    return found


def test_what_does_not_end_when_told_is_killed_after_its_time(containers: Containers) -> None:
    container = running(containers, STUBBORN)
    container.stop()
    container.process.wait(60)
    assert container.wait() == {"StatusCode": 128 + signal.SIGKILL}
    assert container.status == "exited"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_a_task_forked_ends_with_it(containers: Containers) -> None:
    orphan = "import os, time; print('x', flush=True) if os.fork() else time.sleep(600)"
    container = running(containers, orphan)
    container.process.wait(60)
    assert in_group(container.process.pid)
    container.remove()
    eventually(lambda: True if not in_group(container.process.pid) else None)
    assert container.logs() == b"x\n", "who follows it reads it to its end"


def test_a_task_that_runs_is_removed_once_it_has_ended(containers: Containers) -> None:
    container = running(containers, "import time; print('x', flush=True); time.sleep(600)")
    container.remove()
    assert container.status == "running"
    assert (container.folder / "home").exists()
    os.kill(container.process.pid, signal.SIGKILL)
    eventually(lambda: True if not (container.folder / "home").exists() else None)


def test_a_log_is_followed_to_what_was_written_last(
    containers: Containers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task writes its last words, and ends, between two looks at it."""
    container = running(containers, "print('x')")
    container.process.wait(60)
    log = container.folder / "log"
    log.write_bytes(b"first\n")

    class Ending:
        looks = 0

        def poll(self) -> int | None:
            self.looks += 1
            if self.looks == 1:
                return None
            log.write_bytes(b"first\nlast")
            return 0

    monkeypatch.setattr("starburst.local.containers._FOLLOW_SECONDS", 0.0)
    monkeypatch.setattr(container, "process", Ending())
    assert b"".join(container._follow()) == b"first\nlast"
