"""A worker's child as the notes of a run see it: what it is given, and how that ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starburst._protocol.sealed.envelope import Buffer
from starburst.worker.child.frames import Frame
from starburst.worker.child.process import Child, ChildDied
from starburst.worker.child.shared_state import SharedState

from .order.notes import What
from .sky import Sky

__all__ = ["WatchedChild"]


class WatchedChild:
    """Stands before a child; its worker waits for it in real time, as the child runs.

    Args:
        sky: whose notes these are.
        who: the worker.
        start: starts the child.
        chunk: returns the chunk and the session that the worker is at.
        overdue: whether a task, numbered within its chunk, is one that its worker must end.
    """

    def __init__(
        self,
        sky: Sky,
        who: str,
        *,
        start: Callable[[], Child],
        chunk: Callable[[], tuple[str, str]],
        overdue: Callable[[int], bool],
    ) -> None:
        self._sky = sky
        self._who = who
        self._chunk = chunk
        self._overdue = overdue
        self._given: dict[str, Any] | None = None
        with sky.real_time():
            self._child = start()

    @property
    def state(self) -> SharedState:
        """What it shares with its worker."""
        return self._child.state

    @property
    def functions(self) -> set[str]:
        """Names of those that it knows."""
        return self._child.functions

    @property
    def modules(self) -> str | None:
        """The folder for the files of own modules."""
        return self._child.modules

    @property
    def begins(self) -> bool:
        """Whether it may still be at what is called first."""
        return self._child.begins

    @begins.setter
    def begins(self, begins: bool) -> None:
        self._child.begins = begins

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._child.pid

    def send(self, header: dict[str, Any], buffers: Sequence[Buffer]) -> None:
        """Give it a command."""
        if header["do"] == "run":
            (chunk, session), lo = self._chunk(), header["lo"]
            self._given = {"session": session, "ranges": ((chunk, lo, lo + len(buffers)),)}
            self._note(What.GIVEN)
        with self._sky.real_time():
            self._child.send(header, buffers)

    def hand_over(self, name: str, file: int) -> None:
        """Give it what tasks share."""
        with self._sky.real_time():
            self._child.hand_over(name, file)

    def receive(self, timeout: float) -> Frame | None:
        """Return its next frame, or None after so many seconds."""
        try:
            with self._sky.real_time():
                frame = self._child.receive(timeout)
        except ChildDied:
            self._note(What.DIED, task=self._task())
            self._given = None
            raise
        if frame is not None and frame.header["final"]:
            self._note(What.ANSWERED)
            self._given = None
        return frame

    def kill(self) -> None:
        """End it now."""
        task = self._task()
        self._note(What.BURIED, task=task if self._overdue(task) else -1)
        self._given = None
        with self._sky.real_time():
            self._child.kill()

    def _task(self) -> int:
        running = self.state.running()
        if running is not None:
            return running[0]
        return self._given["ranges"][0][1] if self._given else -1

    def _note(self, what: What, **about: Any) -> None:
        if self._given is not None:
            self._sky.notes.add(self._who, what, **self._given, **about)
