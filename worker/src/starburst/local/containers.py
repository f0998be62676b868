"""Stand in for a Docker client: a container is a local process with a clean environment."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .memory import MemoryWatch
from .server import python_path

__all__ = ["IMAGE_VARIABLE", "Client", "Container", "ContainerNotFound", "Launch"]

IMAGE_VARIABLE: Final = "STARBURST_LOCAL_IMAGE"
"""Tells a program that stands for Python which image the task definition names."""

_FOLLOW_SECONDS = 0.1
_PYTHON_NAMES = ("python", "python3")


class ContainerNotFound(LookupError):
    """There is no container of that id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a container's process starts and ends.

    Attributes:
        environment: all of it, but for the paths that this module adds.
        stop_seconds: time between SIGTERM and SIGKILL.
        memory_bytes: of the task, which count where the environment is strict.
    """

    environment: Mapping[str, str]
    stop_seconds: float
    memory_bytes: int | None = None


Prepare = Callable[[Mapping[str, str], Mapping[str, str]], Launch]
"""Makes a launch from the labels and the variables that the emulator gives to a container."""


@dataclass(slots=True, kw_only=True)
class Container:
    """One process group, as the emulator wants to see it.

    Attributes:
        process: its first process.
        folder: its log and its home.
        stop_seconds: time between SIGTERM and SIGKILL.
        task: ARN of the ECS task that it belongs to.
        id: a name of its own.
        attrs: its networks, of which it has none.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    stop_seconds: float
    task: str
    id: str = field(default_factory=lambda: secrets.token_hex(32))
    attrs: Mapping[str, Any] = field(default_factory=lambda: {"NetworkSettings": {"Networks": {}}})

    @property
    def status(self) -> str:
        """Docker's word for its state."""
        return "running" if self.process.poll() is None else "exited"

    def reload(self) -> None:
        """Do nothing: the status is always fresh."""

    def wait(self) -> dict[str, int]:
        """Wait for its end; a process that a signal ended has exit code 128 plus its number."""
        code = self.process.wait()
        return {"StatusCode": code if code >= 0 else 128 - code}

    def stop(self, timeout: float | None = None) -> None:
        """Send SIGTERM now, and SIGKILL after ``stop_seconds`` where that did not end it.

        The emulator's own idea of the timeout is not used: the task definition has a say.
        """
        if self.process.poll() is not None:
            return
        self._signal(signal.SIGTERM)
        timer = threading.Timer(self.stop_seconds, self._signal, args=(signal.SIGKILL,))
        timer.daemon = True
        timer.start()

    def kill(self) -> None:
        """Kill its process group."""
        self._signal(signal.SIGKILL)

    def remove(self, **_options: Any) -> None:
        """Forget its files once it has ended; its other processes end with it."""
        if self.process.poll() is None:
            threading.Thread(target=self._remove_when_ended, daemon=True).start()
        else:
            self._remove_when_ended()

    def _remove_when_ended(self) -> None:
        self.process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        # The log is followed until it is read to its end; the server's folder goes as a whole.
        shutil.rmtree(self.folder / "home", ignore_errors=True)

    def logs(self, *, stream: bool = False, **_options: Any) -> bytes | Iterator[bytes]:
        """Return what it wrote so far, or follow it line by line until its end."""
        return self._follow() if stream else (self.folder / "log").read_bytes()

    def _follow(self) -> Iterator[bytes]:
        with (self.folder / "log").open("rb") as log:
            pending = b""
            while True:
                ended = self.process.poll() is not None
                pending += log.read()
                lines = pending.splitlines(keepends=True)
                pending = b"" if ended or not lines or lines[-1].endswith(b"\n") else lines.pop()
                yield from lines
                if ended:
                    return
                time.sleep(_FOLLOW_SECONDS)

    def _signal(self, number: int) -> None:
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


class Containers:
    """The ``containers`` collection of a Docker client.

    Attributes:
        python: what runs commands that name none; None for this interpreter, with what it has.
        memory: ends what has more than its task; None where nothing does.
    """

    def __init__(self, *, scratch: Path, prepare: Prepare) -> None:
        self.known: dict[str, Container] = {}
        self.python: Path | None = None
        self.memory: MemoryWatch | None = None
        self._scratch = scratch
        self._prepare = prepare

    def get(self, name: str) -> Container:
        """Return a container by id; raise `ContainerNotFound` where there is none."""
        try:
            return self.known[name]
        except KeyError:
            raise ContainerNotFound(name) from None

    def list(self, **_options: Any) -> list[Container]:
        """Return all that were started."""
        return [*self.known.values()]

    def running(self) -> dict[str, int]:
        """Return the process ids of the tasks that run, by task ARN."""
        return {each.task: each.process.pid for each in self.list() if each.status == "running"}

    def kill(self) -> None:
        """Kill what runs of all of them, at once."""
        for container in self.list():
            container.kill()

    def run(
        self,
        image: str,
        *,
        command: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        **_options: Any,
    ) -> Container:
        """Start the command. Images are not looked at: only their command runs.

        A program that stands for Python, where there is one, is told which image it stands for.
        """
        launch = self._prepare(labels or {}, environment or {})
        folder = self._scratch / secrets.token_hex(8)
        home = folder / "home"
        home.mkdir(parents=True)
        argv = [*command]
        if argv and argv[0] in _PYTHON_NAMES:
            argv[0] = str(self.python or sys.executable)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - the task definition's command
                argv,
                env={**launch.environment, **_paths(home, self.python), **self._told(image)},
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        container = Container(
            process=process,
            folder=folder,
            stop_seconds=launch.stop_seconds,
            task=(labels or {}).get("com.amazonaws.ecs.task-arn", ""),
        )
        self.known[container.id] = container
        if self.memory is not None and launch.memory_bytes is not None:
            self.memory.watch(process.pid, launch.memory_bytes)
        return container

    def _told(self, image: str) -> dict[str, str]:
        return {IMAGE_VARIABLE: image} if self.python else {}


class Images:
    """The ``images`` collection of a Docker client: every image is there."""

    @dataclass(frozen=True, slots=True)
    class Image:
        """An image whose contents do not matter."""

        id: str

        def tag(self, *_names: str, **_options: str) -> bool:
            """Accept any tag."""
            return True

    def get(self, name: str) -> Image:
        """Return the image of that name."""
        return self.Image(name)

    def pull(self, name: str, **_options: Any) -> Image:
        """Return the image of that name."""
        return self.Image(name)

    def get_registry_data(self, name: str, **_options: Any) -> None:
        """Refuse: there is no registry."""
        raise ContainerNotFound(name)


class Client:
    """What the emulator uses of ``docker.from_env()``."""

    def __init__(self, *, scratch: Path, prepare: Prepare) -> None:
        self.containers = Containers(scratch=scratch, prepare=prepare)
        self.images = Images()


def _paths(home: Path, python: Path | None) -> dict[str, str]:
    binaries = str(Path(python or sys.executable).parent)
    return {
        **({} if python else python_path()),
        "PATH": os.pathsep.join((binaries, "/usr/local/bin", "/usr/bin", "/bin")),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        # Many workers share this machine's few cores.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
