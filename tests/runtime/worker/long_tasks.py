"""Two chunks of three tasks, one of them long, and a worker that a test drives by hand."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from starburst._client.access.connection import Connection
from starburst._client.opening import open_session
from starburst._client.options import SessionOptions
from starburst._protocol.sealed.chunks import ChunkMessage
from starburst.worker.leases.lease import Lease
from starburst.worker.supervisor import Supervisor
from tests.runtime.fleet import BUCKET, Fleet, leased
from tests.session_internals import flush, in_one_pack, queue_url

TASKS = 6


CHUNK = "p000001-00000"


def work(task: tuple[int, int, str]) -> int:
    """Note the start; the long one waits until it is told how to end."""
    number, long, directory = task
    note = os.open(f"{directory}/starts", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(note, f"{number}\n".encode())
    os.close(note)
    if number == long:
        told = os.open(f"{directory}/told", os.O_RDONLY)
        if os.read(told, 1) == b"k":
            os.kill(os.getpid(), signal.SIGKILL)
        os.close(told)
    return number


class Bench:
    """Two chunks of three tasks, one of them long, and one worker that has leased its chunk."""

    def __init__(
        self, connection: Connection, fleet: Fleet, directory: Path, long: int = 0, **options: Any
    ) -> None:
        fleet.launch = False
        self.fleet, self.directory, self.long = fleet, directory, long
        os.mkfifo(directory / "told")
        self._told = os.open(directory / "told", os.O_RDWR)
        terms = SessionOptions(workers=2, idle_timeout=20, **options)
        self.session = open_session(connection, terms, progress=False)
        with in_one_pack(self.session):
            self.futures: Sequence[Future[Any]] = self.session.map(
                work, [(i, long, str(directory)) for i in range(TASKS)]
            )
        flush(self.session)
        self.keys, self.url = self.session.manifest.keys, queue_url(self.session)
        self._handed_on: Future[None] = Future()
        self.worker = self.supervisor()
        found = leased(self.worker)
        assert found is not None
        self.lease: Lease = found
        self._thread = threading.Thread(target=self._work, daemon=True)

    def supervisor(self) -> Supervisor:
        worker = self.fleet.supervisor(self.keys, self.url)
        hand_on = worker.leases.hand_on

        def watched(messages: list[ChunkMessage]) -> None:
            hand_on(messages)
            if not self._handed_on.done():
                self._handed_on.set_result(None)

        worker.leases.hand_on = watched  # type: ignore[method-assign, assignment]
        return worker

    def _work(self) -> None:
        try:
            self.worker.work(self.lease)
            self.worker.settling.settle()
        finally:
            self.worker.child.end()
            if not self._handed_on.done():
                self._handed_on.set_exception(AssertionError("it ended, and handed nothing on"))

    def begin(self) -> None:
        """Run the first chunk until what follows its long task has been handed on."""
        self._thread.start()
        self._handed_on.result()

    def tell(self, how: bytes = b"r") -> None:
        os.write(self._told, how)

    def end(self) -> None:
        """Wait until the worker has done with its lease."""
        self._thread.join()

    def others(self) -> list[Future[Any]]:
        return [future for future in self.futures if future is not self.futures[self.long]]

    def starts(self) -> list[int]:
        return [int(line) for line in (self.directory / "starts").read_text().split()]

    def nodes(self) -> list[str]:
        """The committed ranges of the first chunk, each of them once."""
        versions = self.fleet.s3.list_object_versions(Bucket=BUCKET, Prefix=self.keys.results)
        names = [entry["Key"].removeprefix(self.keys.results) for entry in versions["Versions"]]
        assert len(set(names)) == len(names)
        return sorted(name for name in names if name.startswith(CHUNK))

    def drain(self) -> None:
        """Be another worker, until nothing waits in the queue."""
        other = self.supervisor()
        try:
            while (lease := leased(other, wait=0)) is not None:
                other.work(lease)
                other.settling.settle()
        finally:
            other.child.end()

    def close(self) -> None:
        self.session.cleanup()
        os.close(self._told)
