"""What a hostile function tries against the worker that runs it, and against those that come after.

A worker's role is within its reach in any case; what it must not get is a worker that never gives
up, a later task that runs its code, or silence where something was refused.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from starburst._functions.payload import dump_input
from starburst.contract import WORKER_COMMAND
from starburst.worker.child.process import Child
from starburst.worker.child.range_run import RangeRun
from tests.manifests import a_manifest
from tests.runtime.children import tell

ATTEMPTS = 3
TASKS = 2


class Children:
    """Starts children as a worker does; refuses to go on for ever."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self._child: Child | None = None
        self.started = 0

    def get(self) -> Child:
        if self._child is None:
            self.started += 1
            assert self.started <= ATTEMPTS * TASKS + 1, "the worker never gives up"
            self._child = Child()
            tell(self._child, self._function)
        return self._child

    def end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


def run(function: Any, inputs: list[Any], *, timeout: float | None = None) -> dict[int, str]:
    """Run tasks as a worker does; return the kinds of their failures."""
    children = Children(function)
    run = RangeRun(
        manifest=a_manifest(attempts=ATTEMPTS, task_timeout_seconds=timeout),
        function="f",
        inputs=[dump_input(((each,), {})) for each in inputs],
        lo=0,
        hi=len(inputs),
        child=children.get,
        end_child=children.end,
        tick=lambda: None,
        stopping=lambda: None,
    )
    try:
        run.run()
        node = run.node("w")
    finally:
        children.end()
    assert node is not None
    assert node.covered > 0
    return {index: failure.kind for index, failure in node.failures.items()}


def scribble(index: int, began: float) -> None:
    """Write into the memory by which the worker sees what runs."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if "starburst-state" in os.readlink(f"/proc/self/fd/{name}"):
                state = mmap.mmap(int(name), 24)
                struct.pack_into("<qd", state, 0, index, began)
        except OSError:
            continue


@pytest.mark.parametrize("index", [10**6, -7, 2**63 - 1])
def test_a_task_that_blames_one_that_is_not_there_is_given_up(index: int) -> None:
    def dies(_: int) -> None:
        scribble(index, 0.0)
        os._exit(1)

    assert run(dies, [0]) == {0: "lost"}


def test_a_task_that_blames_another_each_time_is_given_up() -> None:
    def dies(_: int) -> None:
        scribble(int.from_bytes(os.urandom(4), "big") + TASKS, 0.0)
        os._exit(1)

    assert run(dies, [0, 1])[0] == "lost"


@pytest.mark.parametrize("began", [-math.inf, math.nan, -1e308])
@pytest.mark.parametrize("index", [10**6, 0])
def test_a_task_that_says_when_it_began_ends_nobody_but_itself(index: int, began: float) -> None:
    def waits(first: int) -> int:
        if first == 0:
            scribble(index, began)
            import time  # noqa: PLC0415 - runs elsewhere

            time.sleep(60)
        return first

    assert run(waits, [0], timeout=30) == {0: "timeout"}


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of a worker, in which tasks write."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


TRAP = "import os, pathlib\npathlib.Path(__file__).with_suffix('.sprung').touch()\n"


def traps(folder: Path) -> list[Path]:
    """Lay modules in the way of those that a worker imports."""
    names = (
        "boto3",
        "cloudpickle",
        "ctypes",
        "decimal",
        "msgpack",
        "numpy",
        "secrets",
        "starburst",
    )
    laid = [folder / f"{name}.py" for name in names]
    for each in laid:
        each.write_text(TRAP)
    return laid


def test_what_a_task_leaves_in_the_working_directory_is_not_imported_by_later_ones(
    scratch: Path,
) -> None:
    def lays(folder: str) -> None:
        with open(f"{folder}/colorsys.py", "w") as file:
            file.write("raise SystemExit('the next task ran what I left')\n")

    def looks(_: str) -> str:
        import colorsys  # noqa: PLC0415 - runs elsewhere

        return colorsys.__file__

    traps(scratch)
    assert run(lays, [str(scratch)]) == {}
    assert run(looks, [str(scratch)]) == {}
    assert [each.name for each in scratch.glob("*.sprung")] == []


def test_the_worker_itself_imports_nothing_from_where_tasks_write(scratch: Path) -> None:
    """It holds the keys, and imports late what it seldom needs."""
    program = (
        "import os, runpy, sys\n"
        "def say():\n"
        "    print(any(os.path.realpath(each or '.') == os.getcwd() for each in sys.path))\n"
        "import starburst.worker.starting as starting\n"
        "starting.main = say\n"
        "sys.path[0] = os.getcwd()\n"  # as `python -m` does it
        f"runpy.run_module({WORKER_COMMAND[-1]!r}, run_name='__main__', alter_sys=True)\n"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program],
        cwd=scratch,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False", done.stderr


LOGS = """
import sys
from starburst.worker.logs.log import log
sys.stdout.write("a task's words that end in the midst")
sys.stdout.flush()
log("refused", why="it failed verification")
"""


def lines(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def test_a_task_cannot_hide_a_refusal_behind_words_of_its_own() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", LOGS], capture_output=True, text=True, check=True
    )
    assert [each["event"] for each in lines(done.stdout)] == ["refused"]


def test_a_task_sees_what_libraries_read_of_aws_and_nothing_that_names_its_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it may do there is the affair of its worker's role: these are no secret from it."""
    theirs = {
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1",
        "AWS_REGION": "eu-west-1",
        "SSL_CERT_FILE": "/ca.pem",
    }
    for name in (*theirs, "STARBURST_QUEUE_URL", "ECS_CONTAINER_METADATA_URI_V4"):
        monkeypatch.setenv(name, theirs.get(name, "the worker's own"))

    def looks(seen: dict[str, str]) -> None:
        kept = {name: os.environ.get(name) for name in seen}
        own = [name for name in os.environ if name.startswith(("STARBURST_", "ECS_"))]
        if (kept, own) != (seen, []):
            raise LookupError(f"{kept}, {own}")

    assert run(looks, [theirs]) == {}
