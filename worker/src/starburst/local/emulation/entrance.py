"""What every request passes first: it must come straight to this server, and not from a page.

A page in the analyst's browser whose name was rebound to 127.0.0.1 sends its own Host, and what it
sends to another origin has an Origin. Nothing that we run sends an Origin, asks for a socket, or
comes through a proxy, so all of these are refused, and no answer says that a page may read it. Our
own questions are answered here: readiness to any caller, all else to root.
"""

from __future__ import annotations

import json
from typing import Any

from starburst.local.emulator import OWN_SERVICE

from . import object_reads, requests, signatures
from .gate import Message, Receive, Scope, Send, read_head, reply
from .patching import Function, module
from .root_key import is_root
from .unkind_door import Door

__all__ = ["entrance"]

_OK, _FORBIDDEN = 200, 403
_METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
_OF_PAGES = ("origin", "sec-fetch-", "access-control-", "x-forwarded-", "forwarded", "upgrade")
_OURS = "/_starburst/"


def entrance(emulator: Function, *, host: str, door: Door | None = None) -> Function:
    """Return an ASGI application in front of ``emulator``, which is reached by ``host`` alone."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await emulator(scope, receive, send)
            return
        if scope["type"] != "http":
            await _refuse_socket(scope, receive, send)
            return
        private = _private(send)
        refusal = _refusal(scope, host)
        if refusal:
            await _answer(scope, private, _FORBIDDEN, {"message": refusal})
        elif scope["path"].startswith(_OURS):
            await _own(scope, private, door)
        elif scope["path"].startswith("/_"):
            await _answer(scope, private, _FORBIDDEN, {"message": "closed"})
        else:
            await emulator(scope, receive, private)

    return app


def _refusal(scope: Scope, host: str) -> str:
    """Return why a request is not for this server; nothing if it is."""
    if scope["method"] not in _METHODS:
        return "the local environment answers no such method"
    try:
        names = [name.decode("ascii").lower() for name, _ in scope["headers"]]
    except UnicodeDecodeError:
        return "the request is no text"
    hosts = [value for name, value in scope["headers"] if name.lower() == b"host"]
    if hosts != [host.encode()]:
        return f"the local environment is {host} and answers for no other name"
    if any(name.startswith(_OF_PAGES) for name in names):
        return "the local environment answers no browser and no proxy"
    return ""


async def _own(scope: Scope, send: Send, door: Door | None) -> None:
    question = scope["path"].removeprefix(_OURS)
    if question == "ready" and scope["method"] in ("GET", "HEAD"):
        await _answer(scope, send, _OK, {"ready": True})
        return
    try:
        _require_root(read_head(scope))
    except signatures.Refused as refused:
        await _answer(scope, send, _FORBIDDEN, {"message": str(refused)})
        return
    if question == "requests":
        await _answer(scope, send, _OK, requests.counts())
    elif question == "reads":
        await _answer(scope, send, _OK, object_reads.bytes_read())
    elif question.partition("/")[0] == "unkind":
        if door is not None:
            door.begin(*filter(None, question.partition("/")[2].split(",")))
        await _answer(scope, send, _OK, {"unkind": None if door is None else door.seed})
    elif question == "workers":
        client = module("services.ecs")._docker
        await _answer(scope, send, _OK, client.containers.running() if client else {})
    else:
        await _answer(scope, send, _FORBIDDEN, {"message": "there is no such question"})


def _require_root(head: signatures.Head) -> None:
    given = signatures.claim(head)
    if not is_root(given.key) or given.service != OWN_SERVICE or head.method != "GET":
        raise signatures.Refused("AccessDenied", "only the owner of the environment may ask")
    signatures.check(given, head, b"")
    signatures.check_payload(given, head, b"")


async def _refuse_socket(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})


def _private(send: Send) -> Send:
    """Return a channel that says of no answer that pages may read it."""

    async def channel(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [
                (name, value)
                for name, value in message.get("headers", ())
                if not name.lower().startswith(b"access-control-")
            ]
            message = {**message, "headers": kept}
        await send(message)

    return channel


async def _answer(scope: Scope, send: Send, status: int, document: Any) -> None:
    body = b"" if scope["method"] == "HEAD" else json.dumps(document).encode()
    await reply(send, status, {"content-type": "application/json"}, body)
