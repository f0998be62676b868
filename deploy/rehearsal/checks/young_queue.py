"""How long a queue that was just made answers that it does not exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.rehearsal.asking.check import Answer, Check
from deploy.rehearsal.asking.subject import Subject
from deploy.rehearsal.probes import QUEUES, probe_queue
from starburst.aws.calls import QUEUE_GONE, code_of

__all__ = ["YOUNG_QUEUE"]

BELIEVED: Final = 60.0
"""Seconds after which the runtime believes that a queue is gone: a longer lag would break it."""

_EVERY: Final = 0.2
_WHERE: Final = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference"


def _look(subject: Subject) -> Answer:
    sqs = subject.clients("sqs")
    held, failed = [], []
    longest: dict[str, float] = {}
    for number in range(QUEUES):
        url = sqs.create_queue(QueueName=probe_queue(subject.environment.name, number))["QueueUrl"]
        try:
            for what, seconds in _lags(subject, sqs, url):
                if seconds is None:
                    failed.append(f"{what}: a queue was not seen within {BELIEVED:.0f} s")
                longest[what] = max(
                    longest.get(what, 0.0), BELIEVED if seconds is None else seconds
                )
        finally:
            sqs.delete_queue(QueueUrl=url)
    if not failed:
        held.append(f"{QUEUES} queues were used at once: the longest wait was {_told(longest)}")
    return Answer(
        held=tuple(held),
        failed=tuple(failed),
        facts={"tries": QUEUES, "longest seconds": longest},
    )


def _lags(subject: Subject, sqs: Any, url: str) -> list[tuple[str, float | None]]:  # noqa: ANN401
    name = url.rpartition("/")[2]
    calls: dict[str, Callable[[], object]] = {
        "GetQueueUrl": lambda: sqs.get_queue_url(QueueName=name),
        "GetQueueAttributes": lambda: sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        ),
        "SendMessage": lambda: sqs.send_message(QueueUrl=url, MessageBody="first day"),
        "ReceiveMessage": lambda: sqs.receive_message(QueueUrl=url),
    }
    return [
        (
            what,
            subject.clock.until(lambda call=call: _seen(call), within=BELIEVED, every=_EVERY),
        )
        for what, call in calls.items()
    ]


def _seen(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        if code_of(error) in QUEUE_GONE:
            return False
        raise
    return True


def _told(longest: dict[str, float]) -> str:
    return ", ".join(f"{seconds:.1f} s for {what}" for what, seconds in longest.items())


YOUNG_QUEUE: Final = Check(
    name="a young queue",
    asks="How long does a queue that was just made answer that it does not exist?",
    why="A session whose queue is not seen yet must not count as deleted.",
    sources=(
        f"{_WHERE}/API_CreateQueue.html",
        "https://github.com/hashicorp/terraform-provider-aws/issues/29761",
    ),
    look=_look,
)
