"""What a worker took of its machine is given back: descriptors, memory, disk, threads."""

from __future__ import annotations

import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from starburst.worker.child.process import Child
from tests.runtime.worker.virtual.virtual_session import VirtualSession
from tests.some import some


def held() -> set[tuple[str, str]]:
    """The pipes and the shared memory that this process has open."""
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the listing's own
            link = os.readlink(f"/proc/self/fd/{fd}")
            if link.startswith("pipe:") or "starburst-state" in link:
                found.add((fd, link))
    return found


def test_a_child_that_was_ended_leaves_no_pipe_memory_or_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = held()
    child = Child()
    (some(list(tmp_path.iterdir()))[0] / "left by a task").write_bytes(b"large")
    assert held() > before
    child.kill()
    assert held() <= before
    assert not list(tmp_path.iterdir())


def test_a_worker_that_ended_leaves_no_thread_behind() -> None:
    before = {*threading.enumerate()}
    session = VirtualSession([0.1])
    worker = session.run()
    assert session.outcomes() == session.squares()
    left = {*threading.enumerate()} - before
    for thread in left:
        thread.join(20)
    assert [thread.name for thread in left if thread.is_alive()] == [], f"{worker} has ended"
