"""A session on virtual time: its chunks, its workers, what their tasks do, and what came of them.

All but the processes of tasks is the product's own: a worker leases, runs, commits and hands on.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from starburst._codec import decode_batch, encode_batch
from starburst._protocol.requeue import RequeueMessage
from starburst._protocol.sealed.cancel_list import CancelledTasks, cancel_key, seal_cancel_list
from starburst._protocol.sealed.chunks import Chunk, write_pack
from starburst._protocol.sealed.code.functions import Function, write_function
from starburst._protocol.sealed.failure import Failure
from starburst._protocol.sealed.result_nodes import ResultNode, node_key, open_node
from starburst._protocol.sealed.signing import SigningKey
from starburst.contract.times import HEARTBEAT_SECONDS
from starburst.worker.child.frames import Frame
from starburst.worker.child.process import ChildDied
from starburst.worker.child.shared_state import SharedState
from starburst.worker.ending.aws_time import AwsTime
from starburst.worker.ending.lifetime import Lifetime
from starburst.worker.ending.watch import Watch
from starburst.worker.ending.word import Told
from starburst.worker.leases.lease import Leases
from starburst.worker.objects.store import Store
from starburst.worker.ranges import Ranges
from starburst.worker.settings.timings import TICK_SECONDS, Timings
from starburst.worker.supervisor import Supervisor
from tests.manifests import a_manifest
from tests.runtime.effects import Effects, listening
from tests.runtime.protocol_order import violations
from tests.statuses import a_status

from .virtual_aws import Act, VirtualS3, VirtualSQS, dated
from .virtual_time import VirtualTime

__all__ = ["Dies", "Killed", "VirtualSession"]

_KEY = bytes(range(32))
_BUCKET = "bucket"
_FUNCTION = "f"
_REPORT_SECONDS = 0.25


class Killed(BaseException):
    """SIGKILL: the worker does nothing more."""


@dataclass(frozen=True)
class Dies:
    """A task that takes its process down after so many seconds."""

    after: float


class VirtualSession:
    """One session.

    Args:
        chunks: of each chunk, the seconds that its tasks take, or how they die.
        timings: of its workers.
        terms: of its manifest.

    Attributes:
        starts: the number of each task that began, and when.
        children: how many processes of tasks there are.
        ahead: by how many seconds the dates of AWS's answers are ahead of its workers' clock.
        killed: when processes of workers were ended that did not end by themselves.
    """

    def __init__(
        self,
        *chunks: Sequence[float | Dies],
        timings: Timings | None = None,
        **terms: Any,
    ) -> None:
        self.time = VirtualTime()
        self.s3, self.sqs = VirtualS3(self.time), VirtualSQS(self.time)
        self.effects = Effects(now=self.time.monotonic)
        self.timings = timings or Timings()
        self.manifest = a_manifest(**terms)
        self.keys = self.manifest.keys
        self.tasks = list(itertools.chain(*chunks))
        self.starts: list[tuple[int, float]] = []
        self.children = 0
        self.dead: set[str] = set()
        self.ahead = 0.0
        self.killed: list[float] = []
        self._times: list[AwsTime] = []
        self._signer = SigningKey.generate()
        self._names = itertools.count(1)
        self._chunks = list(self._cut(chunks))
        self._store()

    def _cut(self, chunks: Sequence[Sequence[float | Dies]]) -> Any:
        first = 0
        for number, durations in enumerate(chunks):
            inputs = [str(first + i).encode() for i in range(len(durations))]
            name = f"p000001-{number:05d}"
            yield Chunk(name=name, function=_FUNCTION, first=first, inputs=inputs)
            first += len(durations)

    def _store(self) -> None:
        session = self.keys.session
        parts, messages = write_pack(
            "p000001", self._chunks, session=session, key=_KEY, signer=self._signer
        )
        self.s3.objects[f"{self.keys.inputs}p000001"] = b"".join(bytes(part) for part in parts)
        self.s3.objects[self.keys.functions + _FUNCTION] = write_function(
            Function(name=_FUNCTION, pickle=b"pickle"),
            session=session,
            key=_KEY,
            signer=self._signer,
        )
        self.s3.objects[self.keys.manifest] = b"{}"
        for message in messages:
            self.sqs.send(message.to_body())

    def cancel(self, *numbers: int) -> None:
        """Cancel tasks, as a client does."""
        self.s3.objects[cancel_key(self.keys)] = seal_cancel_list(
            CancelledTasks.of(numbers), session=self.keys.session, key=_KEY, signer=self._signer
        )

    def ask_to_send_again(self, *live: str) -> None:
        """Ask for what has neither a result nor a worker, as the controller does."""
        self.sqs.send(RequeueMessage(live=frozenset(live)).to_body())

    def meet(self, call: str, *acts: Act) -> None:
        """Have the next calls of a kind, to S3 or to SQS, meet these in turn."""
        service = self.sqs if hasattr(self.sqs, call) else self.s3
        service.meet(call, *acts)

    def left_to_meet(self, call: str) -> int:
        """How much of that no call has met."""
        return len(self.sqs.acts[call]) + len(self.s3.acts[call])

    def worker(self) -> Supervisor:
        """Return another worker, not begun."""
        name = f"w{next(self._names)}"
        public = self._signer.public
        hands = self.effects.hands(name, self.keys, key=_KEY, public=public)
        s3, sqs = (hands.client(_Mortal(service, name, self)) for service in (self.s3, self.sqs))
        store = Store(
            s3,
            _BUCKET,
            keys=self.keys,
            key=_KEY,
            public=public,
            timings=self.timings,
            clock=self.time,
        )
        start: Any = lambda: _Child(self)  # noqa: E731
        made = Supervisor(
            self.manifest,
            Leases(sqs, "url", timings=self.timings, clock=self.time),
            store=store,
            worker=name,
            timings=self.timings,
            start_child=start,
            ranges=hands.ranges(Ranges),
            clock=self.time,
        )
        self.time.beside.append(lambda: (made.settling.background._under_way or (None, None))[1])
        return made

    def watch(
        self, worker: Supervisor, *, deadline: float | None, longest_seconds: float = 1e9
    ) -> None:
        """Have a worker's end be watched over, as its process does it in a thread."""
        time = AwsTime(clock=self.time)
        self._times.append(time)
        s3: Any = _Mortal(self.s3, "a watch", self)
        watch = Watch(
            Lifetime(
                longest_seconds=longest_seconds,
                deadline=deadline,
                overdue_seconds=self.timings.overdue_seconds,
            ),
            time=time,
            look=Told(s3, _BUCKET, keys=self.keys).look,
            stop=lambda: self.stop_at(self.time.now, worker),
            kill=lambda: self.killed.append(self.time.now),
            timings=self.timings,
            clock=self.time,
        )

        def turn() -> None:
            pause = watch.turn()
            if not self.killed:
                self.time.call_at(self.time.now + pause, turn)

        self.time.call_at(self.time.now, turn)

    def tell(self, **about: Any) -> None:
        """Write the session's status, as the controller does."""
        said = {"session": self.keys.session, "state": "running", **about}
        self.s3.objects[self.keys.status] = a_status(**said).to_json()

    def answered(self) -> None:
        """Have workers hear the date of an answer."""
        for time in self._times:
            time.hear(dated(self.time.now + self.ahead))

    def run(self, worker: Supervisor | None = None) -> Supervisor:
        """Have a worker live; return it when it has ended."""
        worker = worker or self.worker()
        with listening():
            worker.run()
        return worker

    def stop_at(self, moment: float, worker: Supervisor) -> None:
        """Send SIGTERM then."""
        self.time.call_at(moment, lambda: worker.stop(15, None))

    def kill_at(self, moment: float, worker: Supervisor) -> None:
        """Send SIGKILL then."""

        def kill() -> None:
            self.dead.add(worker.ranges._worker)
            raise Killed

        self.time.call_at(moment, kill)

    def started(self, number: int) -> int:
        """How often a task was begun."""
        return [n for n, _ in self.starts].count(number)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of that event, with when they were written."""
        lines = [e for e in self.effects.of("log") if e.facts["event"] == event]
        return [{**line.facts, "now": line.at} for line in lines]

    def nodes(self) -> Iterator[tuple[Chunk, ResultNode]]:
        """Yield what was committed, with its chunk."""
        for chunk in self._chunks:
            front = [(0, len(chunk.inputs))]
            while front:
                lo, hi = front.pop()
                body = self.s3.objects.get(node_key(self.keys, chunk.name, lo=lo, hi=hi))
                if body is None:
                    continue
                node = open_node(
                    body, session=self.keys.session, chunk=chunk.name, lo=lo, hi=hi, key=_KEY
                )
                front += node.children
                yield chunk, node

    def outcomes(self) -> list[object]:
        """What each task ended with: its value, the kind of its failure, or None."""
        found: list[object] = [None] * len(self.tasks)
        for chunk, node in self.nodes():
            for batch in node.batches:
                data = memoryview(b"".join(batch.parts))
                values = decode_batch(batch.format, data, mode="data")
                for n, value in enumerate(values, chunk.first + batch.first):
                    assert found[n] is None, "two committed results"
                    found[n] = value
            for number, failure in node.failures.items():
                found[chunk.first + number] = failure.kind or failure.type_name
        return found

    def failures(self) -> dict[int, Failure]:
        """Why tasks have no result."""
        return {
            chunk.first + number: failure
            for chunk, node in self.nodes()
            for number, failure in node.failures.items()
        }

    def squares(self) -> list[object]:
        """What tasks return where nothing goes wrong with them."""
        return [n * n for n in range(len(self.tasks))]

    def check(self) -> None:
        """Hold all that was done to the protocol's order, heartbeats to their rhythm."""
        looks = self.timings.commit_poll_seconds + TICK_SECONDS
        found = violations(self.effects, heartbeat=HEARTBEAT_SECONDS + looks)
        assert not found, "\n".join(found)


class _Mortal:
    """AWS for a worker that may be dead."""

    def __init__(self, service: Any, name: str, session: VirtualSession) -> None:
        self._service, self._name, self._session = service, name, session

    def __getattr__(self, name: str) -> Any:
        if self._name in self._session.dead:
            raise Killed
        ask = getattr(self._service, name)

        def call(**words: Any) -> Any:
            try:
                answer = ask(**words)
            except ClientError:
                self._session.answered()
                raise
            self._session.answered()
            return answer

        return call


class _Child:
    """A process of tasks: it obeys as the real one does, one command after the other."""

    def __init__(self, session: VirtualSession) -> None:
        self._session, self._time = session, session.time
        self.state = SharedState.create()
        self.functions: set[str] = set()
        self.modules = None
        self._commands: deque[tuple[dict[str, Any], list[bytes]]] = deque()
        self._values: list[int] = []
        self._left: deque[tuple[int, int]] = deque()
        self._first, self._begun, self._sent, self._dead = 0, -1.0, 0.0, ""
        self._working = False
        session.children += 1

    def send(self, header: dict[str, Any], buffers: Any) -> None:
        if header["do"] == "run":
            self._commands.append((header, [bytes(buffer) for buffer in buffers]))
            self._next()

    def _next(self) -> None:
        if not self._working and self._commands:
            header, inputs = self._commands.popleft()
            self._left = deque(enumerate(map(int, inputs), header["lo"]))
            self._first, self._sent, self._begun = header["lo"], self._time.now, -1.0
            self._working = True

    def receive(self, timeout: float) -> Frame | None:
        until = self._time.now + timeout
        while self._working and not self._dead:
            if self._begun < 0:
                if not self._left or self.state.stop_asked:
                    return self._frame(final=True)
                self._begun = self._time.now
                self.state.enter(self._left[0][0], self._begun)
                self._session.starts.append((self._left[0][1], self._begun))
            done = self._step(until)
            if done is not None:
                return done
            if self._time.now >= until and self._begun >= 0:
                return None
        if self._dead:
            raise ChildDied(self._dead)
        self._time.sleep(until - self._time.now)
        return None

    def _step(self, until: float) -> Frame | None:
        """Let the running task go on, for so long at most."""
        number = self._left[0][1]
        script = self._session.tasks[number]
        lasts = script.after if isinstance(script, Dies) else script
        self._time.sleep(min(self._begun + lasts, until) - self._time.now)
        if self._begun + lasts > self._time.now:
            return None
        if isinstance(script, Dies):
            self._dead = "it died"
            return None
        self._left.popleft()
        self.state.leave()
        self._begun = -1.0
        self._values.append(number * number)
        if self._left and self._time.now - self._sent > _REPORT_SECONDS:
            return self._frame(final=False)
        return None

    def _frame(self, *, final: bool) -> Frame:
        encoded, _ = encode_batch(list(self._values), mode="data")
        header = {
            "first": self._first,
            "count": len(self._values),
            "format": encoded.format,
            "failures": [],
            "seconds": self._time.now - self._sent,
            "retries": 0,
            "final": final,
        }
        self._first += len(self._values)
        self._values, self._sent = [], self._time.now
        if final:
            self._working = False
            self._next()
        return Frame(header, tuple(memoryview(part).cast("B") for part in encoded.parts))

    def kill(self) -> None:
        self._session.children -= 1
        self.state.close()
