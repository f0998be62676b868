"""A sender at a desk of its own: AWS as a script has it, in a time that only its waits pass."""

from __future__ import annotations

import heapq
import io
import itertools
import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NoReturn

from starburst._client.access.status_reader import StatusReader
from starburst._client.access.timings import Timings
from starburst._client.tasks.dispatch import Dispatcher
from starburst._client.tasks.session_queue import SessionQueue
from starburst._client.tasks.task_list import TaskList
from starburst._protocol.sealed.chunks import Ledger, open_chunk, open_ledger
from starburst.aws.clock import Clock
from tests.runtime.wire import s3_error

from .client import connection_to, new_key

__all__ = ["Desk", "Pack"]

_REAL_SECONDS = 15.0
"""After which a thread that should have come to rest has hung."""

_LONGER = 1e-9
"""As any real wait, each takes a little longer."""


class _Script(Clock):
    """Time that passes while the sender waits, which then does what is due.

    Attributes:
        now: seconds since the beginning.
        naps: how often it waited while it gathered.
        interrupts: whether Ctrl-C comes when somebody next asks what time it is.
        rests: set once it waits for tasks, and nothing more is due.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.naps = 0
        self.rests = threading.Event()
        self.lock = _Lock(self)
        self.interrupts = False
        self.player = threading.get_ident()
        self._acts: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()

    def monotonic(self) -> float:
        if self.interrupts:
            self.interrupts = False
            raise KeyboardInterrupt
        return self.now

    def condition(self) -> threading.Condition:
        return self.lock

    def at(self, seconds: float, act: Callable[[], object]) -> None:
        heapq.heappush(self._acts, (seconds, next(self._numbers), act))

    def act_until(self, end: float, *, stops: Callable[[], bool]) -> None:
        while self._acts and self._acts[0][0] <= end and not stops():
            due, _, act = heapq.heappop(self._acts)
            self.now = max(self.now, due)
            act()


class _Lock(threading.Condition):
    """What the sender waits for: a wait ends when it is notified, or its time is over."""

    def __init__(self, script: _Script) -> None:
        super().__init__()
        self._script = script
        self._notified = False

    def notify_all(self) -> None:
        self._notified = True
        super().notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        if threading.get_ident() == self._script.player:
            return super().wait(timeout)
        end = float("inf") if timeout is None else self._script.now + timeout + _LONGER
        self.notify(0)  # raises where the lock is not held, as a real wait does
        self._notified = False
        self._script.naps += timeout is not None
        self._script.act_until(end, stops=lambda: self._notified)
        if self._notified:
            return True
        if timeout is None:
            self._script.rests.set()
            return super().wait()
        self._script.now = end
        return False

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        end = None if timeout is None else self._script.now + timeout
        while not (found := predicate()):
            rest = None if end is None else end - self._script.now
            if rest is not None and rest <= 0:
                break
            self.wait(rest)
        return found


@dataclass(frozen=True)
class Pack:
    """A pack that was stored: when, its name, and the number and length of each chunk."""

    at: float
    name: str
    chunks: list[tuple[int, int]]

    @property
    def tasks(self) -> int:
        return sum(count for _, count in self.chunks)


class Desk:
    """A sender whose tasks, clients and time are a test's.

    Attributes:
        tasks: those that it has taken on.
        packs: those that it has stored.
        sent: the chunks whose messages it has queued.
        inputs: what stands in the packs, by task.
        before: asked before each call, ``put`` or ``send``; raises what the call is to meet.
        told: what it said that it waits for.
        wrong: what came out of order.
    """

    def __init__(self, *, workers: int = 1, packs: int = 0, timings: Timings | None = None) -> None:
        self._script = _Script()
        self.tasks = TaskList()
        self.packs: list[Pack] = []
        self.sent: list[str] = []
        self.inputs: dict[int, bytes] = {}
        self.before: Callable[[str], None] = lambda _: None
        self.told: list[str] = []
        self.wrong: list[str] = []
        self._key, signer = new_key()
        connection = connection_to(self, timings or Timings())
        self.keys = connection.keys("s" * 20)
        self.queue = SessionQueue(
            connection, self.keys, statuses=StatusReader(connection, self.keys), url="queue"
        )
        self.dispatcher = Dispatcher(
            connection,
            self.keys,
            key=self._key,
            signer=signer,
            workers=workers,
            queue=self.queue,
            tasks=self.tasks,
            told=self.told.append,
            clock=self._script,
            **({"packs": packs} if packs else {}),
        )
        self.stored: dict[str, bytes] = {}

    @property
    def now(self) -> float:
        return self._script.now

    @property
    def naps(self) -> int:
        return self._script.naps

    def at(self, seconds: float, act: Callable[[], object]) -> None:
        """Have something done then, by the thread that sends while it waits."""
        self._script.at(seconds, act)

    def pass_time(self, seconds: float) -> None:
        self._script.now += seconds

    def submit(self, count: int = 1, *, size: int = 1) -> None:
        for _ in range(count):
            self.dispatcher.submit("f", b"x" * size)

    def end_all(self) -> None:
        """Leave workers nothing to do."""
        for future in self.tasks:
            future.cancel()
        assert self.tasks.outstanding == 0

    def interrupt(self, when: str) -> None:
        """Have Ctrl-C come once, when that has just been done."""
        if when == "time is asked":
            self._script.interrupts = True
            return
        tasks, add = vars(self.tasks), self.tasks.add

        def interrupted(*words: Any, **terms: Any) -> NoReturn:
            del tasks["add"]
            add(*words, **terms)
            raise KeyboardInterrupt

        tasks["add"] = interrupted

    def held(self) -> AbstractContextManager[object]:
        """Let the sender do nothing meanwhile."""
        return self._script.lock

    def run(self) -> list[Pack]:
        """Let it all happen, and end; return the packs."""
        with self.held():
            self._script.act_until(0.0, stops=lambda: False)
        assert self._script.rests.wait(_REAL_SECONDS), "the sender has not come to rest"
        self.dispatcher.close()
        assert self.wrong == []
        return self.packs

    def close(self) -> None:
        """Close it in the midst of a run, which ends with that."""
        self.dispatcher.close()
        self._script.rests.set()

    # What it asks of AWS.

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str) -> None:
        self.before("put")
        name = Key.removeprefix(self.keys.inputs)
        assert (Bucket, IfNoneMatch) == ("bucket", "*")
        if Key in self.stored:
            raise s3_error(412, "PreconditionFailed")
        self.stored[Key] = Body
        terms: dict[str, Any] = {
            "session": self.keys.session,
            "key": self._key.data,
            "public": self._key.public,
        }
        ledger = open_ledger(Body, pack=name, **terms)
        assert isinstance(ledger, Ledger)
        for entry in ledger.entries:
            if self.tasks.entry(entry.name) is not None:
                self.wrong.append(f"{entry.name} counts as sent before it is stored")
            sealed = Body[entry.offset : entry.offset + entry.length]
            chunk = open_chunk(sealed, name=entry.name, **terms)
            assert (chunk.first, len(chunk.inputs)) == (entry.first, entry.tasks)
            self.inputs.update(enumerate(map(bytes, chunk.inputs), chunk.first))
        self.packs.append(Pack(self.now, name, [(e.first, e.tasks) for e in ledger.entries]))

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.stored[Key])}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:
        self.before("send")
        for body in (json.loads(entry["MessageBody"]) for entry in Entries):
            if f"{self.keys.inputs}{body['at'][0]}" not in self.stored:
                self.wrong.append(f"{body['chunk']} is queued before it is stored")
            if self.tasks.entry(body["chunk"]) is None:
                self.wrong.append(f"a result of {body['chunk']} would find its tasks unknown")
            self.sent.append(body["chunk"])
        return {}
