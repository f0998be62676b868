"""One mutant after another, each in a fork that tests it: ``-m tests.mutation.playing.player``.

This process imports what tests need of others, which takes seconds, but nothing that is mutated.
It works in a private copy of the tree, and answers each order, a line of JSON, by another.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

from .watching import Watch

__all__ = ["serve"]

_LOOK_SECONDS: Final = 0.5
_SUBREAPER: Final = 36
_TAIL: Final = 4000
_ARGUMENTS: Final = (
    *("-q", "-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider"),
    # What this process has imported cannot be rewritten any more.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
_NOT_BEFORE_A_FORK: Final = ("aws_cdk", "jsii", "constructs", "cdk_nag", "ministack", "coverage")
"""Modules that begin processes or threads."""


def serve() -> None:
    """Answer orders until there are no more."""
    with contextlib.suppress(AttributeError, OSError):  # orphans come to us, to be ended
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    orders = os.fdopen(os.dup(0), "rb", buffering=0)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    while line := orders.readline():
        answers.write(json.dumps(_answer(json.loads(line), orders.fileno())) + "\n")
        answers.flush()


def _answer(order: dict[str, Any], orders: int) -> dict[str, Any]:
    if order["kind"] == "warm":
        return {"imported": _warm(order["imports"])}
    if order["kind"] == "baseline":
        return _forked(order, orders)
    module = Path(order["module"])
    original = module.read_bytes()
    try:
        _write(module, order["text"].encode())
        return _forked(order, orders)
    finally:
        _write(module, original)


def _write(module: Path, text: bytes) -> None:
    # A compiled one may look as fresh as the mutant: same second, same size.
    for compiled in (module.parent / "__pycache__").glob(f"{module.stem}.*"):
        compiled.unlink()
    module.write_bytes(text)


def _warm(names: list[str]) -> int:
    for name in names:
        if name.partition(".")[0] not in _NOT_BEFORE_A_FORK:
            with contextlib.suppress(Exception):  # whoever needs it will say so
                importlib.import_module(name)
    gc.collect()
    gc.freeze()
    return len(sys.modules)


def _forked(order: dict[str, Any], orders: int) -> dict[str, Any]:
    """Have a fork play, for a limited time, and end all that it has left behind."""
    place = Path(os.environ["TMPDIR"])
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    told, telling = os.pipe()
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _play(order, place, telling)
    os.close(telling)
    status: int | None = None
    late = False
    while True:
        ready, _, _ = select.select([told, orders], [], [], _LOOK_SECONDS)
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            status = os.waitstatus_to_exitcode(code)
            break
        late = time.monotonic() - began > order["limit"]
        if orders in ready or late:  # nobody waits for an answer any more, or there will be none
            break
        if told in ready:
            time.sleep(0.01)
    os.close(told)
    _end_all(pid if status is None else None)
    answer: dict[str, Any] = {"code": status, "late": late, "seconds": time.monotonic() - began}
    with contextlib.suppress(OSError, ValueError):
        answer.update(json.loads((place / "result.json").read_text()))
    if status != 0 and "by" not in answer:
        with contextlib.suppress(OSError):
            answer["said"] = (place / "output").read_text(errors="replace")[-_TAIL:]
    return answer


def _end_all(pid: int | None) -> None:
    """End our child and whatever else came to us, until nothing is left."""
    for _ in range(100):
        left = _children()
        if not left:
            return
        for each in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            for _ in left:
                os.waitpid(-1, 0)
    raise RuntimeError(f"{pid} left processes that cannot be ended")


def _children() -> list[int]:
    found: list[int] = []
    for each in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, each.read_text().split())
    return found


def _play(order: dict[str, Any], place: Path, telling: int) -> NoReturn:
    """Be pytest; write down what came of it."""
    code = 70
    try:
        os.setsid()
        output = os.open(place / "output", os.O_WRONLY | os.O_CREAT)
        os.dup2(output, 1)
        os.dup2(output, 2)
        gc.enable()
        watch = Watch(order)
        code = int(
            pytest.main(
                [*_ARGUMENTS, *order["arguments"], f"--basetemp={place / 't'}", *order["files"]],
                plugins=[watch],
            )
        )
        (place / "result.json").write_text(json.dumps(watch.result()))
    except BaseException:  # a mutant may do anything
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            os.write(telling, b"1")
        os._exit(code)


if __name__ == "__main__":
    serve()
