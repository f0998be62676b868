"""The function as Lambda imports it, and a finding as Security Hub returns it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.addons.lambda_folder import lambda_folder

SOURCE = Path(__file__).resolve().parents[3] / "stacks/addons/security_hub_findings/report"


@pytest.fixture(scope="module")
def function() -> Iterator[Any]:
    """The modules of the function, imported as Lambda does: from its own folder."""
    with lambda_folder(SOURCE) as modules:
        yield SimpleNamespace(**modules)


def finding(number: int = 1, **more: Any) -> dict[str, Any]:
    """Return a finding of a control, as Security Hub returns it."""
    bucket = f"arn:aws:s3:::bucket-{number}"
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"arn:aws:securityhub:eu-west-1:222233334444:finding/{number}",
        "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/securityhub",
        "ProductName": "Security Hub",
        "CompanyName": "AWS",
        "Region": "eu-west-1",
        "GeneratorId": "security-control/S3.8",
        "AwsAccountId": "222233334444",
        "CreatedAt": "2026-11-02T08:00:00.000Z",
        "UpdatedAt": "2026-11-29T08:00:00.000Z",
        "ProcessedAt": "2026-11-29T08:01:00.000Z",
        "Severity": {"Label": "HIGH", "Normalized": 70},
        "Title": "S3 general purpose buckets should block public access",
        "Description": "This control checks whether a bucket blocks public access.",
        "Remediation": {
            "Recommendation": {"Text": "See the documentation.", "Url": "https://example.com/S3.8"}
        },
        "Resources": [{"Type": "AwsS3Bucket", "Id": bucket, "Tags": {"team": "genomics"}}],
        "Compliance": {"Status": "FAILED", "SecurityControlId": "S3.8"},
        "Workflow": {"Status": "NEW"},
        "RecordState": "ACTIVE",
        **more,
    }
