"""The model's client: it cuts, stores and queues tasks, and reads their results."""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import Final

from starburst._client.access.timings import Timings
from starburst._client.tasks import chunking, collect, dispatch
from starburst._client.tasks.pacing import Pace
from starburst._protocol.sizing import chunk_tasks
from starburst.contract import ControllerDoor

from .cloud import Message
from .state import BYTES_A_SECOND, S3_SECONDS, Chunk, State
from .terms import Plan

__all__ = ["Client"]

_LIST_SECONDS: Final = 0.06
_READ_SECONDS: Final = 0.004
"""Of the client's one core, for each result object; measured with boto3."""
_PICKLE_SECONDS: Final = 4e-6
_PAGE: Final = 1000


class Client(State):
    """What the client does in a run."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._pace = Pace(0.0)
        self._looked = 0.0

    def _open(self) -> None:
        keys = self.manifest.keys
        self.cloud.objects[keys.manifest] = (self.manifest.to_json(), '"m"', 0.0)
        for action in ("kms:GenerateDataKey", "kms:Encrypt", "s3:PutObject"):
            self.meter.note(action, 0.0)
        self._ask("start")
        self.clock.at(self.cloud.cursor, self._send_packs)

    def _ask(self, action: str) -> None:
        request = self.manifest.keys.request(action)
        body = json.dumps({"protocol": 1, "action": action}).encode()
        self.cloud.objects[request] = (body, '"r"', self.clock.now)
        self.meter.note("s3:PutObject", self.clock.now)
        self.meter.note("lambda:Invoke", self.clock.now)
        payload = {"protocol": 1, "action": action, "key": request}
        answer = self.invoke(payload, door=ControllerDoor.ANALYSTS)
        assert answer["ok"], answer  # noqa: S101 - a model that is refused says nothing

    def _send_packs(self) -> None:
        """Cut, store and queue all tasks, as the dispatcher does, at its pace."""
        moment = self.clock.now
        self.meter.note("s3:PutObject", moment)  # the function
        total = len(self.plan.durations)
        most = chunk_tasks(total, workers=self.plan.workers)
        per_pack = min(dispatch._PACK_TASKS, dispatch._PACK_BYTES // self.plan.input_bytes)
        for start in range(0, total, per_pack):
            count = min(per_pack, total - start)
            moment += count * _PICKLE_SECONDS + S3_SECONDS
            moment += count * self.plan.input_bytes / BYTES_A_SECOND
            self.meter.note("s3:PutObject", moment)
            sizes = [self.plan.input_bytes] * count
            cut = list(chunking.plan(sizes, most=most))
            messages = []
            for lo, hi in cut:
                body = (hi - lo) * (self.plan.input_bytes + 3) + 300
                chunk = Chunk(start + lo, hi - lo, body, hi - lo)
                messages.append(Message(len(self.chunks), 0, hi - lo))
                self.chunks.append(chunk)
            moment = self.send(messages, moment)
        self._pace.begin(self.clock.now)
        self.clock.at(moment, self._poll)

    def _poll(self) -> None:
        """List and read results, as the collector does."""
        now = self.clock.now
        pages = 1 + (self.nodes - self.nodes_before) // _PAGE
        self.meter.note("s3:ListObjectsV2", now, count=pages)
        new = list(self.unread)
        self.unread.clear()
        each = max(_READ_SECONDS, S3_SECONDS / collect._FETCHES)
        spent = pages * _LIST_SECONDS
        for _ in new:
            spent += each
            self.meter.note("s3:GetObject", now + spent)
        for chunk in new:
            self.collected += chunk
        while self.first_open < len(self.chunks) and not self.chunks[self.first_open].open:
            self.nodes_before += self.chunks[self.first_open].nodes
            self.first_open += 1
        if now - self._looked > Timings().status_seconds:
            self._looked = now
            self.meter.note("s3:GetObject", now, count=2)  # the status, the cancel list
        left = len(self.plan.durations) - self.collected
        pause = self._pace.next(now, found=bool(new), done=self.collected, left=left)
        if new:
            self.last_collected = now + spent
        if self.collected < len(self.plan.durations):
            self.clock.at(now + spent + pause, self._poll)
        else:
            self.clock.at(now + spent + self.plan.linger, self._close)

    def _close(self) -> None:
        self._ask("stop")
        for task in self.cloud.tasks.values():
            if task.stopped is None:
                self.clock.at(self.cloud.cursor, self._sweep)
                return
        self.over = True

    @abstractmethod
    def _sweep(self) -> None:
        """Let the schedule fire."""
