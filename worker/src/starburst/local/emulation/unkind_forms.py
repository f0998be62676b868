"""Requests and answers as AWS's protocols write them, for what is unkind between them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from starburst.local.unkindness.calls import Answer, Refused

from .bodies import json_object
from .signatures import Head

__all__ = ["Reply", "operation_of", "read_refusal", "words_of", "write_answer", "write_refusal"]

Reply = tuple[int, Mapping[str, str], bytes]

_JSON: Final = frozenset({"ecs", "kms", "logs", "sqs", "ssm"})
_CODE: Final = re.compile(rb"<Code>([^<]*)</Code>")
_MESSAGE: Final = re.compile(rb"<Message>([^<]*)</Message>")
_INVOKE: Final = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")


def operation_of(service: str, head: Head, body: bytes) -> str:
    """Return the operation that a request asks for; empty where it is none that matters here."""
    if service in _JSON:
        return head.headers.get("x-amz-target", "").rpartition(".")[2]
    if service == "s3":
        return _s3_operation(head)
    if service == "lambda":
        return "Invoke" if _INVOKE.fullmatch(head.path) else ""
    return dict(parse_qsl(body.decode(errors="replace"))).get("Action", "")


def words_of(service: str, head: Head, body: bytes) -> Mapping[str, Any]:
    """Return the parameters of a request, by the names of AWS's model."""
    if service in _JSON:
        return json_object(body)
    if service == "s3":
        bucket, _, key = unquote(head.path)[1:].partition("/")
        conditions = {"IfNoneMatch": "if-none-match", "IfMatch": "if-match"}
        found = {
            name: head.headers[header]
            for name, header in conditions.items()
            if header in head.headers
        }
        return {"Bucket": bucket, "Key": key, **found}
    if service == "lambda":
        match = _INVOKE.fullmatch(head.path)
        return {"FunctionName": unquote(match[1])} if match else {}
    return dict(parse_qsl(body.decode(errors="replace")))


def write_refusal(service: str, refused: Refused, *, request: str, bare: bool) -> Reply:
    """Return a refusal as the service's protocol has it; ``bare`` for an answer to HEAD."""
    if bare:
        return refused.status, {"x-amz-request-id": request}, b""
    if service == "s3":
        more = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in refused.fields.items())
        xml = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{escape(refused.code)}</Code><Message>{escape(refused.message)}"
            f"</Message>{more}<RequestId>{request}</RequestId></Error>"
        )
        headers = {"content-type": "application/xml", "x-amz-request-id": request}
        return refused.status, headers, xml.encode()
    if service in _JSON or service == "lambda":
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amzn-requestid": request,
            "x-amzn-errortype": refused.code.rpartition("#")[2],
        }
        if refused.query_code:
            headers["x-amzn-query-error"] = f"{refused.query_code};Sender"
        document = {"__type": refused.code, "message": refused.message, **refused.fields}
        return refused.status, headers, json.dumps(document).encode()
    xml = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(refused.code)}</Code>"
        f"<Message>{escape(refused.message)}</Message></Error>"
        f"<RequestId>{request}</RequestId></ErrorResponse>"
    )
    return refused.status, {"content-type": "text/xml"}, xml.encode()


def write_answer(answer: Answer, *, request: str) -> Reply:
    """Return an answer of a service that speaks JSON."""
    headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": request}
    return 200, headers, json.dumps(answer).encode()


def read_refusal(service: str, reply: Reply, *, bare: bool) -> Refused:
    """Return what the emulator refused with."""
    status, headers, body = reply
    if bare:
        return Refused(str(status), "", status=status)
    if service in _JSON or service == "lambda":
        document = json_object(body)
        code = str(document.get("__type") or headers.get("x-amzn-errortype", ""))
        return Refused(code, str(document.get("message", "")), status=status)
    found, said = _CODE.search(body), _MESSAGE.search(body)
    return Refused(
        found[1].decode() if found else "", said[1].decode() if said else "", status=status
    )


def _s3_operation(head: Head) -> str:
    _, _, key = head.path[1:].partition("/")
    asked = {name for name in head.query if not name.startswith("X-Amz-")} - {"x-id"}
    if key and asked <= {"versionId", "response-content-type"}:
        copies = "x-amz-copy-source" in head.headers
        names = {
            "GET": "GetObject",
            "HEAD": "HeadObject",
            "PUT": "CopyObject" if copies else "PutObject",
            "DELETE": "DeleteObject",
        }
        return names.get(head.method, "")
    if head.method == "GET" and not key:
        return "ListObjectVersions" if "versions" in asked else "ListObjectsV2"
    return "DeleteObjects" if head.method == "POST" and "delete" in asked else ""
