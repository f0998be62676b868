"""Keep holds and locks that stock loses: of objects sent in parts, and of a bucket's versions.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html (versioning cannot
be suspended) and https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
(a hold and a retention are asked for when the upload begins)
"""

from __future__ import annotations

from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_ASKED = "starburst-object-lock"
_REFUSED = 300


def _apply() -> None:
    s3 = module("services.s3")

    def make_versioning(original: Function) -> Function:
        def put(name: str, body: bytes) -> Any:
            before = s3._bucket_versioning.get(name)
            answer = original(name, body)
            if name in s3._bucket_object_lock and s3._bucket_versioning.get(name) != "Enabled":
                s3._bucket_versioning[name] = before
                return s3._error(
                    "InvalidBucketState",
                    "An Object Lock configuration is present on this bucket, so the versioning "
                    "state cannot be changed.",
                    409,
                )
            return answer

        return put

    def make_create(original: Function) -> Function:
        def create(bucket: str, key: str, headers: dict[str, str]) -> Any:
            known = set(s3._multipart_uploads)
            answer = original(bucket, key, headers)
            for upload in set(s3._multipart_uploads) - known:
                asked = {name: headers[name] for name in s3._OBJECT_LOCK_HEADERS if name in headers}
                s3._multipart_uploads[upload][_ASKED] = asked
            return answer

        return create

    def make_complete(original: Function) -> Function:
        def complete(
            bucket: str, key: str, body: bytes, query: dict[str, Any], *terms: Any, **named: Any
        ) -> Any:
            upload = s3._multipart_uploads.get(s3._qp(query, "uploadId"))
            answer = original(bucket, key, body, query, *terms, **named)
            status, headers, _ = answer
            if upload is not None and status < _REFUSED:  # what is only told again is locked
                version = headers.get("x-amz-version-id")
                s3._apply_object_lock_from_headers(bucket, key, upload.get(_ASKED, {}), version)
            return answer

        return complete

    wrap(s3, "_put_bucket_versioning", make_versioning)
    wrap(s3, "_create_multipart_upload", make_create)
    wrap(s3, "_complete_multipart_upload", make_complete)


PATCH = Patch(
    name="object_locks",
    stock="holds and locks nothing that is sent in parts, and lets a locked bucket's versioning go",
    apply=_apply,
)
