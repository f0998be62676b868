"""What an incident's commands ask an environment first: its runtime document and its trail."""

from __future__ import annotations

from typing import Any, Final

from starburst.contract import Limits, RuntimeDocument, WorkspaceDocument

__all__ = [
    "AUDIT",
    "BUCKET",
    "DOCUMENT",
    "LOGS_KEY",
    "Parameters",
    "Trail",
    "make_audit",
    "records",
]

BUCKET: Final = "starburst-prod-storage-data"
AUDIT: Final = "starburst-prod-audit-files"
LOGS_KEY: Final = "arn:aws:kms:eu-west-1:222233334444:key/logs"
DOCUMENT: Final = RuntimeDocument(
    environment="prod",
    account="222233334444",
    region="eu-west-1",
    bucket=BUCKET,
    key_arn="arn:aws:kms:eu-west-1:222233334444:key/data",
    controller="arn:aws:lambda:eu-west-1:222233334444:function:starburst-prod-controller",
    python="3.13",
    architecture="X86_64",
    workspaces={
        "genomics": WorkspaceDocument(
            analyst_role_arn="arn:aws:iam::222233334444:role/a",
            task_definition="starburst-prod-genomics",
            limits=Limits(),
        )
    },
)


class Parameters:
    """Parameter Store, as far as the runtime document goes."""

    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        assert Name == "/starburst/prod/runtime"
        return {"Parameter": {"Value": DOCUMENT.to_json()}}


class Trail:
    """CloudTrail, as far as the trail's bucket goes."""

    def get_trail(self, *, Name: str) -> dict[str, Any]:
        assert Name == "starburst-prod"
        return {"Trail": {"S3BucketName": AUDIT, "KmsKeyId": LOGS_KEY}}


def make_audit(s3: Any) -> None:
    """Make the audit stack's bucket, whose every version is locked for a while."""
    s3.create_bucket(Bucket=AUDIT, ObjectLockEnabledForBucket=True)
    retention = {"Mode": "COMPLIANCE", "Days": 400}
    s3.put_object_lock_configuration(
        Bucket=AUDIT,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": retention},
        },
    )


def records(s3: Any) -> dict[str, Any]:
    """Return the incident records by key, as text."""
    page = s3.list_objects_v2(Bucket=AUDIT)
    return {
        one["Key"]: s3.get_object(Bucket=AUDIT, Key=one["Key"])["Body"].read().decode()
        for one in page.get("Contents", ())
    }
