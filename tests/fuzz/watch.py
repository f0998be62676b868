"""Watch one reading of foreign bytes: what it raised, how long it took, and what it called.

Python's own audit events tell of every import, every ``exec`` and ``compile``, every process,
socket and unpickled name. Reading data needs none of them, so any one is a finding.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
import warnings
from dataclasses import dataclass
from typing import Final

from .doors import DOORS
from .seeds import seeds

__all__ = ["Finding", "Watch"]

_FORBIDDEN: Final = (
    *("exec", "compile", "import", "marshal.", "pickle.", "os.system", "os.exec", "os.posix_spawn"),
    *(
        "_thread.",
        "os.fork",
        "subprocess.",
        "socket.",
        # Where a buffer begins is asked of ctypes; what calls, or reads any place, is not.
        "ctypes.dlopen",
        "ctypes.dlsym",
        "ctypes.call_function",
        "ctypes.string_at",
        "ctypes.wstring_at",
        "shutil.",
        "os.remove",
        "os.rename",
    ),
)
_SLOW_SECONDS: Final = 5.0
_OWN: Final = "starburst"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a door must not do.

    Attributes:
        door: which.
        what: the kind and place, by which findings are told apart.
        detail: for people.
    """

    door: str
    what: str
    detail: str


class Watch:
    """Reads bytes through doors and judges what happens. One is enough for a process."""

    def __init__(self) -> None:
        self._reader: int | None = None
        self._events: list[str] = []
        self._good = {name: frozenset(each) for name, each in seeds().items()}
        for name, each in self._good.items():  # so that every lazy import has happened
            for data in each:
                DOORS[name].read(data)
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        # What other tests left running in this process is no door's doing; a door starts no thread.
        if self._reader == threading.get_ident() and event.startswith(_FORBIDDEN):
            self._events.append(f"{event} {arguments[:1]!r}"[:200])

    def read(self, name: str, data: bytes) -> Finding | None:
        """Read bytes through a door; return what is wrong with what happened, or None."""
        door = DOORS[name]
        self._events.clear()
        began = time.process_time()
        raised: BaseException | None = None
        self._reader = threading.get_ident()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                door.read(data)
        except door.raises:
            pass
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            raised = error
        else:
            if door.sealed and data not in self._good[name]:
                return Finding(name, "accepted", "bytes that nobody sealed or signed were accepted")
        finally:
            self._reader = None
        return self._judge(name, raised, time.process_time() - began)

    def _judge(self, name: str, raised: BaseException | None, seconds: float) -> Finding | None:
        if raised is not None:
            where = _where(raised)
            text = "".join(traceback.format_exception(raised))
            return Finding(name, f"{type(raised).__name__} at {where}", text)
        if self._events:
            return Finding(name, f"did {self._events[0].split()[0]}", "; ".join(self._events))
        if seconds > _SLOW_SECONDS:
            return Finding(name, "slow", f"took {seconds:.1f} s of processor time")
        return None


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _OWN in frame.filename] or list(frames)
    return f"{own[-1].filename.rpartition('/')[2]}:{own[-1].lineno}" if own else "?"
