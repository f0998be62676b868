"""S3 and SQS of one session in memory, on virtual time, which fail as a test says."""

from __future__ import annotations

import hashlib
import io
import itertools
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore.exceptions import EndpointConnectionError

from tests.runtime.wire import json_error, no_queue, s3_error

from .virtual_time import VirtualTime

if TYPE_CHECKING:
    from starburst.aws.queue_calls import LeaseCalls

__all__ = ["Act", "Message", "VirtualS3", "VirtualSQS", "dated", "outage"]

Act: TypeAlias = "Exception | Callable[[], object] | None"
"""What comes before a call is made: it fails, something is done, or nothing."""

_POLL = 0.5


def outage() -> Exception:
    """What a call meets whose endpoint does not answer."""
    return EndpointConnectionError(endpoint_url="https://aws.invalid")


@dataclass
class _Service:
    """Calls, one at a time; the next ones of each kind meet what a test has in store for them."""

    time: VirtualTime
    acts: dict[str, deque[Act]] = field(default_factory=lambda: defaultdict(deque))
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lock: threading.RLock = field(default_factory=threading.RLock)

    def meet(self, call: str, *acts: Act) -> None:
        """Have the next calls of a kind meet these, in turn."""
        self.acts[call].extend(acts)

    @contextmanager
    def _called(self, name: str) -> Iterator[None]:
        self._meet(name)
        with self.lock:
            yield

    def _meet(self, name: str) -> None:
        self.calls[name] += 1
        act = self.acts[name].popleft() if self.acts[name] else None
        if isinstance(act, Exception):
            raise act
        if act is not None:
            act()


@dataclass
class VirtualS3(_Service):
    """One bucket. Calls on results are counted apart: ``put_node``, ``get_cancelled``, and so on.

    Attributes:
        objects: by key.
        shy: whether it says 403 of what is not there, as to a worker, which may list nothing.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    shy: bool = False

    def put_object(self, *, Key: str, Body: Any, IfNoneMatch: str = "", **_: Any) -> dict[str, Any]:
        data = Body.read() if isinstance(Body, io.BytesIO) else bytes(Body)
        with self._called(_kind("put", Key)):
            if IfNoneMatch == "*" and Key in self.objects:
                raise s3_error(412, "PreconditionFailed")
            self.objects[Key] = data
        return {}

    def get_object(
        self, *, Key: str, Range: str = "", IfNoneMatch: str = "", **_: Any
    ) -> dict[str, Any]:
        with self._called(_kind("get", Key)):
            data = self._object(Key)
            etag = hashlib.sha256(data).hexdigest()
            if IfNoneMatch == etag:
                raise s3_error(304, "NotModified")
            if not Range:
                return {"Body": io.BytesIO(data), "ETag": etag}
            span = Range.removeprefix("bytes=")
            first, last = map(int, span.split("-"))
            return {
                "Body": io.BytesIO(data[first : last + 1]),
                "ETag": etag,
                "ContentRange": f"bytes {span}/{len(data)}",
            }

    def head_object(self, *, Key: str, **_: Any) -> dict[str, Any]:
        with self._called(_kind("head", Key)):
            self._object(Key)
        return {}

    def _object(self, key: str) -> bytes:
        if key not in self.objects:
            raise s3_error(403, "AccessDenied") if self.shy else s3_error(404, "NoSuchKey")
        return self.objects[key]


def _kind(call: str, key: str) -> str:
    """Return what kind of object a call is about."""
    if "/results/" in key:
        return f"{call}_attempt" if "." in key else f"{call}_node"
    for name in ("cancelled", "functions", "manifest", "status"):
        if name in key:
            return f"{call}_{name}"
    return f"{call}_pack"


@dataclass
class Message:
    """One message of the queue."""

    body: str
    sent: float
    visible: float
    receipt: str = ""
    deliveries: int = 0
    first: float = 0.0


@dataclass
class VirtualSQS(_Service):
    """One queue.

    Attributes:
        messages: those that nobody has deleted.
        deleted: whether the queue is.
        refused: how many messages it will still not take, one of each batch.
    """

    messages: list[Message] = field(default_factory=list)
    deleted: bool = False
    refused: int = 0
    _receipts: itertools.count[int] = field(default_factory=itertools.count)

    def send(self, body: str) -> None:
        """Queue a message, as anybody may."""
        self.messages.append(Message(body, sent=self.time.now, visible=self.time.now))

    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int,
        WaitTimeSeconds: int,
        VisibilityTimeout: int,
        MessageSystemAttributeNames: Sequence[str],
    ) -> Any:
        assert MaxNumberOfMessages == 1, QueueUrl
        self._meet("receive_message")
        until = self.time.now + WaitTimeSeconds
        while True:
            self.time.let_others_work()
            with self.lock:
                self._look()
                found = next((m for m in self.messages if m.visible <= self.time.now), None)
                if found is not None:
                    leased = self._lease(found, VisibilityTimeout)
                    said = leased["Attributes"]
                    leased["Attributes"] = {k: said[k] for k in MessageSystemAttributeNames}
                    return {**dated(self.time.now), "Messages": [leased]}
            if self.time.now >= until:
                return dated(self.time.now)
            self.time.sleep(min(_POLL, until - self.time.now))

    def _lease(self, message: Message, seconds: int) -> dict[str, Any]:
        message.receipt = f"receipt-{next(self._receipts)}"
        message.visible = self.time.now + seconds
        message.deliveries += 1
        message.first = message.first or self.time.now
        return {
            "Body": message.body,
            "ReceiptHandle": message.receipt,
            "Attributes": {
                "ApproximateReceiveCount": str(message.deliveries),
                "ApproximateFirstReceiveTimestamp": _milliseconds(message.first),
                "SentTimestamp": _milliseconds(message.sent),
            },
        }

    def change_message_visibility(
        self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int
    ) -> None:
        with self._called("change_message_visibility"):
            self._look()
            for message in self.messages:
                if message.receipt == ReceiptHandle and message.visible > self.time.now:
                    message.visible = self.time.now + VisibilityTimeout
                    return
            raise json_error("sqs", "MessageNotInflight")

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> None:
        with self._called("delete_message"):
            self._look()
            self.messages = [m for m in self.messages if m.receipt != ReceiptHandle]

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Any:
        with self._called("send_message_batch"):
            self._look()
            refused = Entries[:1] if self.refused else []
            self.refused -= len(refused)
            for entry in Entries[len(refused) :]:
                self.send(entry["MessageBody"])
        return {"Failed": [{"Id": entry["Id"]} for entry in refused]}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str]) -> Any:
        with self._called("get_queue_attributes"):
            self._look()
            waiting = sum(message.visible <= self.time.now for message in self.messages)
            counts = {"ApproximateNumberOfMessages": str(waiting)}
            return {"Attributes": {name: counts[name] for name in AttributeNames}}

    def _look(self) -> None:
        if self.deleted:
            raise no_queue()


if TYPE_CHECKING:
    _QUEUE: type[LeaseCalls] = VirtualSQS


def _milliseconds(moment: float) -> str:
    return str(int(moment * 1000) or 1)


def dated(moment: float) -> dict[str, Any]:
    """Return what botocore tells of an answer of that moment."""
    return {"ResponseMetadata": {"HTTPHeaders": {"date": formatdate(moment, usegmt=True)}}}
