"""AWS as the controller and its callers reach it in a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starburst.aws.calls import TROUBLE
from starburst.contract import RuntimeDocument, runtime_parameter

from .order.controller_notes import note_controller
from .sky import trouble

if TYPE_CHECKING:
    from starburst.aws.queue_calls import SessionQueueCalls

    from .cloud import Cloud

__all__ = ["WAKES", "Guarded", "Line", "Parameters", "Tasks", "Wakes"]

WAKES: Final = "https://sqs.eu-west-1.amazonaws.com/123456789012/wakes"


@dataclass(frozen=True)
class Line:
    """One client's line to the controller."""

    cloud: Cloud
    who: str

    def invoke(self, **words: Any) -> dict[str, Any]:
        """Ask the controller."""
        return self.cloud.invoke(self.who, **words)


@dataclass(frozen=True)
class Parameters:
    """The one parameter there is; moto's would import EC2 and its images for seconds."""

    document: RuntimeDocument

    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        assert Name == runtime_parameter(self.document.environment)
        return {"Parameter": {"Value": self.document.to_json()}}


@dataclass(frozen=True)
class Wakes:
    """The queues of SQS, and the one whose messages invoke the function."""

    sqs: SessionQueueCalls
    woken: Callable[[str], None]

    def create_queue(self, *, QueueName: str, Attributes: Mapping[Any, str]) -> Any:
        return self.sqs.create_queue(QueueName=QueueName, Attributes=Attributes)

    def delete_queue(self, *, QueueUrl: str) -> object:
        return self.sqs.delete_queue(QueueUrl=QueueUrl)

    def get_queue_url(self, *, QueueName: str) -> Any:
        return self.sqs.get_queue_url(QueueName=QueueName)

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[Any]) -> Any:
        return self.sqs.get_queue_attributes(QueueUrl=QueueUrl, AttributeNames=AttributeNames)

    def list_queues(
        self, *, QueueNamePrefix: str, MaxResults: int, NextToken: str | None = None
    ) -> Any:
        more = {} if NextToken is None else {"NextToken": NextToken}
        return self.sqs.list_queues(QueueNamePrefix=QueueNamePrefix, MaxResults=MaxResults, **more)

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> object:
        if QueueUrl != WAKES:
            return self.sqs.send_message(
                QueueUrl=QueueUrl, MessageBody=MessageBody, DelaySeconds=DelaySeconds
            )
        self.woken(MessageBody)
        return {}


if TYPE_CHECKING:
    _QUEUES: type[SessionQueueCalls] = Wakes


@dataclass(frozen=True)
class Tasks:
    """ECS as the controller sees it."""

    cloud: Cloud

    def __getattr__(self, name: str) -> Callable[..., Any]:
        act = getattr(self.cloud, name)

        def call(**words: Any) -> Any:
            aws, operation = self.cloud.sky.aws, name.title().replace("_", "")
            try:
                return aws.call("ecs", operation, words, who="launches", act=lambda w: act(**w))
            except TROUBLE:
                self.cloud.be_in_trouble()
                raise

        return call


@dataclass
class Guarded:
    """AWS as the controller sees it: one call at a time, and some of them in vain."""

    cloud: Cloud
    service: str
    client: Any

    def __getattr__(self, name: str) -> Callable[..., Any]:
        sky = self.cloud.sky

        def call(**words: Any) -> Any:
            operation = name.title().replace("_", "")
            try:
                if sky.plan.strikes("refused", "controller", name):
                    raise trouble(sky.plan, "controller", name)
                return sky.aws.call(
                    self.service, operation, words, who="controller", act=lambda w: act(**w)
                )
            except TROUBLE:
                self.cloud.be_in_trouble()
                raise

        def act(**words: Any) -> Any:
            with sky.changed:
                answer = getattr(self.client, name)(**words)
                note_controller(sky.notes, name, words)
                if name in ("delete_queue", "send_message"):
                    sky.changed.notify_all()
            return answer

        return call
