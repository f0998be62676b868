"""A finding as a row: every column where it belongs, nothing a formula, whatever is in it."""

from __future__ import annotations

import csv
import io
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stacks.addons.security_hub_findings.addon import SEVERITIES
from tests.addons.security_hub_findings.conftest import finding

UPSTREAM = (
    "Id,ProductArn,ProductName,CompanyName,GeneratorId,SecurityControlId,CreatedAt,UpdatedAt,"
    "Confidence,RemediationText,RemediationUrl,SourceUrl,ComplianceStatus,WorkflowStatus,"
    "RecordState,ProcessedAt,Title,Description,Severity,Region,AccountId,ResourceType,ResourceId,"
    "ResourceTags"
)
"""The header of aws-samples/aws-security-hub-full-report-email."""


def written(function: Any, *found: dict[str, Any]) -> list[dict[str, str]]:
    """Return what a reader of CSV makes of the file."""
    file = io.BytesIO()
    writer = function.columns.Writer(file)
    for one in found:
        writer.write(one)
    writer.end()
    text = file.getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_the_columns_are_those_of_the_published_report(function: Any) -> None:
    assert ",".join(function.columns.COLUMNS) == UPSTREAM
    assert len(function.columns.COLUMNS) == len(set(function.columns.COLUMNS)) == 24


def test_settings_and_function_know_the_same_severities(function: Any) -> None:
    assert function.hub.SEVERITIES == SEVERITIES


def test_each_column_holds_what_it_is_called(function: Any) -> None:
    [row] = written(function, finding(7, Confidence=42, SourceUrl="https://example.com/7"))
    assert row == {
        "Id": "arn:aws:securityhub:eu-west-1:222233334444:finding/7",
        "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/securityhub",
        "ProductName": "Security Hub",
        "CompanyName": "AWS",
        "GeneratorId": "security-control/S3.8",
        "SecurityControlId": "S3.8",
        "CreatedAt": "2026-11-02T08:00:00.000Z",
        "UpdatedAt": "2026-11-29T08:00:00.000Z",
        "Confidence": "42",
        "RemediationText": "See the documentation.",
        "RemediationUrl": "https://example.com/S3.8",
        "SourceUrl": "https://example.com/7",
        "ComplianceStatus": "FAILED",
        "WorkflowStatus": "NEW",
        "RecordState": "ACTIVE",
        "ProcessedAt": "2026-11-29T08:01:00.000Z",
        "Title": "S3 general purpose buckets should block public access",
        "Description": "This control checks whether a bucket blocks public access.",
        "Severity": "HIGH",
        "Region": "eu-west-1",
        "AccountId": "222233334444",
        "ResourceType": "AwsS3Bucket",
        "ResourceId": "arn:aws:s3:::bucket-7",
        "ResourceTags": '{"team": "genomics"}',
    }


def test_what_is_missing_is_empty(function: Any) -> None:
    wrong = {"Remediation": None, "Compliance": "PASSED", "Resources": [], "Severity": {}}
    [nothing, odd] = written(function, {}, {"Id": "a", **wrong})
    assert set(nothing.values()) == {""}
    assert {column for column, value in odd.items() if value} == {"Id"}


def test_several_resources_stand_in_one_order(function: Any) -> None:
    resources = [{"Type": "AwsEc2Vpc", "Id": "vpc-1"}, {"Id": "b", "Tags": {"a": "1"}}]
    [row] = written(function, finding(Resources=resources))
    assert row["ResourceType"].split("\n") == ["AwsEc2Vpc", "?"]
    assert row["ResourceId"].split("\n") == ["vpc-1", "b"]
    assert row["ResourceTags"].split("\n") == ["{}", '{"a": "1"}']


def test_what_no_cell_holds_is_cut_and_says_so(function: Any) -> None:
    tags = {f"key{number}": "x" * 250 for number in range(50)}
    resources = [{"Type": "AwsEc2Instance", "Id": str(one), "Tags": tags} for one in range(32)]
    fits = {"Type": "AwsEc2Vpc", "Id": "x" * function.columns.MOST_CHARACTERS}
    cut, whole = written(function, finding(Resources=resources), finding(Resources=[fits]))
    assert len(cut["ResourceTags"]) == function.columns.MOST_CHARACTERS
    assert cut["ResourceTags"].endswith("the finding in Security Hub has the rest]")
    assert cut["ResourceId"].split("\n") == [str(one) for one in range(32)]
    assert whole["ResourceId"] == fits["Id"]


@settings(max_examples=25)
@given(title=st.text(), tags=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2))
def test_any_text_comes_back_in_its_own_cell(
    function: Any, title: str, tags: dict[str, str]
) -> None:
    """Lone surrogates, which JSON may hold and UTF-8 may not, become question marks."""
    title = f"{title}\ud800"
    [row] = written(function, finding(Title=title, Resources=[{"Id": title, "Tags": tags}]))
    assert row["Title"].removeprefix("'") == title.encode("utf-8", "replace").decode()
    assert row["Title"] == row["ResourceId"]
    assert not row["Title"].lstrip().startswith(("=", "+", "-", "@"))
    assert row["Description"] == finding()["Description"]
