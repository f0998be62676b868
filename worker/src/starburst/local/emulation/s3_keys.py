"""Give S3 requests the condition keys that our bucket policy asks for.

Stock lacks ``s3:if-none-match``, ``s3:if-match``, ``s3:x-amz-copy-source``,
``s3:ObjectCreationOperation``, ``s3:TlsVersion``, ``s3:authType`` and the two encryption keys
beside ``s3:x-amz-server-side-encryption``: a Deny of writes without ``If-None-Match: *`` refuses
every PUT, and one of copies, or below TLS 1.2, never bites. The version is always 1.3 here, which
is what Python and Node negotiate with the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_WRITE_HEADERS = (
    "if-none-match",
    "if-match",
    "x-amz-copy-source",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
)


def _apply() -> None:
    def make(original: Function) -> Function:
        def context(action: str, query: Any, path: str = "", headers: Any = None) -> dict[str, Any]:
            keys = dict(original(action, query, path, headers) or {})
            given, asked = headers or {}, query or {}
            if action == "s3:PutObject":
                keys.update({f"s3:{n}": given[n] for n in _WRITE_HEADERS if given.get(n)})
                part = "uploads" in asked or {"uploadId", "partNumber"} <= asked.keys()
                keys["s3:ObjectCreationOperation"] = "false" if part else "true"
            keys["s3:TlsVersion"] = "1.3"
            keys["s3:authType"] = _auth_type(given, asked)
            return keys

        return context

    wrap(module("core.iam_actions"), "s3_service_context", make)


def _auth_type(headers: Mapping[str, str], query: Mapping[str, Any]) -> str:
    if "authorization" in headers:
        return "REST-HEADER"
    form = headers.get("content-type", "").startswith("multipart/form-data")
    signed = {"x-amz-signature", "signature"} & {name.lower() for name in query}
    return "POST" if form and not signed else "REST-QUERY-STRING"


PATCH = Patch(
    name="s3_keys",
    stock="lacks s3:if-none-match, s3:x-amz-copy-source, s3:TlsVersion and the keys of SSE-KMS and "
    "SSE-C",
    apply=_apply,
)
