"""A bucket of an earlier release gets Object Lock in place, whatever `cdk diff` prints of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

REPLACING = "createOnlyProperties"


def schema() -> Mapping[str, Any]:
    """Return CloudFormation's own description of a bucket, which cfn-lint carries."""
    found: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(
        "eu-west-1", "AWS::S3::Bucket"
    ).schema
    return found


def test_cloudformation_replaces_no_bucket_for_its_object_lock(
    templates: Mapping[str, Any],
) -> None:
    buckets = [
        one["Properties"]
        for one in templates["prod/storage"]["Resources"].values()
        if one["Type"] == "AWS::S3::Bucket"
    ]
    assert any(one.get("ObjectLockEnabled") for one in buckets)
    assert {"ObjectLockEnabled", "ObjectLockConfiguration"} <= schema()["properties"].keys()
    replacing = schema()[REPLACING]
    assert "/properties/BucketName" in replacing, "what does replace a bucket is said there"
    assert not [name for name in replacing if "ObjectLock" in name]
