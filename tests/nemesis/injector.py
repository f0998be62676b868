"""S3 and SQS as the runtime sees them on a bad day: the emulator's clients, with faults between."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from starburst._protocol.sealed.chunks import ChunkMessage
from starburst.contract.times import LEASE_SECONDS, POLL_SECONDS
from starburst.errors import IntegrityError
from starburst.worker.leases.lease import Lease

from .plan import Plan
from .sky import Sky, leased, trouble

__all__ = ["CANARY", "Fatal", "FaultyS3", "FaultySQS", "Killed"]

CANARY: Final = b"unverified bytes must never be parsed"
_SESSION: Final = re.compile(r"^sessions/[a-z0-9]+/[a-z0-9]+/[a-z0-9]{20}/")
_HOURS: Final = 12 * 3600
_ANSWER_SECONDS: Final = 0.1
_ABOUT_MESSAGES: Final = ("SendMessageBatch", "DeleteMessage", "ChangeMessageVisibility")
_FUNCTION: Final = re.compile(r"functions/.*")


Killed = SystemExit
"""SIGKILL of a thread's process: no handler of the runtime sees it, and threading is silent."""


class Fatal(Killed):
    """A task took the whole worker down, and not its own process alone."""


@dataclass
class _Faulty:
    sky: Sky
    who: str
    mortal: bool
    task: str = ""
    held: dict[str, str] = field(default_factory=dict)
    dead: threading.Event = field(default_factory=threading.Event)
    committing: Callable[[], Lease | None] = field(default=lambda: None)
    dies: Callable[[str], bool] = field(default=lambda _: False)

    @property
    def plan(self) -> Plan:
        return self.sky.plan

    @property
    def role(self) -> str:
        return "worker" if self.mortal else "client"

    def ask(
        self, service: str, operation: str, words: Mapping[str, Any], act: Callable[[Any], Any]
    ) -> Any:
        """Call AWS as it is, for this process."""

        def locked(given: Mapping[str, Any]) -> Any:
            with self.sky.changed:
                answer = act(given)
                if operation in _ABOUT_MESSAGES:
                    self.sky.changed.notify_all()
            return answer

        return self.sky.aws.call(service, operation, words, who=self.role, act=locked)

    def strike_dead(self, *where: object) -> None:
        """End this worker here, if the plan says so and the range in its hands survives it."""
        if self.dead.is_set():
            raise Killed  # another thread of the process was struck
        ranges = tuple(self.held.values())
        if self.mortal and self.plan.strikes("killed", *where, ranges):
            if all(self.plan.spend(name) for name in ranges):
                self.dead.set()
                raise Killed
            self.plan.struck["killed"] -= 1

    def may_fail(self) -> bool:
        """Whether a write may be refused to this process now."""
        return self.mortal and all(self.plan.spend(name) for name in set(self.held.values()))

    def call(
        self, name: str, subject: str, act: Callable[[], Any], *, within: object = None
    ) -> Any:
        """Act, unless the plan has it otherwise.

        Writes that fail despite botocore's retries are played for workers alone, and only as often
        as the range in hand survives: each may cost a lease, which to SQS looks like a worker's
        death.
        A client tells its user, who tries again.
        """
        certain = name in ("put", "send", "delete", "extend") and not self.may_fail()
        if not certain and self.plan.strikes("refused", name, subject, within=within):
            raise trouble(self.plan, name, subject)
        self.strike_dead("before", name, subject)
        answer = act()
        self.strike_dead("after", name, subject)
        if not certain and self.plan.strikes("lost-response", name, subject, within=within):
            raise trouble(self.plan, name, subject)
        return answer


@dataclass
class FaultyS3(_Faulty):
    """One process's view of S3; of a session's folder in it, for a worker."""

    folder: str = ""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*which: Any, **words: Any) -> Any:
            with self.sky.lock:
                return getattr(self.sky.s3, name)(*which, **words)

        return call

    def _subject(self, key: str) -> str:
        assert key.startswith(self.folder), f"{self.who} reaches for {key}"
        return _FUNCTION.sub("functions/", _SESSION.sub("", key))

    def get_object(self, **words: Any) -> dict[str, Any]:
        subject = self._subject(words["Key"])

        def read(given: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
            answer = self.sky.s3.get_object(**given)
            return answer, answer["Body"].read()

        def act() -> tuple[dict[str, Any], bytes]:
            return self.ask("s3", "GetObject", words, read)

        tries = (subject, self.who)
        answer, body = self.call("get", subject, act, within=tries)
        if "status.json" not in subject and self.plan.strikes("damaged", *tries, within=tries):
            body = self._damaged(body, words["Key"])
        return {**answer, "Body": io.BytesIO(body)}

    def _damaged(self, body: bytes, key: str) -> bytes:
        how = self.plan.pick(("flipped", "cut", "foreign", "swapped", "empty"), "how", key[-20:])
        at = int(self.plan.number("at", key[-20:]) * len(body))
        match how:
            case "flipped":
                return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            case "cut":
                return body[:at]
            case "foreign":
                return CANARY * 10
            case "swapped":
                with self.sky.lock:
                    folder = key.rpartition("/")[0]
                    found = self.sky.s3.list_objects_v2(Bucket="starburst-test-data", Prefix=folder)
                    others = [e["Key"] for e in found["Contents"] if e["Key"] != key]
                    if not others:
                        return b""
                    answer = self.sky.s3.get_object(Bucket="starburst-test-data", Key=others[0])
                    return answer["Body"].read()
            case _:
                return b""

    def put_object(self, **words: Any) -> Any:
        subject = self._subject(words["Key"])
        if hasattr(words["Body"], "read"):
            words["Body"] = words["Body"].read()

        def act() -> Any:
            return self.ask("s3", "PutObject", words, lambda given: self.sky.s3.put_object(**given))

        answer = self.call("put", subject, act)
        if self.plan.strikes("own-412", subject):
            self.call("put", subject, act)
        return answer

    def list_objects_v2(self, **words: Any) -> Any:
        def act() -> Any:
            return self.ask(
                "s3", "ListObjectsV2", words, lambda given: self.sky.s3.list_objects_v2(**given)
            )

        return self.call("list", "", act)


@dataclass
class FaultySQS(_Faulty):
    """One process's view of its session's queue."""

    _bodies: dict[str, str] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sky.sqs, name)

    def get_queue_url(self, **words: Any) -> Any:
        return self.ask(
            "sqs", "GetQueueUrl", words, lambda given: self.sky.sqs.get_queue_url(**given)
        )

    def receive_message(self, **words: Any) -> dict[str, Any]:
        if self.dead.is_set():
            raise Killed
        found: dict[str, Any] = self.ask("sqs", "ReceiveMessage", words, self._receive)
        if not found:
            with self.sky.changed:
                least = _ANSWER_SECONDS  # no answer comes at once
                self.sky.changed.wait(max(least, min(words["WaitTimeSeconds"], POLL_SECONDS)))
        return found

    def _receive(self, given: Mapping[str, Any]) -> dict[str, Any]:
        words = {name: value for name, value in given.items() if name != "WaitTimeSeconds"}
        committing = self.committing()
        with self.sky.changed:
            for receipt in list(self.held):  # who asks for work has let go of what it had
                if committing is not None and committing.receipt == receipt:
                    continue
                self.sky.expire(words["QueueUrl"], receipt)
                del self.held[receipt]
            answer = self.sky.sqs.receive_message(**words, WaitTimeSeconds=0)
            if not answer.get("Messages") and not self.sky.deliver_late():
                return {}
            for message in list(answer.get("Messages", [])):
                if self._taken(words["QueueUrl"], message):
                    answer["Messages"].remove(message)
                else:
                    self._received(words["QueueUrl"], message)
        return answer

    def _taken(self, url: str, message: dict[str, Any]) -> bool:
        """Whether a thief was quicker: no worker sees the message any more."""
        try:
            name = leased(ChunkMessage.from_body(message["Body"]))
        except IntegrityError:
            return False
        receipt = message["ReceiptHandle"]
        if self.plan.strikes("hidden", name):
            self.sky.sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=30_000
            )
            self.sky.hidden.append((url, receipt))
        elif self.plan.strikes("stolen", name):
            self.sky.sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
        else:
            return False
        return True

    def _received(self, url: str, message: dict[str, Any]) -> None:
        receipt = message["ReceiptHandle"]
        try:
            name = leased(ChunkMessage.from_body(message["Body"]))
        except IntegrityError:
            self.held[receipt] = "a request"
            return
        self.sky.deliveries.append((url, name))
        self.held[receipt] = name
        self._bodies[receipt] = message["Body"]
        if self.plan.strikes("delivered-twice", name) and self.plan.spend(name):
            self.sky.expire(url, receipt)
        if self.plan.strikes("lost-response", "receive", name) and self.plan.spend(name):
            del self.held[receipt]
            self.sky.expire(url, receipt)
            raise trouble(self.plan, "receive", name)

    def get_queue_attributes(self, **words: Any) -> Any:
        def act() -> Any:
            return self.ask(
                "sqs",
                "GetQueueAttributes",
                words,
                lambda given: self.sky.sqs.get_queue_attributes(**given),
            )

        return self.call("count", "", act)

    def change_message_visibility(self, **words: Any) -> Any:
        receipt, seconds = words["ReceiptHandle"], words["VisibilityTimeout"]

        def change(given: Mapping[str, Any]) -> Any:
            hidden = {**given, "VisibilityTimeout": _HOURS if seconds else 0}
            answer = self.sky.sqs.change_message_visibility(**hidden)
            if seconds < LEASE_SECONDS:  # it is given back, for now or for a while
                self.held.pop(receipt, None)
            if 0 < seconds < LEASE_SECONDS:
                self.sky.lapse(words["QueueUrl"], receipt, after=seconds)
            return answer

        def act() -> Any:
            return self.ask("sqs", "ChangeMessageVisibility", words, change)

        return self.call("extend", self.held.get(receipt, ""), act)

    def delete_message(self, **words: Any) -> Any:
        receipt = words["ReceiptHandle"]
        name = self.held.get(receipt, "")

        def act() -> Any:
            answer = self.ask(
                "sqs", "DeleteMessage", words, lambda given: self.sky.sqs.delete_message(**given)
            )
            self.held.pop(receipt, None)
            body = self._bodies.pop(receipt, None)
            if body is not None and self.plan.strikes("replayed", name):
                self.sky.post(words["QueueUrl"], body, late=True)
            return answer

        return self.call("delete", name, act)

    def send_message_batch(self, **words: Any) -> Any:
        entries: Sequence[dict[str, str]] = words["Entries"]
        names = [leased(ChunkMessage.from_body(entry["MessageBody"])) for entry in entries]
        if self.dies("send"):
            raise Killed

        def send(_: Mapping[str, Any]) -> dict[str, Any]:
            failed = []
            for entry, name in zip(entries, names, strict=True):
                body = entry["MessageBody"]
                if self.plan.strikes("partly-failed", name):
                    failed.append({"Id": entry["Id"], "Code": "Nemesis", "SenderFault": False})
                else:
                    late = self.plan.strikes("delayed", name)
                    self.sky.post(words["QueueUrl"], body, late=late)
            return {"Failed": failed} if failed else {}

        return self.call("send", names[0], lambda: self.ask("sqs", "SendMessageBatch", words, send))
