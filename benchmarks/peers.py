"""The sides of a comparison: installed into environments of their own, started, asked, stopped.

Nothing of a peer is a dependency of ours: their requirements contradict each other and ours. What
will not install or start is a reason in the table, not an error.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

__all__ = ["DASK", "LITHOPS", "POOL", "RAY", "Peer", "Side", "SideFailed", "opened"]

_ROOT: Final = Path(__file__).parents[1]
_HOME: Final = _ROOT / ".bench"
_INSTALL_SECONDS: Final = 600
_ANSWER_SECONDS: Final = 120

Side: TypeAlias = Callable[[str, int], float]
"""Runs so many tasks of a workload; returns the seconds that it took."""


class SideFailed(Exception):
    """A side could not be installed, did not start, or gave no answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """Another way to run the same work.

    Attributes:
        name: for people.
        module: the program in ``benchmarks.sides``.
    """

    name: str
    module: str

    @property
    def lock(self) -> Path:
        """Names its packages by hash; a peer without one runs in this Python."""
        return _ROOT / "benchmarks" / "sides" / f"{self.module}.lock"


POOL: Final = Peer(name="ProcessPoolExecutor", module="pool")
DASK: Final = Peer(name="dask LocalCluster", module="dask_cluster")
RAY: Final = Peer(name="ray", module="ray_cluster")
LITHOPS: Final = Peer(name="Lithops", module="lithops_local")


def _python(peer: Peer) -> str:
    """Return the Python with a peer's packages, installing them once."""
    if not peer.lock.exists():
        return sys.executable
    folder = _HOME / peer.module
    python = folder / "bin" / "python"
    wanted = peer.lock.read_text()
    stamp = folder / "installed.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return str(python)
    shutil.rmtree(folder, ignore_errors=True)
    uv = str(Path(sys.executable).parent / "uv")
    for words in (
        ("venv", "--python", sys.executable, str(folder)),
        (
            *("pip", "install", "--python", str(python), "--only-binary", ":all:"),
            *("--require-hashes", "--requirement", str(peer.lock)),
        ),
    ):
        try:
            done = subprocess.run(  # noqa: S603 - our own command line
                [uv, "--quiet", *words],
                capture_output=True,
                text=True,
                timeout=_INSTALL_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SideFailed(f"does not install: {error}") from error
        if done.returncode:
            raise SideFailed(f"does not install: {_last_line(done.stderr)}")
    stamp.write_text(wanted)
    return str(python)


@contextmanager
def opened(peer: Peer) -> Iterator[Side]:
    """Start a side in its own Python, warm; it is gone afterwards.

    Raises:
        SideFailed: with the reason, for the table.
    """
    python = _python(peer)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        log = Path(scratch) / "log"
        with log.open("wb") as errors:
            process = subprocess.Popen(  # noqa: S603 - our own command line
                [python, "-m", f"benchmarks.sides.{peer.module}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=_ROOT,
                env={**os.environ, "TMPDIR": scratch, "PYTHONPATH": str(_ROOT)},
                start_new_session=True,
                text=True,
            )
        try:
            _answer(process, log)

            def side(workload: str, count: int) -> float:
                if process.stdin is None:
                    raise SideFailed("was stopped")
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(json.dumps([workload, count]) + "\n")
                    process.stdin.flush()
                return float(_answer(process, log)["seconds"])

            yield side
        finally:
            _end(process)


def _answer(process: subprocess.Popen[str], log: Path) -> dict[str, Any]:
    if process.stdout is None:
        raise SideFailed("was not started with a pipe")
    late = threading.Timer(_ANSWER_SECONDS, process.kill)
    late.start()
    try:
        line = process.stdout.readline()
    finally:
        late.cancel()
    if not line:
        why = _last_line(log.read_text(errors="replace"))
        raise SideFailed(why or f"gave no answer in {_ANSWER_SECONDS} s")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _end(process: subprocess.Popen[str]) -> None:
    """Close a side, and end what it left running in its process group."""
    with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
        process.communicate(timeout=10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
