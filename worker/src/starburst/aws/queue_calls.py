"""The calls of SQS that controller and worker make: a client has them, and each stand-in must.

A parameter that one of them begins to send is written here once; a stand-in that does not take it
is then an error of the type checker, and not of the test that happens to come by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mypy_boto3_sqs.literals import (
        MessageSystemAttributeNameType,
        QueueAttributeFilterType,
        QueueAttributeNameType,
    )
    from mypy_boto3_sqs.type_defs import (
        CreateQueueResultTypeDef,
        GetQueueAttributesResultTypeDef,
        GetQueueUrlResultTypeDef,
        ListQueuesResultTypeDef,
        ReceiveMessageResultTypeDef,
        SendMessageBatchRequestEntryTypeDef,
        SendMessageBatchResultTypeDef,
    )

__all__ = ["LeaseCalls", "SessionQueueCalls"]


class LeaseCalls(Protocol):
    """What a worker asks of its session's queue."""

    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int,
        WaitTimeSeconds: int,
        VisibilityTimeout: int,
        MessageSystemAttributeNames: Sequence[MessageSystemAttributeNameType],
    ) -> ReceiveMessageResultTypeDef:
        """Wait for messages, and hide them from others."""
        ...

    def change_message_visibility(
        self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int
    ) -> object:
        """Hide a message for so many seconds from now on."""
        ...

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> object:
        """Take a message away."""
        ...

    def send_message_batch(
        self, *, QueueUrl: str, Entries: Sequence[SendMessageBatchRequestEntryTypeDef]
    ) -> SendMessageBatchResultTypeDef:
        """Queue up to ten messages, of which each may be refused."""
        ...

    def get_queue_attributes(
        self, *, QueueUrl: str, AttributeNames: Sequence[QueueAttributeFilterType]
    ) -> GetQueueAttributesResultTypeDef:
        """Tell how many messages there are."""
        ...


class SessionQueueCalls(Protocol):
    """What the controller asks of SQS."""

    def create_queue(
        self, *, QueueName: str, Attributes: Mapping[QueueAttributeNameType, str]
    ) -> CreateQueueResultTypeDef:
        """Make a queue, or find the same one."""
        ...

    def delete_queue(self, *, QueueUrl: str) -> object:
        """Delete a queue with all that is in it."""
        ...

    def get_queue_url(self, *, QueueName: str) -> GetQueueUrlResultTypeDef:
        """Find a queue by its name."""
        ...

    def get_queue_attributes(
        self, *, QueueUrl: str, AttributeNames: Sequence[QueueAttributeFilterType]
    ) -> GetQueueAttributesResultTypeDef:
        """Tell how many messages there are."""
        ...

    def list_queues(
        self, *, QueueNamePrefix: str, MaxResults: int, NextToken: str = ...
    ) -> ListQueuesResultTypeDef:
        """List queues by what their names begin with, a page at a time."""
        ...

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = ...) -> object:
        """Queue a message, which nobody sees for so many seconds."""
        ...
