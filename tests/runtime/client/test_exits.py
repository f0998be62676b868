"""A task that ends the way programs end is a task that failed, once, and says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from starburst._codec.exceptions import rebuild
from starburst._functions.payload import dump_input
from starburst.errors import TaskError
from starburst.worker.child.frames import write_frame
from starburst.worker.child.process import Child, ChildDied
from tests.runtime.children import run, tell


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child()
    yield child
    child.kill()


def exits(x: int) -> NoReturn:
    sys.exit(x)


def exits_with_words(x: int) -> NoReturn:
    sys.exit("no variants in this region")


def interrupts(x: int) -> NoReturn:
    raise KeyboardInterrupt


class Panic(BaseException):
    """As pyo3 raises it for Rust code: not an Exception."""


def panics(x: int) -> NoReturn:
    raise Panic("index out of bounds")


@pytest.mark.parametrize(
    ("function", "name", "said"),
    [
        (exits, "SystemExit", "the function called sys.exit(1)"),
        (exits_with_words, "SystemExit", "called sys.exit('no variants in this region')"),
        (interrupts, "KeyboardInterrupt", ""),
        (panics, "Panic", "index out of bounds"),
    ],
)
def test_it_fails_once_with_its_reason_and_the_next_task_runs(
    child: Child, function: Callable[[int], object], name: str, said: str
) -> None:
    failures, retries = run(child, function)
    error = rebuild(failures[1], mode="data")
    assert (type(error).__name__, type(error).__base__) == (name, TaskError)
    assert said in str(error)
    assert "test_exits.py" in str(error.__cause__)
    assert (len(failures), retries) == (2, 0)


def waits(x: int) -> int:
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait(0.01)
    command = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", command], capture_output=True, check=True, text=True
    )
    return 0 if done.stdout == "True\n" else 1 // 0


def test_ctrl_c_at_a_local_worker_is_not_the_tasks_affair(child: Child) -> None:
    assert run(child, waits) == ({}, 0)


def answers_for_itself(x: int) -> None:
    """Find the pipe to the worker, and say something into it."""
    header: dict[str, Any] = {"first": 0, "count": "many"}
    with os.fdopen(os.dup(int(sys.argv[2])), "wb") as pipe:
        write_frame(pipe, header)
    threading.Event().wait()


def test_a_task_that_speaks_for_its_process_is_ended_with_it(child: Child) -> None:
    with pytest.raises(ChildDied, match="SIGKILL"):
        run(child, answers_for_itself)


def leaves_a_process_behind(place: str, how: str) -> None:
    """Fork a process that would outlive this one by far, then end or linger."""
    helper = os.fork()
    if helper == 0:
        time.sleep(200)
        os._exit(0)
    Path(place).write_text(str(helper))
    if how == "dies":
        os._exit(3)
    elif how == "lets go":
        os.closerange(3, 1 << 16)  # pipes keep their numbers, and the tests' process has many open
    threading.Event().wait()


def gone(pid: int) -> bool:
    """Whether a process has ended, or only waits for its parent to take note."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


@pytest.mark.parametrize(
    ("how", "said"),
    [("dies", "exited with code 3"), ("lets go", "SIGKILL"), ("lingers", "")],
)
def test_what_a_task_forked_neither_hides_its_end_nor_outlives_it(
    tmp_path: Path, how: str, said: str
) -> None:
    child, place = Child(), tmp_path / "helper"
    tell(child, leaves_a_process_behind)
    header = {"do": "run", "function": "f", "lo": 0, "retries": 0, "retry_on": []}
    child.send({**header, "mode": "data", "max_bytes": 1000}, [dump_input(((str(place), how), {}))])
    wait_until(lambda: place.exists() and place.read_text() != "")
    try:
        if said:
            with pytest.raises(ChildDied, match=said):
                assert child.receive(timeout=60) is not None, "its end was not noticed"
    finally:
        end = threading.Thread(target=child.kill, daemon=True)
        end.start()
        end.join(60)
    assert not end.is_alive(), "its end waits for what it forked"
    wait_until(lambda: gone(int(place.read_text())))


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)
