"""moto and the SDK without their slow habits: what each call computes anew is computed once."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import string
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import boto3
import botocore.auth
import botocore.compat
import botocore.utils
import moto.backend_index
import moto.backends
import moto.core.utils
import moto.s3.responses
import moto.s3.urls
import moto.sqs.models
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError
from moto import mock_aws

__all__ = ["quick_aws", "quick_client", "quick_clients"]

_one_by_one = threading.RLock()
"""moto's threads trip over each other where AWS answers each request whole: one lists keys that
another deletes, loses a message that another sends, or receives one that another receives."""


def _whole(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Answer a request whole, before or after all others."""

    @functools.wraps(answer)
    def answered(*given: Any, **named: Any) -> Any:
        with _one_by_one:
            return answer(*given, **named)

    return answered


_attributes = moto.sqs.models.SQSBackend.get_queue_attributes
_receive = _whole(moto.sqs.models.SQSBackend.receive_message)
_LOOK_SECONDS = 0.05
_words = functools.cache(moto.core.utils.camelcase_to_underscores)

# Every request is compared with the hosts of all services in turn; these are nearly all of them.
_OFTEN = ("s3", "sqs", "kms", "ssm")
_hosts = sorted(moto.backend_index.backend_url_patterns, key=lambda each: each[0] not in _OFTEN)


@contextlib.contextmanager
def quick_aws() -> Iterator[None]:
    """Mock AWS as `moto.mock_aws` does, for less than half of the time."""
    with contextlib.ExitStack() as stack:
        for target, quick in _QUICK.items():
            stack.enter_context(mock.patch(target, quick))
        stack.enter_context(mock_aws())
        yield


def quick_clients(sdk: boto3.session.Session, *services: str) -> list[Any]:
    """Return clients that are made once for each SDK session, as they were when they were made."""
    clients = []
    for service in services:
        client, own, handlers = _client(sdk, service)
        vars(client).clear()
        vars(client).update(own)
        vars(client.meta.events._emitter).update(vars(copy.copy(handlers)))
        clients.append(client)
    return clients


def quick_client(service: str, region: str) -> Any:
    """Return a client that is made once for each region, as it was when it was made."""
    [client] = quick_clients(_session(region), service)
    return client


@functools.cache
def _session(region: str) -> boto3.session.Session:
    return boto3.session.Session("testing", "testing", region_name=region)


@functools.cache
def _client(sdk: boto3.session.Session, service: str) -> tuple[Any, dict[str, Any], Any]:
    client: Any = sdk.client(service)  # type: ignore[call-overload]
    return client, dict(vars(client)), copy.copy(client.meta.events._emitter)


def _milliseconds() -> float:
    return time.time() * 1000


def _attributes_once(
    backend: moto.sqs.models.SQSBackend, queue_name: str, attribute_names: list[str]
) -> dict[str, Any]:
    """Count the messages of a queue once, and not twice for each name."""
    found = backend.get_queue(queue_name).attributes
    if not found.keys() >= set(attribute_names):
        return _attributes(backend, queue_name, attribute_names)
    return {name: found[name] for name in attribute_names if found[name] is not None}


def _receive_while_it_stands(
    backend: moto.sqs.models.SQSBackend,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    *terms: Any,
) -> list[moto.sqs.models.Message]:
    """End a long poll with its queue, and not when its time is over."""
    until = time.monotonic() + wait_seconds_timeout
    while True:
        found = _receive(backend, queue_name, count, 0, *terms)
        left = until - time.monotonic()
        if found or left <= 0:
            return found
        queue: Any = backend.get_queue(queue_name)
        queue.wait_for_messages(min(left, _LOOK_SECONDS))


def _random_string(
    random: Any, length: int = 20, include_digits: bool = True, lower_case: bool = False
) -> str:
    """Draw the characters at once, and not one by one."""
    pool = string.ascii_letters + (string.digits if include_digits else "")
    drawn = "".join(random.choices(pool, k=length))
    return drawn.lower() if lower_case else drawn


@functools.cache
def _methods(of: type) -> list[str]:
    return [name for name, _ in inspect.getmembers(of, predicate=inspect.isfunction)]


_Signing: Any = botocore.auth.SigV4Auth
_dates: Any = botocore.utils
_add_auth = _Signing.add_auth


def _sign(auth: Any, request: AWSRequest) -> None:
    """Say who asks, and leave the signature out, which moto does not look at."""
    if type(auth)._inject_signature_to_request is not _Signing._inject_signature_to_request:
        _add_auth(auth, request)
        return
    if auth.credentials is None:
        raise NoCredentialsError
    now = botocore.compat.get_current_datetime()
    request.context["timestamp"] = now.strftime(botocore.auth.SIGV4_TIMESTAMP)
    auth._modify_request_before_signing(request)
    who = f"Credential={auth.scope(request)}"
    request.headers["Authorization"] = f"AWS4-HMAC-SHA256 {who}, SignedHeaders=host, Signature=0"


_QUICK: dict[str, Any] = {
    # It makes an RSA key for every key, which a symmetric one does not use.
    "moto.kms.models.generate_private_key": mock.MagicMock(),
    # It imports modules anew in each call.
    "moto.s3.models.S3Backend._url_module": moto.s3.urls,
    "moto.backends._import_backend": functools.cache(moto.backends._import_backend),
    # It registers every service with a library that our code does not use.
    "moto.core.models.RESPONSES_METHODS": (),
    "moto.backend_index.backend_url_patterns": _hosts,
    "moto.sqs.models.camelcase_to_underscores": _words,
    "moto.core.responses.camelcase_to_underscores": _words,
    "moto.core.responses.method_names_from_class": _methods,
    "moto.sqs.models.unix_time_millis": _milliseconds,
    "moto.sqs.models.SQSBackend.get_queue_attributes": _whole(_attributes_once),
    "moto.sqs.models.SQSBackend.receive_message": _receive_while_it_stands,
    "moto.moto_api._internal.moto_random.MotoRandom.get_random_string": _random_string,
    "botocore.auth.SigV4Auth.add_auth": _sign,
    "botocore.utils._parse_timestamp_with_tzinfo": functools.lru_cache(
        _dates._parse_timestamp_with_tzinfo
    ),
    "botocore.useragent.UserAgentString.to_string": lambda _: "tests",
    **{
        f"moto.sqs.models.SQSBackend.{name}": _whole(getattr(moto.sqs.models.SQSBackend, name))
        for name in (
            "send_message",
            "send_message_batch",
            "delete_message",
            "delete_message_batch",
            "change_message_visibility",
            "change_message_visibility_batch",
            "create_queue",
            "delete_queue",
            "list_queues",
        )
    },
    **{
        f"moto.s3.responses.S3Response.{name}": _whole(getattr(moto.s3.responses.S3Response, name))
        for name in ("bucket_response", "key_response")
    },
}
