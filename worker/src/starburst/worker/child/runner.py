"""The child: runs the analyst's function on one range of tasks after another.

It holds no key of the session, and itself speaks to no queue and no bucket: it reads frames, calls
the function, and answers with encoded results. What the function prints goes to the worker, by
other pipes.
The function may read data with the worker's role.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from starburst._codec import Encoded, encode_batch
from starburst._codec.exceptions import describe
from starburst._functions.applying import Changes
from starburst._functions.installing import install
from starburst._functions.lacking import hint
from starburst._functions.objects.arrived import objects
from starburst._functions.ordinary.streams import begin_task, end_task
from starburst._functions.ordinary.variables import Surroundings, loading
from starburst._functions.payload import load
from starburst._functions.showing.called import called, last_call
from starburst._protocol.sealed.envelope import Buffer
from starburst._protocol.sealed.failure import Failure, qualified_name
from starburst.aws.absent_files import tell_absent_in_tasks
from starburst.contract.times import RETRY_PAUSES
from starburst.errors import ResultTooLarge, VersionMismatch
from starburst.worker.child.printing.markers import Markers
from starburst.worker.measuring.inputs import short_input
from starburst.worker.measuring.spans import Spans

from .beginning import Beginning
from .frames import Frame, read_frame, write_frame
from .full_disk import clear_scratch, is_disk_full
from .packages import import_first
from .shared_state import SharedState
from .spawned import Peak
from .versions import compare

if TYPE_CHECKING:
    from starburst._protocol.manifest import ResultMode

__all__ = ["main"]


_REPORT_SECONDS: Final = 0.25
_REPORT_BYTES: Final = 8 << 20
_FAILED: Final = object()
_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Serve frames until the worker closes the pipe; file descriptors come as arguments."""
    _die_first()
    # Ctrl-C is for the client. Ignored by a handler, which what the function starts won't inherit.
    signal.signal(signal.SIGINT, lambda *_: None)
    commands_fd, answers_fd, state_fd, files_fd = (int(argument) for argument in sys.argv[1:5])
    state = SharedState(state_fd)
    markers = Markers(state)
    _keep_apart(commands_fd, answers_fd, state_fd, files_fd, *markers.fds)
    for folder in sys.argv[5:]:
        import_first(folder)
    tell_absent_in_tasks()
    with (
        suppress(BrokenPipeError),  # the worker is dead: there is no one to tell
        os.fdopen(commands_fd, "rb", buffering=0) as commands,
        os.fdopen(answers_fd, "wb") as answers,
        socket.socket(fileno=files_fd) as files,
    ):
        try:
            _Runner(commands, answers, state=state, files=files, markers=markers).serve()
        except BrokenPipeError:
            raise
        except BaseException:
            # Before the pipe closes: the worker would take that for the end, and its own SIGKILL
            # for a want of memory.
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)


def _die_first() -> None:
    """Have the kernel end this process and not the worker where memory runs out."""
    with suppress(OSError):  # only Linux knows how
        Path("/proc/self/oom_score_adj").write_text("1000")


def _keep_apart(*fds: int) -> None:
    """Lead a process group of our own, in which no other process holds the pipes.

    Processes that the function forks may outlive us. If they kept the pipes open, the worker would
    never learn of our end; in our group, it ends them with us.
    """
    with suppress(PermissionError):  # it leads one already
        os.setpgid(0, 0)
    if sys.platform == "linux":  # who ends the worker's group means us too
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for fd in fds:
        os.set_inheritable(fd, False)
    os.register_at_fork(after_in_child=lambda: _let_go(fds))


def _let_go(fds: Sequence[int]) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in fds:
        os.dup2(nowhere, fd, inheritable=False)
    os.close(nowhere)


class _Runner:
    def __init__(
        self,
        commands: BinaryIO,
        answers: BinaryIO,
        *,
        state: SharedState,
        files: socket.socket,
        markers: Markers,
    ) -> None:
        self._commands = commands
        self._answers = answers
        self._state = state
        self._files = files
        self._markers = markers
        self._functions: dict[str, Buffer | tuple[Callable[..., object], Surroundings]] = {}
        self._beginning = Beginning()
        self._peak = Peak()
        self._changed: dict[str, Buffer] = {}
        self._versions: dict[str, dict[str, str]] = {}
        self._changes = Changes()
        self._current = ""
        self._waiting: list[Frame] = []
        self._folder = ""
        self._said: Callable[[], str] = str

    def serve(self) -> None:
        while (frame := read_frame(self._commands)) is not None:
            match frame.header["do"]:
                case "begin":
                    self._begin(frame)
                case "function":
                    name = frame.header["name"]
                    self._functions[name], self._changed[name], *_ = frame.buffers
                    self._versions[name] = frame.header.get("versions", {})
                    self._waiting.append(frame)
                case "object":
                    self._take(frame.header["name"])
                case "forget":
                    for name in frame.header["names"]:
                        objects.forget(name)
                case _:
                    self._run(frame)

    def _take(self, name: str) -> None:
        """Take an object's memory, which was sent before the frame that names it."""
        now_and_close = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
        _, [file], _, _ = socket.recv_fds(self._files, 1, 1, now_and_close)
        objects.add(name, file)

    def _begin(self, frame: Frame) -> None:
        name = frame.header["function"]
        first = partial(self._loaded, name) if name else None
        self._beginning = Beginning(frame.header["seed"], first, frame.buffers[0])

    def _run(self, frame: Frame) -> None:
        header = frame.header
        report = _Report(self._answers, header)
        first = header.get("first", 0)
        self._markers.end(None)
        self._state.enter(header["lo"], time.monotonic())
        broken = self._broken(header["function"])
        if broken is None:
            with suppress(BaseException):  # its first task meets it again, and says so
                self._function(header["function"])  # to import modules is no task's own time
        self._markers.end(first + header["lo"])
        self._state.leave()
        for index, data in enumerate(frame.buffers, start=header["lo"]):
            if self._state.stop_asked:
                break
            if broken is None:
                self._one(index, data, header=header, report=report)
                self._markers.end(first + index)
                self._state.leave()
            else:
                report.failed(index, broken)
            report.send_if_due()
        report.finish()
        objects.end_task()
        gc.collect()

    def _one(self, index: int, data: Buffer, *, header: dict[str, Any], report: _Report) -> None:
        retries = header["retries"]
        for attempt in range(retries + 1):
            objects.end_task()  # what the one before has changed is not this one's
            self._peak.begin()
            began = time.monotonic()
            self._state.enter(index, began)
            report.spans.begin(index)
            begin_task(self._beginning.seed, header.get("first", 0) + index)
            try:
                value = self._call(header["function"], data)
            # Whatever the function raises is its result: sys.exit() too, and a panic of Rust code,
            # which would else end this process and look like a crash.
            except BaseException as error:
                report.seconds += time.monotonic() - began
                if is_disk_full(error):
                    clear_scratch()
                passing = isinstance(error, Exception) and _is_retried(error, header["retry_on"])
                passing = passing and not isinstance(error, VersionMismatch)
                if attempt < retries and passing:
                    last_call()
                    report.retries += 1
                    report.spans.retry()
                    time.sleep(RETRY_PAUSES[min(attempt, len(RETRY_PAUSES) - 1)])
                    continue
                hint(error)
                report.spans.end(self._said)
                report.failed(index, describe(error, mode=header["mode"]).told(last_call()))
                return
            finally:
                end_task()
            report.seconds += time.monotonic() - began
            report.spans.end(self._said)
            report.add(index, value)
            return

    def _call(self, name: str, data: Buffer) -> object:
        function, surroundings = self._function(name)

        def call() -> object:
            args, kwargs = load(data, "an input")
            self._said = partial(short_input, args, kwargs)
            return called(function, args, kwargs)

        return surroundings.run(call)

    def _function(self, name: str) -> tuple[Callable[..., object], Surroundings]:
        self._turn_to(name)
        return self._loaded(name)

    def _loaded(self, name: str) -> tuple[Callable[..., object], Surroundings]:
        held = self._functions[name]
        if isinstance(held, tuple):
            return held
        compare(self._versions[name])
        with loading() as surroundings:
            function: object = load(held, "the function")
        if not callable(function):
            raise TypeError(f"what was submitted is not callable: {function!r}")
        self._functions[name] = found = (function, surroundings)
        return found

    def _broken(self, name: str) -> Failure | None:
        """Begin, with the modules of the function that is to run; return why no task can."""
        with suppress(Exception):  # it is raised again where the function is loaded
            self._turn_to(name)
        return self._beginning.failure()

    def _turn_to(self, name: str) -> None:
        """Have a function's own modules be as they were where it was sent."""
        if name != self._current:
            self._install()
            self._changes.apply(self._changed[name], self._folder)
            self._current = name

    def _install(self) -> None:
        """Put the files that came with functions where these import them from."""
        while self._waiting:
            header, (_, _, *contents) = self._waiting[0].header, self._waiting[0].buffers
            self._folder = self._folder or header["folder"] or tempfile.mkdtemp()
            install(self._folder, header["paths"], contents, entries=header["entries"])
            self._waiting.pop(0)


class _Report:
    """Results that have not been sent yet."""

    def __init__(self, answers: BinaryIO, header: dict[str, Any]) -> None:
        self._answers = answers
        self._mode: ResultMode = header["mode"]
        self._max_bytes: int = header["max_bytes"]
        self._first: int = header["lo"]
        self._values: list[object] = []
        self._failures: dict[int, Failure] = {}
        self._bytes = 0
        self._sent = time.monotonic()
        self.seconds = 0.0
        self.retries = 0
        self.spans = Spans()

    def add(self, index: int, value: object) -> None:
        size = _size_in_memory(value)
        if size > self._max_bytes:
            self.failed(index, describe(_too_large(size, self._max_bytes), mode=self._mode))
            return
        self._bytes += size
        self._values.append(value)

    def failed(self, index: int, failure: Failure) -> None:
        self._values.append(None)
        self._failures[index] = failure
        self._bytes += len(failure.raised)

    def send_if_due(self) -> None:
        due = time.monotonic() - self._sent > _REPORT_SECONDS or self._bytes > _REPORT_BYTES
        if due:
            self._send(final=False)

    def finish(self) -> None:
        self._send(final=True)

    def _send(self, *, final: bool) -> None:
        encoded = self._encode()
        header = {
            "first": self._first,
            "count": len(self._values),
            "format": encoded.format,
            "failures": [[index, f.to_data()] for index, f in self._failures.items()],
            "seconds": self.seconds,
            "retries": self.retries,
            "spans": self.spans.take(),
            "final": final,
        }
        write_frame(self._answers, header, buffers=encoded.parts)
        self._first += len(self._values)
        self._values = []
        self._failures = {}
        self._bytes = 0
        self.seconds = 0.0
        self.retries = 0
        self._sent = time.monotonic()

    def _encode(self) -> Encoded:
        values = self._values
        encoded, refused = encode_batch(values, mode=self._mode)
        for position, error in refused.items():
            self._failures[self._first + position] = describe(error, mode=self._mode)
        if _size(encoded.parts) > self._max_bytes * max(1, len(values)):
            over = describe(_too_large(_size(encoded.parts), self._max_bytes), mode=self._mode)
            for position in range(len(values)):
                self._failures[self._first + position] = over
            encoded, _ = encode_batch([None] * len(values), mode=self._mode)
        return encoded


def _is_retried(error: Exception, retry_on: Sequence[str]) -> bool:
    kinds = {qualified_name(kind) for kind in type(error).__mro__[:-1]}
    return not retry_on or not kinds.isdisjoint(retry_on)


def _size_in_memory(value: object) -> int:
    """Return roughly how many bytes a result has, whatever it answers when it is asked."""
    with suppress(Exception):  # a closed file's data set, say; whether it can travel is told later
        size = getattr(value, "nbytes", None)
        return size if isinstance(size, int) else sys.getsizeof(value, 64)
    return 64


def _size(parts: Sequence[Buffer]) -> int:
    return sum(memoryview(part).nbytes for part in parts)


def _too_large(size: int, allowed: int) -> ResultTooLarge:
    return ResultTooLarge(
        f"the result is {size / 1e6:.0f} MB; at most {allowed / 1e6:.0f} MB can travel back. "
        "Return a summary, or split the work into smaller tasks"
    )


if __name__ == "__main__":
    main()
