"""Let no request reach the emulator unsigned, or by a way that asks no policy: the one gate.

Stock verifies no signature where it names no IAM action, and none of root's. It has ways past its
policies: paths that ECS, Cognito, the container registry, function URLs, load balancers and its own
administration answer before, or instead of, the check. Behind this gate only the plain dispatch to
one of our services is left, for the operation that was signed for and that a policy is asked about.
The signature is verified here, once; the emulator is told of it.
"""

from __future__ import annotations

import contextvars
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs, quote

from . import operations, signatures
from .patching import Function, Patch, module, wrap

__all__ = ["PATCH", "once_more", "read_head", "reply"]

Scope = MutableMapping[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_MOST_UNVERIFIED = 8 * 2**20
"""Bytes of a body that are read before its signature is verified; only S3 takes more."""

_FORBIDDEN = 403
_PAST_THE_POLICIES = (
    "_handle_pre_body_request",
    "_handle_post_body_shortcuts",
    "_handle_special_data_plane_request",
)

_asked: contextvars.ContextVar[operations.Asked] = contextvars.ContextVar("asked")
_caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller")


def read_head(scope: Scope) -> signatures.Head:
    """Return a request without its body.

    Raises:
        Refused: a header is there twice, or something is no text.
    """
    headers: dict[str, str] = {}
    try:
        for name, value in scope["headers"]:
            key = name.decode("ascii").lower()
            if key in headers:
                raise signatures.Refused("AccessDenied", f"the header {key} is there twice")
            headers[key] = value.decode()
        query = parse_qs(
            scope.get("query_string", b"").decode("ascii"), keep_blank_values=True, errors="strict"
        )
        path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("ascii")
    except UnicodeDecodeError as error:
        raise signatures.Refused("AccessDenied", "the request is no text") from error
    return signatures.Head(method=scope["method"], path=path, query=query, headers=headers)


def _apply() -> None:
    app = module("app")
    evaluator = module("core.iam_evaluator")

    def closed(_original: Function) -> Function:
        async def handle(*_arguments: Any, **_options: Any) -> None:
            return None

        return handle

    def verified(_original: Function) -> Function:
        def pin(*_arguments: Any, **_options: Any) -> None:
            evaluator._signed_request.set(None)
            evaluator._anonymous.set(False)
            evaluator._verified_key.set(_caller.get())

        return pin

    def no_action(_original: Function) -> Function:
        def refuse(service: str, *_arguments: Any, **_options: Any) -> Any:
            return _denial(operations.no_action(service), service)

        return refuse

    def same_action(original: Function) -> Function:
        def extract(*args: Any) -> Any:
            action = original(*args)
            expected = _asked.get().action
            return action if str(action).partition(":")[2] == expected else None

        return extract

    def checksums_only(original: Function) -> Function:
        def decode(body: bytes, headers: dict[str, str]) -> Any:
            signed = headers.keys() | set()
            decoded = original(body, headers)
            if any(not name.startswith("x-amz-checksum-") for name in headers.keys() - signed):
                raise app._IncompleteRequestBody("a header behind the body that is no checksum")
            return decoded

        return decode

    def guard(original: Function) -> Function:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await original(scope, receive, send)
                return
            service = ""
            try:
                head = read_head(scope)
                service = signatures.signed_for(head)
                given = signatures.claim(head)
                body = await _verified_body(given, head, receive)
                if body is None:
                    return
                _asked.set(operations.asked(head, body, signed_for=given.service))
            except signatures.Refused as refused:
                status, headers, answer = _denial(refused, service)
                await reply(send, status, headers, b"" if scope.get("method") == "HEAD" else answer)
                return
            _caller.set(given.key)
            await original(scope, once_more(body, receive), send)

        return serve

    for name in _PAST_THE_POLICIES:
        wrap(app, name, closed)
    wrap(app, "pin_signed_request", verified)
    wrap(app, "detect_service", lambda _original: lambda *_: _asked.get().service)
    wrap(app, "_authenticate_only", no_action)
    wrap(module("services.s3"), "_verify_presigned_sigv4", lambda _original: lambda *_, **__: None)
    wrap(app, "_decode_aws_chunked_body", checksums_only)
    wrap(module("core.iam_actions"), "extract_iam_action", same_action)
    wrap(app, "app", guard)


async def _verified_body(
    given: signatures.Claim, head: signatures.Head, receive: Receive
) -> bytes | None:
    """Return the body of a request whose signature is good; None where the client has gone."""
    early = given.presigned or "x-amz-content-sha256" in head.headers
    if early:
        signatures.check(given, head, b"")
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > _MOST_UNVERIFIED and not early:
            raise signatures.Refused("RequestEntityTooLarge", "the request is too large")
        if not message.get("more_body", False):
            break
    body = b"".join(parts)
    if not early:
        signatures.check(given, head, body)
    signatures.check_payload(given, head, body)
    return body


def once_more(body: bytes, receive: Receive) -> Receive:
    """Return a channel that gives the body once more, and then what else comes."""
    waiting = [body]

    async def channel() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return channel


def _denial(refused: signatures.Refused, service: str) -> tuple[int, Mapping[str, str], bytes]:
    """Return the refusal as the SDK of the service that was signed for reads it."""
    _, headers, body = module("core.iam_actions").access_denied_response(
        service,
        "",
        "",
        str(uuid.uuid4()),
        error_code=refused.code,
        message=str(refused),
        headers={},
    )
    return _FORBIDDEN, headers, body


async def reply(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Answer a request."""
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


PATCH = Patch(
    name="gate",
    stock="verifies no signature where it names no IAM action, and asks no policy on many paths",
    apply=_apply,
)
