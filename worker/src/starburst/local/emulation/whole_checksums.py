"""Keep the checksum of a whole object that was sent by parts, where its upload asks for that.

Stock makes a checksum of the parts' checksums of each, and refuses the whole object's own.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

from __future__ import annotations

import re
from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_BAD_REQUEST = 400
_NUMBER = re.compile(rb"<PartNumber>\s*(\d+)\s*</PartNumber>")
_UPLOAD = re.compile(rb"<UploadId>([^<]+)</UploadId>")


def _apply() -> None:
    s3 = module("services.s3")

    def create(original: Function) -> Function:
        def begin(bucket: str, key: str, headers: dict[str, str]) -> Any:
            status, answered, body = original(bucket, key, headers)
            found = _UPLOAD.search(body if isinstance(body, bytes) else body.encode())
            if found and headers.get("x-amz-checksum-type") == "FULL_OBJECT":
                s3._multipart_uploads[found[1].decode()]["whole_checksum"] = True
                answered = {**answered, "x-amz-checksum-type": "FULL_OBJECT"}
            return status, answered, body

        return begin

    def complete(original: Function) -> Function:
        def end(
            bucket: str, key: str, body: bytes, query: Any, headers: dict[str, str] | None = None
        ) -> Any:
            upload = s3._multipart_uploads.get(s3._qp(query, "uploadId")) or {}
            if not upload.get("whole_checksum"):
                return original(bucket, key, body, query, headers)
            algorithm = upload["checksum_algorithm"]
            name = f"x-amz-checksum-{algorithm.lower()}"
            parts = (upload["parts"].get(int(number)) for number in _NUMBER.findall(body))
            checksum = s3._compute_s3_checksum(algorithm, b"".join(p["body"] for p in parts if p))
            given = dict(headers or {})
            if given.pop(name, checksum) != checksum:
                return s3._error(
                    "BadDigest",
                    f"The {algorithm} you specified did not match the calculated checksum.",
                    _BAD_REQUEST,
                )
            answer = original(bucket, key, body, query, given)
            if answer[0] < _BAD_REQUEST:
                kept = s3._ensure_bucket(bucket)["objects"][key]
                kept |= {"checksums": {algorithm: checksum}, "checksum_type": "FULL_OBJECT"}
            return answer

        return end

    wrap(s3, "_create_multipart_upload", create)
    wrap(s3, "_complete_multipart_upload", complete)


PATCH = Patch(
    name="whole_checksums",
    stock="refuses the checksum of a whole object that was sent by parts",
    apply=_apply,
)
