"""The session's queue: made once, encrypted, open to its user and its workspace's workers only."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from starburst._protocol.requeue import RequeueMessage
from starburst.aws.calls import QUEUE_GONE, code_of
from starburst.contract import SESSION_ID, USER_TAG, SessionKeys, queue_name
from starburst.contract.times import MESSAGE_SECONDS, POLL_SECONDS, VISIBILITY_SECONDS
from starburst.controller.state.environment import Environment

__all__ = [
    "Depth",
    "ask_to_send_again",
    "create",
    "delete",
    "depth",
    "every",
    "find",
    "policy",
]

_MESSAGE_BYTES: Final = 1_048_576
_DENIED: Final = {
    *("AccessDenied", "AccessDeniedException"),
    # Of the queue's key, in SQS's two spellings.
    *("KMS.AccessDeniedException", "KmsAccessDenied"),
}
_LOG: Final = logging.getLogger(__name__)
_COUNTS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)
_MESSAGE_ACTIONS: Final = (
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:PurgeQueue",
    "sqs:ReceiveMessage",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Depth:
    """Chunks in the queue, approximately: waiting, and leased by workers."""

    backlog: int
    in_flight: int


def policy(
    *, queue_arn: str, user: str, worker_role_arn: str, controller_role_arn: str = ""
) -> dict[str, Any]:
    """Return the queue's own policy: denials only, so that IAM policies stay necessary.

    Args:
        queue_arn: of the queue.
        user: the one analyst who may use it.
        worker_role_arn: the workers' task role, which has no user tag.
        controller_role_arn: the controller's, which may send a request to workers, and read none.
    """
    senders = [arn for arn in (worker_role_arn, controller_role_arn) if arn]
    tag = f"aws:PrincipalTag/{USER_TAG}"
    deny = {"Effect": "Deny", "Principal": "*", "Resource": queue_arn}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                **deny,
                "Sid": "OtherUsers",
                "Action": "sqs:*",
                "Condition": {"Null": {tag: "false"}, "StringNotEquals": {tag: user}},
            },
            {
                # The controller may manage the queue; what travels in it is not its affair.
                **deny,
                "Sid": "MessagesAreForTheUserAndWorkers",
                "Action": list(_MESSAGE_ACTIONS),
                "Condition": {
                    "Null": {tag: "true"},
                    "ArnNotEquals": {"aws:PrincipalArn": worker_role_arn},
                },
            },
            {
                **deny,
                "Sid": "NobodyElseSends",
                "Action": "sqs:SendMessage",
                "Condition": {
                    "Null": {tag: "true"},
                    "ArnNotEquals": {"aws:PrincipalArn": senders},
                },
            },
            {
                **deny,
                "Sid": "EncryptedTransport",
                "Action": "sqs:*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def create(environment: Environment, keys: SessionKeys, *, worker_role_arn: str) -> str:
    """Create the session's queue and return its URL; the same one when it is there already."""
    document = environment.document()
    name = queue_name(environment.settings.environment, keys.workspace, keys.session)
    partition = worker_role_arn.split(":")[1]
    arn = f"arn:{partition}:sqs:{document.region}:{document.account}:{name}"
    answer = environment.clients.sqs.create_queue(
        QueueName=name,
        Attributes={
            "KmsMasterKeyId": environment.settings.key_arn,
            "KmsDataKeyReusePeriodSeconds": "300",
            "VisibilityTimeout": str(VISIBILITY_SECONDS),
            "MessageRetentionPeriod": str(MESSAGE_SECONDS),
            "MaximumMessageSize": str(_MESSAGE_BYTES),
            "ReceiveMessageWaitTimeSeconds": str(POLL_SECONDS),
            "Policy": json.dumps(
                policy(
                    queue_arn=arn,
                    user=keys.user,
                    worker_role_arn=worker_role_arn,
                    controller_role_arn=environment.settings.role,
                ),
                sort_keys=True,
            ),
        },
    )
    return answer["QueueUrl"]


def delete(environment: Environment, url: str) -> None:
    """Delete a queue; nothing happens where there is none."""
    try:
        environment.clients.sqs.delete_queue(QueueUrl=url)
    except ClientError as error:
        if code_of(error) not in QUEUE_GONE:
            raise


def depth(environment: Environment, url: str) -> Depth | None:
    """Return how much is in a queue; None where SQS shows no such queue, which it may be yet to."""
    try:
        answer = environment.clients.sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=list(_COUNTS)
        )
    except ClientError as error:
        if code_of(error) in QUEUE_GONE:
            return None
        raise
    visible, delayed, leased = (int(answer["Attributes"].get(name, "0")) for name in _COUNTS)
    return Depth(backlog=visible + delayed, in_flight=leased)


def ask_to_send_again(environment: Environment, url: str, *, live: frozenset[str]) -> None:
    """Ask whichever worker receives it to send again what has neither a result nor a worker.

    The queue of a session that an earlier release started lets only its user and its workers
    send; its client sees to it, as it did then.
    """
    try:
        environment.clients.sqs.send_message(
            QueueUrl=url, MessageBody=RequeueMessage(live=live).to_body()
        )
    except ClientError as error:
        if code_of(error) not in _DENIED | QUEUE_GONE:
            raise
        _LOG.warning("the queue %s takes no request to send again: %s", url, code_of(error))


def find(environment: Environment, keys: SessionKeys) -> str | None:
    """Return the URL of a session's queue, known to its record or not; None where there is none."""
    name = queue_name(environment.settings.environment, keys.workspace, keys.session)
    try:
        return environment.clients.sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except ClientError as error:
        if code_of(error) in QUEUE_GONE:
            return None
        raise


def every(environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield session id and URL of every session queue of this environment.

    ListQueues can be granted for all queues of an account only. Where it is withheld there is
    nothing to yield: each session's end deletes its own queue anyway.
    """
    try:
        yield from _every(environment)
    except ClientError as error:
        if code_of(error) not in _DENIED:
            raise
        _LOG.info("not allowed to list queues: orphan queues are not looked for")


def _every(environment: Environment) -> Iterator[tuple[str, str]]:
    prefix = f"starburst-{environment.settings.environment}-"
    token: dict[str, str] = {}
    while True:
        page = environment.clients.sqs.list_queues(QueueNamePrefix=prefix, MaxResults=1000, **token)
        for url in page.get("QueueUrls", ()):
            parts = url.rsplit("/", 1)[-1].removeprefix(prefix).split("-")
            # Exactly workspace and session: `prod-x-…` of another environment has more parts.
            if len(parts) == 2 and SESSION_ID.fullmatch(parts[1]):  # noqa: PLR2004 - as said
                yield parts[1], url
        following = page.get("NextToken")
        if not following:
            return
        token = {"NextToken": following}
