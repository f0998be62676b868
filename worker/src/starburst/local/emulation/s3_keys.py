"""Give S3 requests the condition keys that our bucket policy asks for.

Stock lacks ``s3:if-none-match``, ``s3:if-match``, ``s3:TlsVersion``, ``s3:authType`` and the two
encryption keys beside ``s3:x-amz-server-side-encryption``: a write-once Deny on a missing
``s3:if-none-match`` refuses every PUT, and a Deny below TLS 1.2 never bites. The version is always
1.3 here, which is what Python and Node negotiate with the server.
"""

from __future__ import annotations

from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_WRITE_HEADERS = (
    "if-none-match",
    "if-match",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
)


def _apply() -> None:
    def make(original: Function) -> Function:
        def context(action: str, query: Any, path: str = "", headers: Any = None) -> dict[str, Any]:
            keys = dict(original(action, query, path, headers) or {})
            given = headers or {}
            if action == "s3:PutObject":
                keys.update({f"s3:{n}": given[n] for n in _WRITE_HEADERS if given.get(n)})
            keys["s3:TlsVersion"] = "1.3"
            signed = "authorization" in given
            keys["s3:authType"] = "REST-HEADER" if signed else "REST-QUERY-STRING"
            return keys

        return context

    wrap(module("core.iam_actions"), "s3_service_context", make)


PATCH = Patch(
    name="s3_keys",
    stock="lacks s3:if-none-match, s3:TlsVersion and the keys of SSE-KMS and SSE-C",
    apply=_apply,
)
