"""Let AWS's documented unkindness stand between the gate and the emulator, from when it is asked.

It begins when the environment is deployed: what deploys meets AWS's kindest day. The gate has
verified a request before it comes here; expired credentials alone are told before, since nothing
else is known of them.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from starburst.local.unkindness import KINDS, Unkind
from starburst.local.unkindness.calls import Call, Refused

from . import signatures
from .gate import Receive, Scope, Send, once_more, read_head, reply
from .patching import Function, module, wrap
from .unkind_events import install_events
from .unkind_forms import (
    Reply,
    operation_of,
    read_refusal,
    words_of,
    write_answer,
    write_refusal,
)

__all__ = ["Door"]

_ERROR: Final = 400
_REWRITTEN: Final = frozenset(
    {("ecs", "RunTask"), ("ecs", "ListTasks"), ("ecs", "DescribeTasks"), ("sqs", "ListQueues")}
)


@dataclass
class Door:
    """The unkindness of one server.

    Attributes:
        seed: it follows from this.
        pace: how many seconds of AWS's pass in one of this machine's.
        unkind: in force, once it began.
    """

    seed: int
    pace: float = 1.0
    unkind: Unkind | None = None

    def __post_init__(self) -> None:
        self._began = time.time()
        self._expiries: dict[str, float] = {}
        self._crowded = False

    def begin(self, *kinds: str) -> None:
        """Be unkind from now on, in these ways alone where some are named."""
        chosen = {*(kinds or KINDS)}
        self._crowded = "invocations" in chosen
        # Who is busy is decided where a function runs, whatever invoked it.
        self.unkind = Unkind(self.seed, kinds=chosen - {"invocations"})

    def is_busy(self, function: str) -> bool:
        """Whether others use up what may run of a function at once."""
        unkind = self.unkind if self._crowded else None
        return unkind is not None and unkind.invocations.is_busy(function, at=self.now())

    def install(self) -> None:
        """Stand before the emulator; to be called before the gate is put there."""
        wrap(module("app"), "app", self._guard)
        wrap(module("services.sts"), "register_session", self._note_expiry)
        install_events(self)

    def install_expiry(self) -> None:
        """Stand before the gate too, for credentials that have ended."""
        wrap(module("app"), "app", self._turn_away)

    def now(self) -> float:
        """Return AWS's time, which may run faster than this machine's."""
        return self._began + (time.time() - self._began) * self.pace

    def _guard(self, original: Function) -> Function:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            unkind = self.unkind
            if scope["type"] != "http" or unkind is None:
                await original(scope, receive, send)
                return
            head = read_head(scope)
            service = signatures.signed_for(head)
            body = await _whole(receive)
            call = self._call(service, head, body)
            if call is None:
                await original(scope, once_more(body, receive), send)
                return

            async def ask(content: bytes) -> Reply:
                headers = _sized(scope["headers"], len(content))
                return await _caught(
                    original, {**scope, "headers": headers}, once_more(content, receive)
                )

            await reply(send, *await _answer(unkind, call, head, body, ask=ask))

        return serve

    def _call(self, service: str, head: signatures.Head, body: bytes) -> Call | None:
        operation = operation_of(service, head, body)
        caller = _caller(head)
        if not operation or not caller:
            return None  # root owns the environment, and meets nothing
        words = words_of(service, head, body)
        return Call(service=service, operation=operation, words=words, caller=caller, at=self.now())

    def _turn_away(self, original: Function) -> Function:
        """Refuse credentials that have ended, before the gate finds that it knows them no more."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            service = ""
            if scope["type"] == "http" and self.unkind is not None:
                try:
                    head = read_head(scope)
                    service = signatures.signed_for(head)
                    expires = self._expiries.get(_key(head))
                    call = Call(
                        service=service,
                        operation=operation_of(service, head, b""),
                        words={},
                        caller="",
                        at=time.time(),
                        expires=expires,
                    )
                    self.unkind.check_expiry(call)
                except signatures.Refused:
                    pass  # the gate's affair
                except Refused as refused:
                    bare = scope["method"] == "HEAD"
                    answer = write_refusal(service, refused, request=str(uuid.uuid4()), bare=bare)
                    await reply(send, *answer)
                    return
            await original(scope, receive, send)

        return serve

    def _note_expiry(self, original: Function) -> Function:
        def register(key: str, session: dict[str, Any]) -> Any:
            expires = session.get("Expiration")
            if isinstance(expires, int | float):
                self._expiries[key] = float(expires)
            return original(key, session)

        return register


async def _answer(
    unkind: Unkind,
    call: Call,
    head: signatures.Head,
    body: bytes,
    *,
    ask: Callable[[bytes], Awaitable[Reply]],
) -> Reply:
    """Return what AWS would answer; ``ask`` has the emulator answer a body."""
    request, bare = str(uuid.uuid4()), head.method == "HEAD"
    try:
        words, answer = unkind.begin(call)
        if answer is None and words is None:
            answer = unkind.end(call, {})
        if answer is not None:
            return write_answer(answer, request=request)
        caught = await ask(body if words == call.words else json.dumps(words).encode())
        if caught[0] >= _ERROR:
            told = read_refusal(call.service, caught, bare=bare)
            refused = unkind.fail(_listing(call, head, told), told)
            if refused is not told:
                raise refused
        elif (call.service, call.operation) in _REWRITTEN:
            found = unkind.end(call, json.loads(caught[2] or b"{}"))
            return write_answer(found, request=request)
        else:
            unkind.end(call, {})
    except Refused as refused:
        return write_refusal(call.service, refused, request=request, bare=bare)
    return caught


def _caller(head: signatures.Head) -> str:
    """Return the role that asks; empty for root, and for keys that end nowhere."""
    session = module("services.sts")._sessions.get(_key(head)) or {}
    arn = str(session.get("Arn", ""))
    return arn.split("/")[1] if ":assumed-role/" in arn else ""


def _key(head: signatures.Head) -> str:
    return str(
        module("core.router").extract_access_key_id(dict(head.headers), dict(head.query)) or ""
    )


def _listing(call: Call, head: signatures.Head, refused: Refused) -> Call:
    """Say whether the caller may list the bucket, where that decides what it is told."""
    if call.service != "s3" or refused.status != 404:  # noqa: PLR2004 - the one that S3 hides
        return call
    evaluator = module("core.iam_evaluator")
    denied = evaluator.enforce(
        _key(head),
        "s3:ListBucket",
        "s3",
        module("core.responses").get_region(),
        resource_arn=f"arn:aws:s3:::{call.text('Bucket')}",
        service_context={},
    )
    return replace(call, may_list=denied is None)


async def _whole(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _sized(headers: Any, size: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.lower() != b"content-length"]
    return [*kept, (b"content-length", str(size).encode())]


async def _caught(original: Function, scope: Scope, receive: Receive) -> Reply:
    """Return the emulator's whole answer."""
    status, headers, parts = 0, {}, []

    async def send(message: Mapping[str, Any]) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = int(message["status"])
            headers = {
                name.decode().lower(): value.decode() for name, value in message.get("headers", ())
            }
            headers.pop("content-length", None)
        else:
            parts.append(message.get("body", b""))

    await original(scope, receive, send)
    return status, headers, b"".join(parts)
