"""Where the children of a run's workers are forked, since an interpreter for each is dear.

The code they run is the worker's own, and so are their ends. ``test_processes.py`` starts children
as workers do.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from starburst.worker.child import runner

__all__ = ["Forked", "children", "fork_server", "popen", "preload"]

_RUNNER: Final = ("-P", "-m", "starburst.worker.child.runner")
_LONGEST: Final = 1 << 20
_MOST_FDS: Final = 8
_CHANNEL: Final = (socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Forked:
    """A child, as far as ``subprocess.Popen`` has to be played for a worker."""

    def __init__(self, pid: int, ending: int) -> None:
        self.pid = pid
        self._ending = ending
        self._ended = threading.Lock()
        self._code: int | None = None

    def wait(self) -> int:
        """Wait for the end, and return its code; negative for a signal."""
        with self._ended:
            if self._code is None:
                status = os.read(self._ending, 4)
                os.close(self._ending)
                self._code = os.waitstatus_to_exitcode(int.from_bytes(status, "big"))
            return self._code

    def kill(self) -> None:
        """End it now."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def memory(self) -> str:
        """Say how much memory it has taken: nobody has measured it here."""
        return "its memory was not measured"


class _ForkServer:
    """This process's end of the one that forks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._link, theirs = socket.socketpair(*_CHANNEL)
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", __spec__.name, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                cwd=Path(__file__).parents[2],
            )
        atexit.register(self._close)

    def fork(self, fds: Sequence[int], environment: Mapping[str, str]) -> Forked:
        ending, theirs = os.pipe()
        try:
            with self._lock:
                order = json.dumps(dict(environment)).encode()
                socket.send_fds(self._link, [order], [*fds, theirs])
                pid = int(self._link.recv(_LONGEST) or b"0")
        finally:
            os.close(theirs)
        assert pid, "the process that forks has died"
        return Forked(pid, ending)

    def preload(self, module: str) -> None:
        with self._lock:
            self._link.send(json.dumps(module).encode())
            assert self._link.recv(_LONGEST), "the process that forks has died"

    def _close(self) -> None:
        self._link.close()
        self.process.wait()


_STARTING: Final = threading.Lock()


@functools.cache
def _started() -> _ForkServer:
    return _ForkServer()


def _fork_server() -> _ForkServer:
    """Return this process's one; threads that ask for the first at once must not start two."""
    with _STARTING:
        return _started()


def popen(
    words: Sequence[str], *, pass_fds: Sequence[int], env: Mapping[str, str], stdin: int
) -> Forked:
    """Start a worker's child as ``subprocess.Popen`` does."""
    assert tuple(words[1:4]) == _RUNNER
    assert [int(word) for word in words[4:]] == list(pass_fds)
    assert stdin == subprocess.DEVNULL
    return _fork_server().fork(pass_fds, env)


@functools.cache
def preload(module: str) -> None:
    """Have the process that forks import a module, which each of its children would import."""
    _fork_server().preload(module)


def fork_server() -> int:
    """Return the process whose children they are."""
    return _fork_server().process.pid


def children() -> list[int]:
    """Return the children that are still there."""
    mine = f"PPid:\t{_fork_server().process.pid}\n"
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if mine in (process / "status").read_text():
                found.append(int(process.name))
    return found


class _Forker:
    """The process that forks: single-threaded, with all that a child imports in its memory."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._endings: dict[int, int] = {}
        self._told, self._telling = os.pipe()

    def serve(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # is for those who sent us
        # A handler alone may come too late: a child that ends just before the wait begins would
        # not be told of until the next order.
        os.set_blocking(self._telling, False)
        signal.set_wakeup_fd(self._telling, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select([self._link, self._told], [], [])
            if self._told in ready:
                os.read(self._told, _LONGEST)
                self._reap()
            if self._link not in ready:
                continue
            order, fds, _, _ = socket.recv_fds(self._link, _LONGEST, _MOST_FDS)
            if not order:
                for pid in list(self._endings):  # those who sent us are gone
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                return
            told = json.loads(order)
            if isinstance(told, str):
                # importlib would have the whole project travel with each function of a test.
                pkgutil.resolve_name(told)
                gc.freeze()
                self._link.send(b"imported")
            else:
                self._fork(told, fds)

    def _fork(self, environment: dict[str, str], fds: list[int]) -> None:
        *theirs, ending = fds
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._link.close()
            for held in (self._told, self._telling, ending, *self._endings.values()):
                os.close(held)
            _be_a_child(environment, theirs)
        self._endings[pid] = ending
        for held in theirs:
            os.close(held)
        self._link.send(str(pid).encode())

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                ending = self._endings.pop(pid)
                with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
                    os.write(ending, status.to_bytes(4, "big"))
                os.close(ending)


def _be_a_child(environment: dict[str, str], fds: Sequence[int]) -> None:
    """Be what ``python -m starburst.worker.child.runner`` is."""
    code = 1
    try:
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = [runner.__file__, *(str(fd) for fd in fds)]
        runner.main()
        code = 0
    except BaseException:  # as the interpreter tells it
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    # What the modules of tests import, which are imported where their functions run; by name, so
    # that no function of a test seems to need the whole project.
    import starburst._client.mapping  # noqa: F401
    import tests.runtime.conftest
    import tests.runtime.sessions  # noqa: F401

    gc.freeze()  # a child collects after each range: not all of this each time
    with socket.socket(*_CHANNEL, fileno=int(sys.argv[1])) as channel:
        _Forker(channel).serve()
