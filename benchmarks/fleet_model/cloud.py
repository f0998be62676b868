"""AWS as the model has it: what the controller calls, at the boundary of boto3, with its limits."""

# ruff: noqa: ANN401, D102 - most methods are boto3's, typed and documented there

from __future__ import annotations

import io
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from starburst.controller.totals.book import BOOK

from .clock import Bucket, Clock, Meter

if TYPE_CHECKING:
    from starburst.aws.queue_calls import SessionQueueCalls

__all__ = ["EPOCH", "WAKES", "Cloud", "Message", "Task"]

EPOCH: Final = 1_800_000_000.0
"""Model time zero, so that dates look like dates."""

WAKES: Final = "https://sqs/starburst-prod-wakes"
"""The queue that wakes the controller."""

_S3_SECONDS: Final = 0.025
_SQS_SECONDS: Final = 0.012
_ECS_SECONDS: Final = 0.06
_START_SECONDS: Final = (22.0, 48.0)
_LISTED: Final = 100
_PLACE: Final = "arn:aws:ecs:eu-west-1:111122223333:task/cluster/"
_STARTED: Final = 10


@dataclass(frozen=True, slots=True)
class Message:
    """A lease that waits: a range of a chunk."""

    chunk: int
    lo: int
    hi: int


@dataclass(kw_only=True)
class Task:
    """One ECS task."""

    arn: str
    arguments: dict[str, Any]
    created: float
    pulled: float
    started: float
    stopped: float | None = None
    stop_code: str = ""
    reason: str = ""
    leave: Callable[[], None] = lambda: None

    def describe(self, now: float) -> dict[str, Any]:
        """Return the task as DescribeTasks and ECS's events do."""
        running = now >= self.started
        answer: dict[str, Any] = {
            "taskArn": self.arn,
            "startedBy": self.arguments["startedBy"],
            "lastStatus": "RUNNING" if running else "PENDING",
            "desiredStatus": "RUNNING",
            "createdAt": _date(self.created),
            "pullStartedAt": _date(self.pulled),
            "tags": self.arguments["tags"],
            "containers": [{"name": "worker"}],
            "ephemeralStorage": {"sizeInGiB": 20},
        }
        if running:
            answer["startedAt"] = _date(self.started)
        if self.stopped is not None:
            code = 0 if self.stop_code == "EssentialContainerExited" else 143
            answer |= {
                "lastStatus": "STOPPED",
                "desiredStatus": "STOPPED",
                "stoppedAt": _date(self.stopped),
                "stopCode": self.stop_code,
                "stoppedReason": self.reason,
                "containers": [{"name": "worker", "exitCode": code}],
            }
        return answer


@dataclass(kw_only=True)
class Cloud:
    """One account. ``cursor`` is the time of the current caller; calls take time on it.

    Attributes:
        clock, meter: of the run.
        random: of the run.
        parameter: the runtime document.
        book: calls about the book of totals, which ``meter`` counts too.
        launched: told of each task that will run.
        woken: told of each message in the queue that wakes the controller.
    """

    clock: Clock
    meter: Meter
    random: Random
    parameter: str
    launched: Callable[[Task], None]
    woken: Callable[[str], None] = lambda _: None
    cursor: float = 0.0
    book: Counter[str] = field(default_factory=Counter)
    objects: dict[str, tuple[bytes, str, float]] = field(default_factory=dict)
    visible: deque[Message] = field(default_factory=deque)
    in_flight: int = 0
    most_in_flight: int = 0
    most_visible: int = 0
    queue: str | None = None
    tasks: dict[str, Task] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    throttled: int = 0
    launches: Bucket = field(default_factory=lambda: Bucket(100, 20))
    run_calls: Bucket = field(default_factory=lambda: Bucket(20, 20))
    modify_calls: Bucket = field(default_factory=lambda: Bucket(100, 40))
    read_calls: Bucket = field(default_factory=lambda: Bucket(100, 20))

    def time(self) -> float:
        """Return the caller's time, in seconds since 1970."""
        return EPOCH + self.cursor

    def pause(self, seconds: float) -> None:
        """Let the caller wait."""
        self.cursor += seconds

    def _call(self, action: str, seconds: float) -> None:
        self.meter.note(action, self.cursor)
        self.cursor += seconds

    # S3, as far as the controller uses it

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self._call("s3:GetObject", _S3_SECONDS)
        self.book["s3:GetObject"] += Key == BOOK
        body, etag, at = self._stored(Key)
        return {
            "Body": io.BytesIO(body),
            "ContentLength": len(body),
            "ETag": etag,
            "LastModified": _date(at),
        }

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self._call("s3:HeadObject", _S3_SECONDS)
        return {"ETag": self._stored(Key)[1]}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **terms: Any) -> dict[str, Any]:
        self._call("s3:PutObject", _S3_SECONDS)
        self.book["s3:PutObject"] += Key == BOOK
        held = self.objects.get(Key)
        if "IfNoneMatch" in terms and held is not None:
            raise _refused("PreconditionFailed")
        if "IfMatch" in terms and (held is None or held[1] != terms["IfMatch"]):
            raise _refused("PreconditionFailed")
        etag = f'"{self.meter.total["s3:PutObject"]}"'
        self.objects[Key] = (bytes(Body), etag, self.cursor)
        return {"ETag": etag}

    def delete_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self._call("s3:DeleteObject", _S3_SECONDS)
        self.objects.pop(Key, None)
        return {}

    def list_objects_v2(
        self, *, Bucket: str, Prefix: str, StartAfter: str = "", **_: Any
    ) -> dict[str, Any]:
        self._call("s3:ListObjectsV2", _S3_SECONDS)
        found = [
            {"Key": key, "LastModified": _date(self.objects[key][2])}
            for key in sorted(self.objects)
            if key.startswith(Prefix) and key > StartAfter
        ]
        return {"Contents": found, "KeyCount": len(found), "IsTruncated": False}

    def _stored(self, key: str) -> tuple[bytes, str, float]:
        if key not in self.objects:
            raise _refused("NoSuchKey")
        return self.objects[key]

    # SQS, as far as the controller uses it

    def create_queue(self, *, QueueName: str, Attributes: Mapping[Any, str]) -> Any:
        self._call("sqs:CreateQueue", _SQS_SECONDS)
        self.queue = f"https://sqs/{QueueName}"
        return {"QueueUrl": self.queue}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str]) -> Any:
        self._call("sqs:GetQueueAttributes", _SQS_SECONDS)
        if self.queue is None:
            raise _refused("AWS.SimpleQueueService.NonExistentQueue")
        return {
            "Attributes": {
                "ApproximateNumberOfMessages": str(len(self.visible)),
                "ApproximateNumberOfMessagesNotVisible": str(self.in_flight),
                "ApproximateNumberOfMessagesDelayed": "0",
            }
        }

    def send_message(
        self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0
    ) -> dict[str, Any]:
        """Wake the controller, or ask workers to send again; here nothing was lost."""
        self._call("sqs:SendMessage", _SQS_SECONDS)
        if QueueUrl == WAKES:
            self.woken(MessageBody)
        return {}

    def get_queue_url(self, *, QueueName: str) -> Any:
        self._call("sqs:GetQueueUrl", _SQS_SECONDS)
        if self.queue is None:
            raise _refused("AWS.SimpleQueueService.NonExistentQueue")
        return {"QueueUrl": self.queue}

    def delete_queue(self, *, QueueUrl: str) -> dict[str, Any]:
        self._call("sqs:DeleteQueue", _SQS_SECONDS)
        self.queue = None
        return {}

    def list_queues(self, *, QueueNamePrefix: str, MaxResults: int, NextToken: str = "") -> Any:
        raise _refused("AccessDenied")

    # ECS, with its throttles

    def run_task(self, **arguments: Any) -> dict[str, Any]:
        self._call("ecs:RunTask", _ECS_SECONDS)
        if arguments["clientToken"] in self.tokens:
            return self.tokens[arguments["clientToken"]]
        count = arguments["count"]
        assert 1 <= count <= _STARTED, "RunTask starts ten tasks at most"  # noqa: S101 - its rule
        allowed = self.run_calls.take(1, self.cursor) and self.modify_calls.take(1, self.cursor)
        if not (allowed and self.launches.take(count, self.cursor)):
            self.throttled += 1
            raise _refused("ThrottlingException", "Rate exceeded")
        made = [self._launch(arguments) for _ in range(count)]
        answer = {"tasks": [task.describe(self.cursor) for task in made], "failures": []}
        self.tokens[arguments["clientToken"]] = answer
        return answer

    def _launch(self, arguments: dict[str, Any]) -> Task:
        wait = self.random.uniform(*_START_SECONDS)
        arn = f"{_PLACE}{len(self.tasks):032x}"
        task = Task(
            arn=arn,
            arguments=arguments,
            created=self.cursor,
            pulled=self.cursor + wait / 2,
            started=self.cursor + wait,
        )
        self.tasks[arn] = task
        self.launched(task)
        return task

    def list_tasks(self, **terms: Any) -> dict[str, Any]:
        self._call("ecs:ListTasks", _ECS_SECONDS)
        self._read()
        stopped = terms.get("desiredStatus") == "STOPPED"
        hour_ago = self.cursor - 3600
        found = [
            arn
            for arn, task in self.tasks.items()
            if (task.stopped is not None) == stopped
            and (task.stopped is None or task.stopped > hour_ago)
        ]
        start = int(terms.get("nextToken", 0))
        more = {"nextToken": str(start + _LISTED)} if start + _LISTED < len(found) else {}
        return {"taskArns": found[start : start + _LISTED], **more}

    def describe_tasks(self, *, tasks: list[str], **_: Any) -> dict[str, Any]:
        self._call("ecs:DescribeTasks", _ECS_SECONDS)
        self._read()
        assert len(tasks) <= _LISTED, "DescribeTasks takes a hundred at most"  # noqa: S101
        found = [self.tasks[arn] for name in tasks if (arn := _PLACE + name) in self.tasks]
        return {"tasks": [task.describe(self.cursor) for task in found], "failures": []}

    def _read(self) -> None:
        if not self.read_calls.take(1, self.cursor):
            self.throttled += 1
            raise _refused("ThrottlingException", "Rate exceeded")

    def stop_task(self, *, task: str, reason: str, **_: Any) -> dict[str, Any]:
        self._call("ecs:StopTask", _ECS_SECONDS)
        if not self.modify_calls.take(1, self.cursor):
            self.throttled += 1
            raise _refused("ThrottlingException", "Rate exceeded")
        self.end(
            self.tasks[task if task in self.tasks else _PLACE + task],
            code="UserInitiated",
            reason=reason,
            at=self.cursor,
        )
        return {}

    def end(self, task: Task, *, code: str, reason: str, at: float) -> None:
        """Let a task stop."""
        if task.stopped is None:
            task.stopped, task.stop_code, task.reason = at, code, reason
            task.leave()

    def get_parameter(self, **_: Any) -> dict[str, Any]:
        self._call("ssm:GetParameter", _S3_SECONDS)
        return {"Parameter": {"Value": self.parameter}}


if TYPE_CHECKING:
    _QUEUES: type[SessionQueueCalls] = Cloud


def _date(moment: float) -> datetime:
    return datetime.fromtimestamp(EPOCH + moment, UTC)


def _refused(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Model")
