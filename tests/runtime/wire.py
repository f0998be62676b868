"""What AWS answers on the wire when it refuses, read by botocore's own parsers.

The bodies and headers have the shapes of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
and of SQS's JSON protocol, whose ``x-amzn-query-error`` header botocore puts in place of the shape.
"""

from __future__ import annotations

import functools
import json
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.parsers import create_parser

__all__ = ["Scripted", "json_error", "no_queue", "s3_error"]

_OPERATIONS = {"s3": "GetObject", "sqs": "SendMessage", "kms": "Decrypt"}


@functools.cache
def _reader(service: str) -> tuple[Any, Any]:
    """Return botocore's parser for a service, and the shape of an answer."""
    model = botocore.session.get_session().get_service_model(service)
    shape = model.operation_model(_OPERATIONS[service]).output_shape
    return create_parser(model.resolved_protocol), shape


def _error(service: str, status: int, body: bytes, headers: dict[str, str]) -> ClientError:
    parser, shape = _reader(service)
    answer = {"status_code": status, "body": body, "headers": headers}
    return ClientError(parser.parse(answer, shape), _OPERATIONS[service])


def s3_error(status: int, code: str, said: str = "", *, head: bool = False) -> ClientError:
    """Return S3's error document as boto3 raises it; the answer to a HEAD has no body."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{said}</Message><RequestId>4442587FB7D0A2F9</RequestId>"
        "<HostId>host</HostId></Error>"
    )
    headers = {"content-type": "application/xml", "x-amz-request-id": "4442587FB7D0A2F9"}
    return _error("s3", status, b"" if head else body.encode(), headers)


def json_error(service: str, shape: str, *, query: str = "", said: str = "") -> ClientError:
    """Return an error of SQS or KMS as boto3 raises it.

    Args:
        service: ``sqs`` or ``kms``.
        shape: as the body names it.
        query: the code that SQS's older protocol had, which comes in a header.
        said: the message.
    """
    body = json.dumps({"__type": f"com.amazonaws.{service}#{shape}", "message": said})
    headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "d42db919"}
    if query:
        headers["x-amzn-query-error"] = f"{query};Sender"
    return _error(service, 400, body.encode(), headers)


def no_queue() -> ClientError:
    """Return what SQS says of a queue that it does not show."""
    return json_error(
        "sqs",
        "QueueDoesNotExist",
        query="AWS.SimpleQueueService.NonExistentQueue",
        said="The specified queue does not exist.",
    )


class Scripted:
    """An AWS client whose named calls meet errors, one after the other, before they are made.

    Attributes:
        errors: what the next calls meet; None lets one through. After the last all are let through.
        asked: how many of the named calls there were.
    """

    def __init__(
        self, client: Any, *names: str, errors: Iterable[Exception | None] = (), key: str = ""
    ) -> None:
        self._client = client
        self._names = names
        self._key = key
        self.errors = deque(errors)
        self.asked = 0
        self.before: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if name not in self._names:
            return call

        def scripted(**words: Any) -> Any:
            if self._key and not str(words.get("Key", "")).endswith(self._key):
                return call(**words)
            self.asked += 1
            self.before()
            error = self.errors.popleft() if self.errors else None
            if error is not None:
                raise error
            return call(**words)

        return scripted


class Shy:
    """S3 as it answers who may not list the whole bucket: 403 where there is no such object.

    Attributes:
        refuses: whether it refuses a key that there may be, as while a policy is on its way.
    """

    def __init__(
        self, s3: Any, *, refuses: Callable[[str, str], bool] = lambda call, key: False
    ) -> None:
        self._s3 = s3
        self.refuses = refuses

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._s3, name)
        if name not in ("get_object", "head_object", "put_object", "list_objects_v2"):
            return call

        def shy(**words: Any) -> Any:
            refused = s3_error(403, "AccessDenied", "Access Denied", head=name == "head_object")
            if self.refuses(name, words.get("Key", words.get("Prefix", ""))):
                raise refused
            try:
                return call(**words)
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
                    raise
                raise refused from None

        return shy
