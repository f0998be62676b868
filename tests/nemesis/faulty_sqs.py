"""SQS as the runtime sees it on a bad day: the emulator's client, with faults between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from starburst._protocol.requeue import RequeueMessage
from starburst._protocol.sealed.chunks import ChunkMessage, read_message
from starburst.contract.times import LEASE_SECONDS, POLL_SECONDS
from starburst.errors import IntegrityError

from .faulty import Faulty, Killed
from .order.notes import What
from .sky import HOURS, leased, range_of, session_of, trouble

__all__ = ["FaultySQS"]

_ANSWER_SECONDS: Final = 0.1


@dataclass
class FaultySQS(Faulty):
    """One process's view of its session's queue."""

    _bodies: dict[str, str] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)

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
        seconds, words["VisibilityTimeout"] = words["VisibilityTimeout"], HOURS
        committing = self.committing()
        with self.sky.changed:
            for receipt in list(self.held):  # who asks for work has let go of what it had
                if committing is None or committing.receipt != receipt:
                    del self.held[receipt]
            answer = self.sky.sqs.receive_message(**words, WaitTimeSeconds=0)
            if not answer.get("Messages") and not self.sky.deliver_late():
                return {}
            for message in list(answer.get("Messages", [])):
                if self.mortal and self._taken(words["QueueUrl"], message):
                    answer["Messages"].remove(message)
                else:
                    self._received(words["QueueUrl"], message, seconds=seconds)
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
            self.sky.take(message["MessageId"])
            self.sky.hidden.append((url, receipt))
        elif self.plan.strikes("stolen", name):
            self.sky.sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
        else:
            return False
        return True

    def _received(self, url: str, message: dict[str, Any], *, seconds: float) -> None:
        receipt = message["ReceiptHandle"]
        self._ids[receipt] = message["MessageId"]
        self.sky.lease(url, message["MessageId"], receipt=receipt, seconds=seconds)
        count = int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1))
        try:
            read = read_message(message["Body"])
        except IntegrityError:
            self.held[receipt] = "forged"
            return
        self.notes.add(
            self.who,
            What.RECEIVED,
            session=session_of(url),
            receipt=receipt,
            ranges=() if isinstance(read, RequeueMessage) else (range_of(read),),
            count=count,
            again=isinstance(read, RequeueMessage) or read.again,
        )
        if isinstance(read, RequeueMessage):
            self.held[receipt] = "a request"
            return
        name = leased(read)
        self.held[receipt] = name
        if not self.mortal:
            return
        self.sky.deliveries.append((url, name))
        self._bodies[receipt] = message["Body"]
        if self.plan.strikes("delivered-twice", name) and self.plan.spend(name):
            self.sky.expire(url, receipt)
        if self.plan.strikes("lost-response", "receive", name) and self.plan.spend(name):
            del self.held[receipt]
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
        url, receipt, seconds = (
            words["QueueUrl"],
            words["ReceiptHandle"],
            words["VisibilityTimeout"],
        )
        if seconds >= LEASE_SECONDS:
            self._note(What.KEEPS, url, receipt)

        def change(given: Mapping[str, Any]) -> Any:
            hidden = {**given, "VisibilityTimeout": HOURS if seconds else 0}
            answer = self.sky.sqs.change_message_visibility(**hidden)
            if seconds < LEASE_SECONDS:  # it is given back, for now or for a while
                self.held.pop(receipt, None)
                self._note(What.GIVEN_BACK, url, receipt)
            if seconds:
                self.sky.lease(url, self._ids[receipt], receipt=receipt, seconds=seconds)
            return answer

        def act() -> Any:
            return self.ask("sqs", "ChangeMessageVisibility", words, change)

        return self.call("extend", self.held.get(receipt, ""), act)

    def _note(self, what: What, url: str, receipt: str) -> None:
        self.notes.add(self.who, what, session=session_of(url), receipt=receipt)

    def delete_message(self, **words: Any) -> Any:
        receipt = words["ReceiptHandle"]
        name = self.held.get(receipt, "")

        def delete(given: Mapping[str, Any]) -> Any:
            answer = self.sky.sqs.delete_message(**given)
            self._note(What.DELETED, given["QueueUrl"], receipt)
            self.sky.take(self._ids.get(receipt, ""))
            return answer

        def act() -> Any:
            answer = self.ask("sqs", "DeleteMessage", words, delete)
            self.held.pop(receipt, None)
            body = self._bodies.pop(receipt, None)
            if body is not None and self.plan.strikes("replayed", name):
                self.sky.post(words["QueueUrl"], body, late=True)
            return answer

        return self.call("delete", name, act)

    def delete_message_batch(self, **words: Any) -> Any:
        with self.sky.changed:
            for entry in words["Entries"]:
                self._note(What.DELETED, words["QueueUrl"], entry["ReceiptHandle"])
                self.sky.take(self._ids.get(entry["ReceiptHandle"], ""))
            return self.sky.sqs.delete_message_batch(**words)

    def send_message_batch(self, **words: Any) -> Any:
        entries: Sequence[dict[str, str]] = words["Entries"]
        messages = [ChunkMessage.from_body(entry["MessageBody"]) for entry in entries]
        names = [leased(message) for message in messages]
        if self.dies("send"):
            raise Killed

        def send(_: Mapping[str, Any]) -> dict[str, Any]:
            failed = []
            for entry, message, name in zip(entries, messages, names, strict=True):
                body = entry["MessageBody"]
                if self.plan.strikes("partly-failed", name):
                    failed.append({"Id": entry["Id"], "Code": "Nemesis", "SenderFault": False})
                else:
                    late = self.plan.strikes("delayed", name)
                    self.sky.post(words["QueueUrl"], body, late=late)
                    self.notes.add(
                        self.who,
                        What.SENT,
                        session=session_of(words["QueueUrl"]),
                        ranges=(range_of(message),),
                        again=message.again,
                    )
            return {"Failed": failed} if failed else {}

        return self.call("send", names[0], lambda: self.ask("sqs", "SendMessageBatch", words, send))
