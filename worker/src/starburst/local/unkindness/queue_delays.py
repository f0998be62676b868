"""Queues that are not there yet, or are there still: SQS shows both up to a minute late.

AWS: a queue can be used one second after it was created; deleting takes up to 60 seconds, in which
requests may succeed and are lost with the queue; its name is free again after 60 seconds. Which
connection sees a young queue differs from look to look.

Sources: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html,
https://github.com/hashicorp/terraform-provider-aws/pull/29761 and, for the answer's form,
https://github.com/hashicorp/terraform-provider-aws/issues/43553.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .calls import Answer, Call, Kind, Refused
from .chance import Chance

__all__ = ["QueueDelays"]

_FIRST_SECOND: Final = 1.0
_MINUTE: Final = 60.0
_LATE_OFTEN: Final = 0.5


@dataclass
class QueueDelays(Kind):
    """Makes young queues invisible and deleted ones linger.

    Attributes:
        chance: of the run.
        young: queues that were created: when each is seen by all.
        deleted: queues that were deleted: when, how long each lingers, and its URL.
    """

    chance: Chance
    young: dict[str, float] = field(default_factory=dict)
    deleted: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    _asked: int = 0

    def before(self, call: Call) -> Answer | None:
        """Refuse what names a young queue, and answer for one that lingers."""
        if call.service != "sqs":
            return None
        name = _name(call.words)
        if call.operation == "CreateQueue":
            if call.at < self.deleted.get(name, (-_MINUTE, 0.0, ""))[0] + _MINUTE:
                raise Refused(
                    "com.amazonaws.sqs#QueueDeletedRecently",
                    "You must wait 60 seconds after deleting a queue before you can create "
                    "another with the same name.",
                    query_code="AWS.SimpleQueueService.QueueDeletedRecently",
                )
            return None
        if name in self.deleted:
            return self._of_the_deleted(name, call)
        if not self._seen(name, call):
            raise _gone()
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Note what was created and deleted; list what AWS would list."""
        if call.service != "sqs":
            return answer
        name = _name(call.words)
        if call.operation == "CreateQueue":
            if name not in self.young or name in self.deleted:
                self.deleted.pop(name, None)
                delay = self.chance.between(_FIRST_SECOND, _MINUTE, "young", name)
                self.young[name] = call.at + delay
        elif call.operation == "DeleteQueue":
            lingers = self.chance.between(0.0, _MINUTE, "deleted", name)
            self.deleted[name] = (call.at, call.at + lingers, call.text("QueueUrl"))
        elif call.operation == "ListQueues":
            urls = [url for url in answer.get("QueueUrls") or () if self._seen(_last(url), call)]
            prefix = call.text("QueueNamePrefix")
            urls += [
                url
                for gone, (_, until, url) in self.deleted.items()
                if call.at < until and gone.startswith(prefix) and url not in urls
            ]
            return {**answer, "QueueUrls": urls} if urls else {}
        return answer

    def _seen(self, name: str, call: Call) -> bool:
        """Whether this look, by whatever connection it comes, shows a queue."""
        until = self.young.get(name)
        if until is None or call.at >= until:
            return True
        self._asked += 1
        since_seen = 1.0 - (until - call.at) / _MINUTE
        return self.chance.number("look", name, self._asked) < since_seen * _LATE_OFTEN

    def _of_the_deleted(self, name: str, call: Call) -> Answer | None:
        _, until, url = self.deleted[name]
        if call.at >= until:
            return None
        self._asked += 1
        if self.chance.number("lingers", name, self._asked) >= _LATE_OFTEN:
            raise _gone()
        return _lingering(call, url)


def _lingering(call: Call, url: str) -> Answer:
    """Return what a queue answers that is about to go: what it is told is lost with it."""
    match call.operation:
        case "GetQueueUrl":
            return {"QueueUrl": url}
        case "GetQueueAttributes":
            names = call.words.get("AttributeNames") or ()
            counts = [n for n in names if str(n).startswith("ApproximateNumber")]
            return {"Attributes": dict.fromkeys(counts, "0")}
        case "SendMessage":
            return {"MessageId": _id(call.text("MessageBody")), **_digest(call.words)}
        case "SendMessageBatch":
            entries = call.words.get("Entries") or ()
            sent = [
                {"Id": e["Id"], "MessageId": _id(e["MessageBody"]), **_digest(e)} for e in entries
            ]
            return {"Successful": sent}
        case "DeleteMessageBatch" | "ChangeMessageVisibilityBatch":
            return {"Successful": [{"Id": e["Id"]} for e in call.words.get("Entries") or ()]}
        case _:
            return {}


def _digest(words: Mapping[str, Any]) -> dict[str, str]:
    body = str(words.get("MessageBody", "")).encode()
    return {"MD5OfMessageBody": hashlib.md5(body, usedforsecurity=False).hexdigest()}


def _id(body: str) -> str:
    digest = hashlib.blake2b(body.encode(), digest_size=16).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))


def _gone() -> Refused:
    return Refused(
        "com.amazonaws.sqs#QueueDoesNotExist",
        "The specified queue does not exist.",
        query_code="AWS.SimpleQueueService.NonExistentQueue",
    )


def _name(words: Mapping[str, Any]) -> str:
    return str(words.get("QueueName") or _last(words.get("QueueUrl") or ""))


def _last(url: object) -> str:
    return str(url).rpartition("/")[2]
