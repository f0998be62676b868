"""What is told of a task that died is its own; and a task starts no session."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

import starburst
from starburst._client.access.connection import Connection
from starburst._client.mapping import map_over
from starburst.errors import TaskError, WorkerLost

LARGE = 400 << 20
MAP = "import starburst; starburst.map(abs, [1])"


def large_then_killed(number: int) -> int:
    """The first takes much memory and gives it back, the second takes none and is killed."""
    if number == 0:
        return len(bytearray(b"x") * LARGE)
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def killed_when_large(_: int) -> int:
    held = bytearray(b"x") * LARGE
    os.kill(os.getpid(), signal.SIGKILL)
    return len(held)


def mebibytes(lost: object) -> int:
    found = re.search(r"it (peaked at|took less than) ([\d,]+) MiB", str(lost))
    assert found, lost
    return int(found[2].replace(",", ""))


@pytest.mark.parametrize("attempts", [1, 2])
def test_the_peak_is_that_of_the_task_that_died_and_no_earlier_ones(
    connection: Connection, attempts: int
) -> None:
    """In its own process as well as in one that was started after the large one's."""
    with starburst.session(connection, workers=1, attempts=attempts, progress=False) as session:
        session.map(large_then_killed, range(2))
        done, lost = session.collect(timeout=60, return_exceptions=True)
    assert done == LARGE
    assert isinstance(lost, WorkerLost)
    # Below what the process that started it had taken, which may be much here, nobody can tell.
    assert mebibytes(lost) < LARGE >> 20 or "it took less than" in str(lost)


def test_what_a_task_took_when_it_died_is_told(connection: Connection) -> None:
    with starburst.session(connection, workers=1, attempts=1, progress=False) as session:
        session.map(killed_when_large, [0])
        (lost,) = session.collect(timeout=60, return_exceptions=True)
    assert mebibytes(lost) >= LARGE >> 20


def nested(_: int) -> list[int]:
    return starburst.map(abs, [-1])


def by_a_program(_: int) -> str:
    """Start a program that starts a session, as a task may."""
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", MAP], capture_output=True, text=True, check=False, timeout=60
    )
    return done.stderr


@pytest.mark.usefixtures("forked")
def test_a_task_starts_no_session_and_no_local_environment(connection: Connection) -> None:
    with pytest.raises(TaskError, match="tasks start no tasks") as caught:
        map_over(nested, [0], environment=connection, progress=False)
    assert "in the program that started the session" in str(caught.value)


@pytest.mark.usefixtures("forked")
def test_nor_does_a_program_that_a_task_starts(connection: Connection) -> None:
    (said,) = map_over(by_a_program, [0], environment=connection, progress=False)
    assert "tasks start no tasks" in said
