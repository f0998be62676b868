"""Players at work, each in a copy of the tree of its own."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import Any

from .copies import ROOT, copy_tree

__all__ = ["Jobs", "PlayerDied"]

_SOURCE_ROOTS = ("", "worker/src", "constructs")


class PlayerDied(Exception):
    """A player ended before it answered."""


class _Player:
    """A process that plays, and its copy of the tree."""

    def __init__(self, root: Path, place: Path) -> None:
        self._tree = place / "tree"
        copy_tree(root, self._tree)
        # The player itself stands in no other tree than this one.
        roots = os.pathsep.join([*(str(self._tree / each) for each in _SOURCE_ROOTS), str(ROOT)])
        self._said = place / "said"
        with self._said.open("w") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.mutation.playing.player"],
                cwd=self._tree,
                env={**os.environ, "PYTHONPATH": roots, "TMPDIR": str(place / "t")},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                start_new_session=True,  # Ctrl-C is for the process that waits
            )

    def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise PlayerDied(self._said.read_text()[-2000:])
        return json.loads(line)

    def end(self) -> None:
        """End it: at the end of its orders it ends what it began."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Jobs:
    """So many players, which begin when there is something to do.

    Args:
        root: of the repository.
        count: of the players.
    """

    def __init__(self, root: Path, count: int) -> None:
        self._root = root
        self._count = count
        self._place = Path(tempfile.mkdtemp(prefix="mutation-"))
        self._pool = ThreadPoolExecutor(count)
        self._imports: list[str] = []
        self._players: list[_Player] = []
        self._free: queue.SimpleQueue[_Player | None] = queue.SimpleQueue()
        for _ in range(count):
            self._free.put(None)

    def warm(self, imports: Sequence[str]) -> None:
        """Have every player import what tests need of others."""
        self._imports = list(imports)
        for player in self._players:
            player.ask({"kind": "warm", "imports": self._imports})

    def each(
        self, orders: Iterator[tuple[Any, dict[str, Any]]]
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Yield what is answered to each order, with what came with the order.

        An order is taken from the iterator when a player is free.
        """
        running: dict[Future[dict[str, Any]], Any] = {}
        waiting = True
        while True:
            while waiting and len(running) < self._count:
                following = next(orders, None)
                if following is None:
                    waiting = False
                else:
                    running[self._pool.submit(self._ask, following[1])] = following[0]
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                yield running.pop(each), each.result()

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        player = self._free.get() or self._begun()
        try:
            answer = player.ask(order)
        except PlayerDied as error:  # a mutant may end whom it likes; the next one has a new player
            self._free.put(None)
            return {"code": 1, "late": False, "seconds": 0.0, "said": str(error)}
        self._free.put(player)
        return answer

    def _begun(self) -> _Player:
        place = Path(tempfile.mkdtemp(dir=self._place))
        player = _Player(self._root, place)
        self._players.append(player)
        player.ask({"kind": "warm", "imports": self._imports})
        return player

    def __enter__(self) -> Jobs:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for player in self._players:
            player.end()
        self._pool.shutdown(cancel_futures=True)
        shutil.rmtree(self._place, ignore_errors=True)
