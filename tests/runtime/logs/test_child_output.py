"""What a task prints is told apart from what others print, whoever wrote it, however it ended."""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from starburst._functions.payload import dump_input
from starburst.worker.child.process import Child, ChildDied
from starburst.worker.printing.masking import MASK, Mask
from starburst.worker.printing.task_lines import MOST_TASK_BYTES, TaskLines
from starburst.worker.settings.variables import Variables
from tests.runtime.children import tell

FIRST = 40
"""The number in the session of the first task here."""


class Printing:
    """A child whose lines are held."""

    def __init__(self, *secrets: str) -> None:
        self.lines: list[tuple[int | None, str, str]] = []
        self.came = threading.Condition()
        self.child = Child(take=self._take, mask=Mask(secrets))

    def _take(self, task: int | None, stream: str, text: str) -> None:
        with self.came:
            self.lines.append((task, stream, text))
            self.came.notify_all()

    def run(self, function: Callable[[int], object], tasks: int) -> None:
        """Run tasks; what they printed is in ``lines`` as soon as the last has its result."""
        tell(self.child, function)
        self.begin(tasks)
        final = False
        while not final:
            frame = self.child.receive(60)
            final = frame is not None and frame.header["final"]

    def begin(self, tasks: int) -> None:
        header: dict[str, Any] = {"do": "run", "function": "f", "lo": 0, "first": FIRST}
        limits = {"retries": 0, "retry_on": [], "mode": "data", "max_bytes": 1 << 20}
        inputs = [dump_input(((n,), {})) for n in range(tasks)]
        self.child.send({**header, **limits}, inputs)

    def of(self, task: int, stream: str = "stdout") -> list[str]:
        place = FIRST + task, stream
        return [text for number, where, text in self.lines if (number, where) == place]


@pytest.fixture(scope="module")
def shared() -> Iterator[Printing]:
    made = Printing()
    yield made
    made.child.kill()


@pytest.fixture
def printing(shared: Printing) -> Printing:
    """A child that no test here ends."""
    shared.lines.clear()
    return shared


def speak(n: int) -> None:
    print("python", n)
    if n == 1:
        subprocess.run([sys.executable, "-c", "print('process')"], check=True)
        ctypes.CDLL(None).printf(b"C %d\n", n)
        os.write(1, b"raw\n")
        logging.getLogger("genes").warning("logged")
        warnings.warn("warned", stacklevel=2)
        print("no end of a line", end="")


def test_each_line_is_of_the_task_that_printed_it_whoever_wrote_it(printing: Printing) -> None:
    printing.run(speak, 3)
    assert printing.of(0) == ["python 0"]
    assert printing.of(1) == ["python 1", "process", "C 1", "raw", "no end of a line"]
    assert printing.of(2) == ["python 2"]
    logged, *warned = printing.of(1, "stderr")
    assert logged == "logged"
    assert "UserWarning: warned" in warned[0]


def quiet(n: int) -> int:
    return n


def loud(n: int) -> None:
    if n % 7 == 3:
        print("loud", n)


def test_among_many_quick_tasks_none_gets_what_another_printed(printing: Printing) -> None:
    printing.run(loud, 2_000)
    assert [line for line in printing.lines if line[1] == "stdout"] == [
        (FIRST + n, "stdout", f"loud {n}") for n in range(2_000) if n % 7 == 3
    ]


def test_quiet_tasks_write_nothing_at_all(printing: Printing) -> None:
    before = None
    while before != printing.child.state.reading:  # what earlier tests printed is all marked
        before = printing.child.state.reading
        printing.run(quiet, 1_000)
    printing.run(quiet, 5_000)
    assert not printing.lines
    assert printing.child.state.reading == before


def wait_for_end(_: int) -> None:
    print("half way", flush=True)
    threading.Event().wait()


def test_a_line_is_there_while_its_task_still_runs() -> None:
    printing = Printing()
    tell(printing.child, wait_for_end)
    printing.begin(1)
    with printing.came:
        assert printing.came.wait_for(lambda: printing.of(0) == ["half way"], 60)
    printing.child.kill()


def die(n: int) -> None:
    print("last words", n, flush=True)
    os.kill(os.getpid(), 9)


def test_the_last_words_of_a_task_that_kills_its_process_are_kept() -> None:
    printing = Printing()
    tell(printing.child, die)
    printing.begin(1)
    with pytest.raises(ChildDied):
        printing.child.receive(60)
    printing.child.kill()
    assert printing.of(0) == ["last words 0"]


def rude(n: int) -> int:
    if n == 0:
        sys.stdout.close()
    if n == 1:
        os.write(1, b"\xff\xfe \x01 \r 10%\r 99%\r\n" + b"x" * 40_000 + b"\n")
        # What goes past Python's streams is looked for after no task of less than a moment.
        ends = time.monotonic() + 0.001
        while time.monotonic() < ends:
            pass
    if n == 2:
        os.set_blocking(1, False)
        os.write(1, b"still here\n")
    return n


def test_a_rude_task_loses_no_line_of_another() -> None:
    printing = Printing()
    printing.run(rude, 4)
    bar, *long = printing.of(1)
    assert bar == " 99%"
    assert "".join(long) == "x" * 40_000
    assert max(map(len, long)) <= 16 << 10
    assert printing.of(2) == ["still here"]
    printing.child.kill()


def draw(_: int) -> None:
    for state in range(2_000):
        os.write(2, f"\r{state:>50} of 2000".encode())


def test_of_a_bar_that_is_drawn_for_long_the_last_state_is_left(printing: Printing) -> None:
    printing.run(draw, 2)
    for task in range(2):
        assert [line.strip() for line in printing.of(task, "stderr")] == ["1999 of 2000"]


def outlive(_: int) -> None:
    subprocess.Popen(["/bin/sh", "-c", "while :; do echo on and on; done"])


def test_a_process_that_outlives_its_task_holds_nothing_up() -> None:
    printing = Printing()
    printing.run(outlive, 2)
    printing.child.kill()


def test_a_task_that_prints_too_much_is_cut_and_told_so_and_others_are_not() -> None:
    lines = TaskLines()
    for n in range(MOST_TASK_BYTES // 50):
        lines.take(1, "stdout", f"{n:050}")
    lines.take(2, "stdout", "brief")
    found = lines.taken()
    assert sum(len(each.text) for each in found) <= MOST_TASK_BYTES
    assert "cut here" in found[-2].text
    assert (found[-1].task, found[-1].text) == (2, "brief")
    assert not [each for each in found[:-2] if "cut" in each.text]


def test_what_s3_does_not_take_is_bounded_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starburst.worker.printing.task_lines._MOST_WAITING", 10_000)
    lines = TaskLines()
    for n in range(1_000):
        lines.take(n, "stderr", "x" * 50)
    found = lines.taken()
    assert sum(len(each.text) for each in found) < 12_000
    assert "left out" in found[-1].text
    lines.take(0, "stderr", "again")
    assert lines.taken()[0].text == "again"


@pytest.mark.parametrize(
    ("chosen", "copied"),
    [("", False), ("session", False), ("cloudwatch", False), ("session and cloudwatch", True)],
)
def test_lines_reach_the_workers_log_only_where_the_environment_chose_so(
    capsys: pytest.CaptureFixture[str], chosen: str, *, copied: bool
) -> None:
    given = {
        "STARBURST_WORKSPACE": "study",
        "STARBURST_BUCKET": "data",
        "STARBURST_KEY_ARN": "arn",
        "STARBURST_SESSION_PREFIX": f"sessions/study/alice/{'a' * 20}/",
        "STARBURST_QUEUE_URL": "url",
        "STARBURST_LONGEST_SECONDS": "60",
        "STARBURST_TASK_OUTPUT": chosen,
    }
    assert Variables.read(given).copied is copied
    TaskLines(copied=copied).take(1, "stdout", "a name")
    assert ("a name" in capsys.readouterr().out) is copied


TOKEN, CHAIN, TIMES = "hunter22-of-29-characters-now", "c" * 20_000, 10_000


def slip(n: int) -> None:
    """Print a secret where long lines are cut, and more of them in a line than a pipe holds."""
    if n == 0:
        print("x" * (16_384 - 10) + TOKEN + "y" * 100, end=f"\n{CHAIN}\n")
    else:
        print(TOKEN * TIMES, end="")


def test_a_secret_is_masked_wherever_a_long_line_is_cut() -> None:
    printing = Printing(TOKEN, CHAIN)
    try:
        printing.run(slip, 2)
    finally:
        printing.child.kill()
    assert "".join(printing.of(0)) == "x" * (16_384 - 10) + MASK + "y" * 100 + MASK
    assert "".join(printing.of(1)) == MASK * TIMES
