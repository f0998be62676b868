"""The parent process of the emulator: whatever dies, nothing of it is left behind.

Started as ``python -m starburst.local.guardian <owner pid> <folder> <command …>``. It runs the
command, and ends it, every descendant of it and the folder when its standard input closes (the
owner closed it or died), when the owner is gone, when it is told to (SIGTERM), or when the command
ends by itself. On Linux it is the reaper of its descendants, so that workers that outlive a killed
server come to it, however they were started. It imports the standard library only, to start fast.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["main"]

_PR_SET_CHILD_SUBREAPER = 36
_GRACE_SECONDS = 3.0
_LOOK_SECONDS = 1.0


def main(arguments: list[str]) -> int:
    """Run the command of ``arguments`` until it ends or its owner is gone."""
    owner, folder, listening = int(arguments[0]), Path(arguments[1]), int(arguments[2])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    server = subprocess.Popen(  # noqa: S603 - our own command line
        arguments[3:], stdin=subprocess.PIPE, pass_fds=(listening,), start_new_session=True
    )
    os.close(listening)
    configuration = sys.stdin.buffer.readline()
    pipe = server.stdin
    if pipe is None:  # pragma: no cover - it was asked for
        raise RuntimeError("the server has no standard input")
    with contextlib.suppress(BrokenPipeError):
        pipe.write(configuration)
        pipe.flush()
    try:
        _wait(server, owner=owner, wake=wake_read)
    finally:
        orphans = _descendants(os.getpid()) - {server.pid}
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
        _end(server)
        _end_descendants(orphans)
        shutil.rmtree(folder, ignore_errors=True)
    return server.returncode


def _wait(server: subprocess.Popen[bytes], *, owner: int, wake: int) -> None:
    """Return when the server has ended, the owner is gone, or a signal says so."""
    stdin = sys.stdin.fileno()
    while server.poll() is None and _alive(owner):
        ready, _, _ = select.select([stdin, wake], [], [], _LOOK_SECONDS)
        if stdin in ready and not os.read(stdin, 4096):
            return
        if wake in ready and set(os.read(wake, 4096)) & {signal.SIGTERM, signal.SIGINT}:
            return


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _end(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.terminate()
    try:
        server.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _end_descendants(known: set[int]) -> None:
    """Kill every descendant until there is none; each one's children come to us in turn."""
    give_up = time.monotonic() + _GRACE_SECONDS
    remaining = known | _descendants(os.getpid())
    while remaining and time.monotonic() < give_up:
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)
        remaining = _descendants(os.getpid())


def _descendants(root: int) -> set[int]:
    """Return the pids below ``root``, as ``ps`` or /proc tells."""
    children: dict[int, set[int]] = {}
    for pid, parent in _processes():
        children.setdefault(parent, set()).add(pid)
    found: set[int] = set()
    waiting = [root]
    while waiting:
        for pid in children.get(waiting.pop(), set()) - found:
            found.add(pid)
            waiting.append(pid)
    return found


def _processes() -> list[tuple[int, int]]:
    proc = Path("/proc")
    pairs: list[tuple[int, int]] = []
    if (proc / "self" / "stat").exists():
        for entry in proc.iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    # The command's name stands in brackets and may hold anything.
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    if fields[0] != "Z":
                        pairs.append((int(entry.name), int(fields[1])))
        return pairs
    listing = subprocess.run(
        ["/bin/ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=False
    ).stdout
    me = os.getpid()
    for line in listing.splitlines():
        pid, parent = (int(field) for field in line.split())
        if pid != me:
            pairs.append((pid, parent))
    return pairs


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
