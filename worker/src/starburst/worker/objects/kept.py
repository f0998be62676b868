"""Objects that tasks share, one copy a worker: verified, in memory that nobody can change."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Final

from starburst._protocol.sealed.envelope import Buffer
from starburst.errors import IntegrityError
from starburst.worker.settings.timings import TICK_SECONDS

__all__ = ["KeptObjects"]

_SEALS: Final = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
_MOST_FILES: Final = 256
_MOST_WRITTEN: Final = 1 << 30


class KeptObjects:
    """The objects that this worker has fetched; those used last are kept.

    They are in memory alone, so nothing of them is left when the worker ends.

    Args:
        read: returns an object, verified.
        most: bytes to keep, but for what a task that is about to run needs.
    """

    def __init__(self, read: Callable[[str], Buffer], *, most: int) -> None:
        self._read = read
        self._most = most
        self._files: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._damaged: dict[str, str] = {}

    def fetch(
        self,
        names: Sequence[str],
        *,
        beside: Collection[str],
        tick: Callable[[], None] = lambda: None,
    ) -> bool:
        """Have objects here; False where they do not fit beside others that must stay.

        Args:
            names: of the objects.
            beside: names of those that must stay; if there are none, memory is made for all.
            tick: called at least twice a second meanwhile; may raise to give up.

        Raises:
            IntegrityError: one of them is missing, or not what the client stored.
        """
        stays = {*beside, *names}
        for name in names:
            if name not in self._files:
                self._add(name, stays, tick)
            self._files[name] = self._files.pop(name)  # as the one used last
            if (
                beside
                and sum(self._sizes[each] for each in stays & self._sizes.keys()) > self._most
            ):
                return False
        self._make_room(0, stays)  # one that did not fit before may be here as well
        return True

    def file(self, name: str) -> int:
        """Return the descriptor of an object that is here."""
        return self._files[name]

    def __contains__(self, name: str) -> bool:
        """Whether an object is here."""
        return name in self._files

    def close(self) -> None:
        """Let all of them go."""
        for name in [*self._files]:
            self._drop(name)

    def _add(self, name: str, stays: Collection[str], tick: Callable[[], None]) -> None:
        if name in self._damaged:
            raise IntegrityError(self._damaged[name])
        try:
            data = memoryview(self._read_ticking(name, tick))
        except IntegrityError as error:
            self._damaged[name] = str(error)
            raise
        self._make_room(data.nbytes, stays)
        file = os.memfd_create(f"starburst-{name}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            at = 0
            while at < data.nbytes:
                at += os.write(file, data[at : at + _MOST_WRITTEN])
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, _SEALS)
        except BaseException:
            os.close(file)
            raise
        self._files[name], self._sizes[name] = file, data.nbytes

    def _read_ticking(self, name: str, tick: Callable[[], None]) -> Buffer:
        """Read in another thread, so that the lease on the tasks does not end meanwhile."""
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(self._read, name)
            while not wait([reading], timeout=TICK_SECONDS).done:
                tick()
            return reading.result()

    def _make_room(self, nbytes: int, stays: Collection[str]) -> None:
        for name in [*self._files]:
            fits = sum(self._sizes.values()) + nbytes <= self._most
            if fits and len(self._files) < _MOST_FILES:
                return
            if name not in stays:
                self._drop(name)

    def _drop(self, name: str) -> None:
        os.close(self._files.pop(name))
        del self._sizes[name]
