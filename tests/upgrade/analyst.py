"""An analyst with a client of any release, in a process of their own: told what to do by lines.

Each line is a call of one method, each answer a line too, both JSON. Only what the first release
has of ``starburst`` is used here.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import starburst

__all__ = ["Analyst", "held", "main"]

WHERE: dict[str, Any] = {"workspace": "demo", "user": "alice"}
SMALL: dict[str, Any] = {**WHERE, "cpu": 0.25, "memory": 0.5, "progress": False}
PATIENCE = 240
"""Seconds after which what has no result counts as lost."""


def held(number: int, folder: str, gate: str) -> list[Any]:
    """Write down that it runs, wait for its gate, and return which worker's release ran it."""
    with open(os.path.join(folder, f"{number}.ran"), "a") as log:
        log.write(f"{os.getppid()}\n")
    while not os.path.exists(os.path.join(folder, gate)):  # the folder itself, for none
        time.sleep(0.05)
    return [number * number, os.path.dirname(os.path.dirname(starburst.__file__))]


def breath(number: int) -> list[Any]:
    """Be a short task."""
    time.sleep(0.3)
    return [number * number, os.path.dirname(os.path.dirname(starburst.__file__))]


class Analyst:
    """One session, and beside it another in which one short task follows the other."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._session: Any = None
        self._breaths: list[Any] = []
        self._enough = threading.Event()
        self._breathing = threading.Thread(target=self._breathe, daemon=True)

    def open(self, *, workers: int) -> str:
        """Open the session; return its id."""
        self._session = starburst.session(workers=workers, **SMALL)
        return str(self._session.id)

    def submit(self, *, numbers: Sequence[int], gate: str) -> None:
        """Give tasks that wait for a gate, one by one."""
        for number in numbers:
            self._session.submit(held, number, self._folder, gate)

    def collect(self) -> Any:
        """Wait for all results, in the order of their tasks."""
        return self._session.collect(timeout=PATIENCE)

    def attach(self, *, session: str) -> Any:
        """Collect the results of a session that another client opened."""
        return starburst.attach(session, progress=False, **WHERE).collect(timeout=PATIENCE)

    def map(self, *, numbers: Sequence[int], gate: str) -> Any:
        """Map over numbers, in a session of its own."""
        kwargs = {"folder": self._folder, "gate": gate}
        return starburst.map(held, numbers, kwargs=kwargs, workers=1, **SMALL)

    def breathe(self) -> None:
        """Begin to give one short task after the other."""
        self._breathing.start()

    def _breathe(self) -> None:
        with starburst.session(workers=1, **SMALL) as session:
            while not self._enough.is_set():
                future = session.submit(breath, len(self._breaths))
                self._breaths.append(future.result(timeout=PATIENCE))
            session.cleanup(force=True)

    def breaths(self) -> int:
        """Return how many short tasks have had their result."""
        return len(self._breaths)

    def breathed(self) -> Any:
        """Let the last short task end; return the results of all."""
        self._enough.set()
        self._breathing.join()
        return self._breaths

    def close(self) -> None:
        """Erase the session."""
        self._session.cleanup(force=True)


def main(folder: str) -> None:
    """Do what each line says, in a folder for what tasks write."""
    analyst = Analyst(folder)
    for line in sys.stdin:
        words = json.loads(line)
        try:
            answer = {"answer": getattr(analyst, words.pop("do"))(**words)}
        except Exception as error:  # whoever asked judges it
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
