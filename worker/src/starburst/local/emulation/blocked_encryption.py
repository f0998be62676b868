"""Refuse an upload with a key of the customer's own where the bucket blocks ``SSE-C``.

Stock accepts it. S3 answers 403 ``AccessDenied``:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html
"""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_OWN_KEY = "x-amz-server-side-encryption-customer-algorithm"


def _apply() -> None:
    s3 = module("services.s3")

    def blocked(bucket: str) -> bool:
        stored = s3._bucket_encryption.get(bucket)
        found: list[Element] = [*s3.fromstring(stored).iter()] if stored else []
        types = [each.text for each in found if each.tag.rpartition("}")[2] == "EncryptionType"]
        return "SSE-C" in types

    def make(original: Function) -> Function:
        def write(bucket: str, *arguments: Any) -> Any:
            headers = arguments[-1]
            if headers.get(_OWN_KEY) and blocked(bucket):
                message = f"SSE-C is blocked for the bucket {bucket}"
                return s3._error("AccessDenied", message, 403)
            return original(bucket, *arguments)

        return write

    for name in ("_put_object", "_copy_object", "_create_multipart_upload"):
        wrap(s3, name, make)


PATCH = Patch(
    name="blocked_encryption",
    stock="accepts SSE-C where a bucket's encryption blocks it",
    apply=_apply,
)
