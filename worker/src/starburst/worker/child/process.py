"""The worker's side of its child process: start it, give it work, watch it, end it."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, Final, Protocol

from starburst._protocol.sealed.envelope import Buffer
from starburst.errors import IntegrityError
from starburst.worker.child.printing.output import Output, Take
from starburst.worker.printing.masking import Mask

from .frames import Frame, read_frame, write_frame
from .shared_state import SharedState
from .spawned import Spawned

__all__ = ["Child", "ChildDied", "Process"]


_ANSWER: Final = {
    "first": (int,),
    "count": (int,),
    "format": (str,),
    "failures": (list,),
    "seconds": (int, float),
    "retries": (int,),
    "spans": (list,),
    "final": (bool,),
}
_WITHHELD: Final = ("STARBURST_", "ECS_")
"""What names the session, its queue and the worker itself: no library reads these."""


class Process(Protocol):
    """What is asked of a child's process."""

    pid: int

    def wait(self) -> int:
        """Wait for its end and return its exit code; negative for a signal."""
        ...

    def kill(self) -> None:
        """End it now."""
        ...

    def memory(self) -> str:
        """Say how much memory it has taken, once it has ended."""
        ...


class ChildDied(Exception):
    """The child's pipe closed; ``reason`` says how it ended."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Child:
    """One process that runs the analyst's function, with the worker's role.

    Libraries that read data find the role as they find any: by the ``AWS_*`` variables, which say
    where its passing credentials are to be had. So what a task may reach is the affair of the
    role's policy, and of nothing here. The session's keys are not in this process.

    Args:
        popen: starts a process as ``subprocess.Popen`` does.
        variables: of its environment, beside the worker's own that are not withheld.
        packages: the folder that it imports from first; the empty text for none.
        take: takes each line that its tasks print; None leaves them to the worker's own log.
        mask: takes secrets out of them before; None for no secrets.

    Attributes:
        state: what it shares with the child.
        functions: names of those that the child knows.
        modules: the folder for the files of own modules, which goes with the child.
        begins: whether it may still be at what is called first.
    """

    def __init__(
        self,
        popen: Callable[..., Process] = Spawned,
        *,
        variables: Mapping[str, str] | None = None,
        packages: str = "",
        take: Take | None = None,
        mask: Mask | None = None,
    ) -> None:
        self.state = SharedState.create()
        self._output = None if take is None else Output(self.state, take, mask or Mask())
        self.functions: set[str] = set()
        self.begins = False
        commands_out, commands_in = os.pipe()
        answers_out, answers_in = os.pipe()
        self._files, files = socket.socketpair()
        self._scratch = _scratch()
        self.modules = _scratch("starburst-modules-")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(_WITHHELD)}
        environment |= variables or {}
        if self._scratch is not None:
            environment["TMPDIR"] = self._scratch
        fds = (commands_out, answers_in, self.state.fd, files.fileno())
        self._process = popen(  # our own interpreter and module
            # -P: what tasks leave in the working directory is no module of the next ones.
            [
                *(sys.executable, "-P", "-m", "starburst.worker.child.runner"),
                *(str(fd) for fd in fds),
                *filter(None, (packages,)),
            ],
            pass_fds=fds,
            env=environment,
            stdin=subprocess.DEVNULL,
            **({} if self._output is None else self._output.ends),
        )
        if self._output is not None:
            self._output.start()
        os.close(commands_out)
        os.close(answers_in)
        files.close()
        self._commands: BinaryIO = os.fdopen(commands_in, "wb")
        self._answers: BinaryIO = os.fdopen(answers_out, "rb", buffering=0)
        self._frames: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="answers", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                frame = read_frame(self._answers)
                _check(frame)
            except Exception:  # the function wrote into our pipe: whatever it says now is no frame
                frame = None
            if frame is None:
                self._end()
            elif self._output is not None:
                self._output.look()  # what the tasks of this frame printed is written already
            self._frames.put(frame)
            if frame is None:
                return

    def _end(self) -> None:
        """End the child, and the processes that the function started: they hold memory too."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def send(self, header: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        """Give the child a command; raise ChildDied where it has ended."""
        if self._output is not None and header["do"] == "run":
            self._output.expect(header.get("first", 0))
        try:
            write_frame(self._commands, header, buffers=buffers)
        except BrokenPipeError:
            raise ChildDied(self._reason()) from None

    def hand_over(self, name: str, file: int) -> None:
        """Give the child an object's memory; raise ChildDied where it has ended."""
        try:
            socket.send_fds(self._files, [b"."], [file])
        except (BrokenPipeError, ConnectionResetError):
            raise ChildDied(self._reason()) from None
        self.send({"do": "object", "name": name}, [])

    def receive(self, timeout: float) -> Frame | None:
        """Return the child's next frame, or None after ``timeout`` seconds.

        Raises:
            ChildDied: it ended without answering.
        """
        try:
            frame = self._frames.get(timeout=timeout)
        except queue.Empty:
            return None
        if frame is None:
            raise ChildDied(self._reason())
        self.begins = False
        return frame

    def kill(self) -> None:
        """End the child now, and release what it held."""
        if self._reader.is_alive():
            self._end()
        self._process.wait()
        self._reader.join()
        if self._output is not None:
            self._output.close()
        with contextlib.suppress(BrokenPipeError):  # a command that will not be read
            self._commands.close()
        self._answers.close()
        self._files.close()
        self.state.close()
        for folder in (self._scratch, self.modules):  # what tasks left must not fill the disk
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    def _reason(self) -> str:
        where = " (it had answered nothing yet: the initializer may have done that)"
        return self._death() + where * self.begins

    def _death(self) -> str:
        code = self._process.wait()
        if code >= 0:
            return f"its process exited with code {code}"
        name = signal.Signals(-code).name
        if name == "SIGKILL":
            return (
                f"its process was killed (SIGKILL), most likely for want of memory: "
                f"{self._process.memory()}. Ask for more with memory="
            )
        return f"its process was ended by {name}"


def _scratch(prefix: str = "starburst-tasks-") -> str | None:
    """Make a directory for what tasks put aside; None where the disk is full already."""
    try:
        return tempfile.mkdtemp(prefix=prefix)
    except OSError:
        return None


def _check(frame: Frame | None) -> None:
    """Refuse a frame that our runner would not have sent."""
    if frame is None:
        return
    header = frame.header
    if header.keys() != _ANSWER.keys() or any(
        type(header[name]) not in kinds for name, kinds in _ANSWER.items()
    ):
        raise IntegrityError("a task's process answered with something else")
