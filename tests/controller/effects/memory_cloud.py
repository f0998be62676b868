"""S3, SQS and SSM in memory, as far as the controller uses them: a run costs milliseconds.

Thousands of runs are made of one scene, so moto would be too slow. What both answer is compared in
``test_memory_cloud.py``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from starburst.aws.queue_calls import SessionQueueCalls

__all__ = ["MemoryParameters", "MemoryQueues", "MemoryStore"]

Answer = dict[str, Any]

_GONE: Final = "AWS.SimpleQueueService.NonExistentQueue"
_URL: Final = "https://sqs.eu-west-1.amazonaws.com/123456789012/"


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Object:
    body: bytes
    etag: str
    written: float


@dataclass(kw_only=True)
class MemoryStore:
    """One bucket with conditional writes; ``page`` keys are listed at once."""

    now: Callable[[], float]
    page: int = 2
    objects: dict[str, _Object] = field(default_factory=dict)
    writes: int = 0

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes,
        IfMatch: str | None = None,
        IfNoneMatch: str | None = None,
        ContentType: str = "",
    ) -> Answer:
        there = self.objects.get(Key)
        if IfNoneMatch is not None and there is not None:
            raise _error("PreconditionFailed", "PutObject")
        if IfMatch is not None and there is None:
            raise _error("NoSuchKey", "PutObject")
        if IfMatch is not None and there is not None and there.etag != IfMatch:
            raise _error("PreconditionFailed", "PutObject")
        self.writes += 1
        etag = f'"{self.writes:032x}"'
        self.objects[Key] = _Object(body=Body, etag=etag, written=self.now())
        return {"ETag": etag}

    def get_object(self, *, Bucket: str, Key: str) -> Answer:
        answer = self._described(Key, code="NoSuchKey", operation="GetObject")
        return {**answer, "Body": io.BytesIO(self.objects[Key].body)}

    def head_object(self, *, Bucket: str, Key: str) -> Answer:
        return self._described(Key, code="404", operation="HeadObject")

    def delete_object(self, *, Bucket: str, Key: str, IfMatch: str | None = None) -> Answer:
        there = self.objects.get(Key)
        if IfMatch is not None and there is not None and there.etag != IfMatch:
            raise _error("PreconditionFailed", "DeleteObject")
        self.objects.pop(Key, None)
        return {}

    def list_objects_v2(
        self,
        *,
        Bucket: str,
        Prefix: str,
        MaxKeys: int = 1000,
        ContinuationToken: str = "",
        StartAfter: str = "",
    ) -> Answer:
        after = ContinuationToken or StartAfter
        keys = sorted(k for k in self.objects if k.startswith(Prefix) and k > after)
        shown = keys[: min(self.page, MaxKeys)]
        more = {"NextContinuationToken": shown[-1]} if len(shown) < len(keys) else {}
        listed = [
            {
                "Key": key,
                "LastModified": datetime.fromtimestamp(self.objects[key].written, UTC),
            }
            for key in shown
        ]
        return {"Contents": listed, "KeyCount": len(shown), **more}

    def _described(self, key: str, *, code: str, operation: str) -> Answer:
        there = self.objects.get(key)
        if there is None:
            raise _error(code, operation)
        return {
            "ETag": there.etag,
            "ContentLength": len(there.body),
            "LastModified": datetime.fromtimestamp(there.written, UTC),
        }


@dataclass(kw_only=True)
class _Message:
    name: str
    body: str
    hidden: float = 0


@dataclass(kw_only=True)
class MemoryQueues:
    """Queues that hide what was received; ``page`` of them are listed at once."""

    now: Callable[[], float]
    page: int = 2
    queues: dict[str, list[_Message]] = field(default_factory=dict)
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)
    sent: int = 0

    def create_queue(self, *, QueueName: str, Attributes: Mapping[Any, str] | None = None) -> Any:
        url = _URL + QueueName
        self.queues.setdefault(url, [])
        arn = f"arn:aws:sqs:eu-west-1:123456789012:{QueueName}"
        self.attributes.setdefault(url, {"QueueArn": arn, **(Attributes or {})})
        return {"QueueUrl": url}

    def delete_queue(self, *, QueueUrl: str) -> Any:
        self._messages(QueueUrl, "DeleteQueue")
        del self.queues[QueueUrl]
        return {}

    def purge_queue(self, *, QueueUrl: str) -> Any:
        self._messages(QueueUrl, "PurgeQueue").clear()
        return {}

    def get_queue_url(self, *, QueueName: str) -> Any:
        self._messages(_URL + QueueName, "GetQueueUrl")
        return {"QueueUrl": _URL + QueueName}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str]) -> Any:
        messages = self._messages(QueueUrl, "GetQueueAttributes")
        hidden = sum(message.hidden > self.now() for message in messages)
        counts = {"": len(messages) - hidden, "Delayed": 0, "NotVisible": hidden}
        found = {f"ApproximateNumberOfMessages{name}": str(n) for name, n in counts.items()}
        if list(AttributeNames) == ["All"]:
            return {"Attributes": found | self.attributes[QueueUrl]}
        return {"Attributes": {name: found[name] for name in AttributeNames}}

    def list_queues(
        self, *, QueueNamePrefix: str = "", MaxResults: int = 1000, NextToken: str = ""
    ) -> Any:
        prefix = _URL + QueueNamePrefix
        urls = sorted(url for url in self.queues if url.startswith(prefix) and url > NextToken)
        shown = urls[: min(self.page, MaxResults)]
        if not shown:
            return {}
        more = {"NextToken": shown[-1]} if len(shown) < len(urls) else {}
        return {"QueueUrls": shown, **more}

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> Any:
        messages = self._messages(QueueUrl, "SendMessage")
        self.sent += 1
        messages.append(_Message(name=f"m{self.sent}", body=MessageBody))
        return {"MessageId": messages[-1].name}

    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int = 1,
        WaitTimeSeconds: int = 0,
        VisibilityTimeout: float | None = None,
    ) -> Any:
        now = self.now()
        visible = [one for one in self._messages(QueueUrl, "ReceiveMessage") if one.hidden <= now]
        received = visible[:MaxNumberOfMessages]
        for message in received:
            wait = float(self.attributes[QueueUrl].get("VisibilityTimeout", "30"))
            wait = wait if VisibilityTimeout is None else VisibilityTimeout
            message.hidden = now + wait
        if not received:
            return {}
        return {
            "Messages": [
                {"MessageId": one.name, "ReceiptHandle": one.name, "Body": one.body}
                for one in received
            ]
        }

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> Any:
        messages = self._messages(QueueUrl, "DeleteMessage")
        messages[:] = [one for one in messages if one.name != ReceiptHandle]
        return {}

    def _messages(self, url: str, operation: str) -> list[_Message]:
        if url not in self.queues:
            raise _error(_GONE, operation)
        return self.queues[url]


if TYPE_CHECKING:
    _QUEUES: type[SessionQueueCalls] = MemoryQueues


@dataclass(kw_only=True)
class MemoryParameters:
    """The parameters of the account."""

    values: dict[str, str] = field(default_factory=dict)

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> Answer:
        self.values[Name] = Value
        return {}

    def get_parameter(self, *, Name: str) -> Answer:
        if Name not in self.values:
            raise _error("ParameterNotFound", "GetParameter")
        return {"Parameter": {"Value": self.values[Name]}}
