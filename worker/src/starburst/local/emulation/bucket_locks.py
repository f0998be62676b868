"""Lock the objects of a template's bucket that asks for Object Lock; stock drops the property."""

from __future__ import annotations

from .patching import Patch, module
from .resource_types import Properties, after_create

__all__ = ["PATCH"]


def _apply() -> None:
    s3 = module("services.s3")

    def complete(bucket: str, properties: Properties) -> None:
        enabled = str(properties.get("ObjectLockEnabled", False)).lower() == "true"
        rule = properties.get("ObjectLockConfiguration", {}).get("Rule", {})
        retention = dict(rule.get("DefaultRetention", {}))
        for unit in {"Days", "Years"} & retention.keys():
            retention[unit] = int(retention[unit])
        # Object Lock is never taken off a bucket again.
        if enabled or bucket in s3._bucket_object_lock:
            lock = {"enabled": True, "default_retention": retention or None}
            s3._bucket_object_lock[bucket] = lock
            s3._bucket_versioning[bucket] = "Enabled"

    after_create("AWS::S3::Bucket", complete)


PATCH = Patch(
    name="bucket_locks",
    stock="drops ObjectLockEnabled and ObjectLockConfiguration of AWS::S3::Bucket",
    apply=_apply,
)
