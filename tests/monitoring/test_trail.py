"""The trail covers every Region and every object, and its files outlast attempts to delete them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from environments import ALL, DEV, PROD
from stacks.settings import Audit
from tests.stacks.reading import Template, named, only, resources, statement

Templates = dict[str, Template]


@pytest.fixture(params=ALL, ids=lambda each: each.name)
def environment(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def audit(templates: Templates, environment: Any) -> Template:
    return templates[f"{environment.name}/audit"]


def test_the_trail_covers_every_region_and_can_be_validated(audit: Template) -> None:
    trail = only(audit, "AWS::CloudTrail::Trail")
    assert trail["IsLogging"] is True
    assert trail["IsMultiRegionTrail"] is True
    assert trail["IncludeGlobalServiceEvents"] is True
    assert trail["EnableLogFileValidation"] is True
    assert "LogsKey" in json.dumps(trail["KMSKeyId"])
    assert "Events" in json.dumps(trail["CloudWatchLogsLogGroupArn"])


def test_every_read_and_write_of_data_is_recorded(audit: Template) -> None:
    [selector] = only(audit, "AWS::CloudTrail::Trail")["EventSelectors"]
    assert selector["ReadWriteType"] == "All"
    assert selector["IncludeManagementEvents"] is True
    [resource] = selector["DataResources"]
    assert resource["Type"] == "AWS::S3::Object"
    assert "ExportsOutputFnGetAttData" in json.dumps(resource["Values"])


def test_only_our_trail_writes_the_files(audit: Template, environment: Any) -> None:
    document = only(audit, "AWS::S3::BucketPolicy")["PolicyDocument"]
    name = f"starburst-{environment.name}"
    arn = f"arn:aws:cloudtrail:{environment.region}:{environment.account}:trail/{name}"
    assert only(audit, "AWS::CloudTrail::Trail")["TrailName"] == name
    for sid in ("CloudTrailChecks", "CloudTrailWrites"):
        assert statement(document, sid)["Condition"] == {
            "StringEquals": {"aws:SourceArn": arn, "aws:SourceAccount": environment.account}
        }


def test_files_are_locked_in_production_and_expire_after_the_lock(
    audit: Template, environment: Any
) -> None:
    bucket = named(audit, "AWS::S3::Bucket", "Files")
    [rule] = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == environment.audit.log_days + 1
    if not environment.production:
        assert "ObjectLockConfiguration" not in bucket
        return
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["ObjectLockConfiguration"]["Rule"] == {
        "DefaultRetention": {"Mode": "COMPLIANCE", "Days": environment.audit.log_days}
    }


def test_an_investigation_starts_with_saved_queries(audit: Template, environment: Any) -> None:
    queries = resources(audit, "AWS::Logs::QueryDefinition")
    if "query-definitions" in environment.without:
        assert queries == {}
        return
    worker = named(audit, "AWS::Logs::QueryDefinition", "WorkerErrors")
    assert "filter @message like /ERROR|AccessDenied|Forbidden/" in worker["QueryString"]
    assert worker["LogGroupNames"] == [
        f"/aws/ecs/starburst/{environment.name}/{workspace.name}"
        for workspace in environment.workspaces
    ]
    failed = named(audit, "AWS::Logs::QueryDefinition", "FailedVerification")
    assert failed["LogGroupNames"] == [
        *worker["LogGroupNames"],
        f"/aws/lambda/starburst-{environment.name}-controller",
    ]
    refused = named(audit, "AWS::Logs::QueryDefinition", "RefusedCalls")
    assert "errorCode" in refused["QueryString"]
    assert all("limit 1000" in query["Properties"]["QueryString"] for query in queries.values())


def synthesize(outdir: Path, audit: Audit) -> dict[str, Template]:
    dev = replace(DEV, audit=audit)
    assembly = app.build([dev], outdir=str(outdir), validate=False).synth()
    return {stack.hierarchical_id: stack.template for stack in assembly.stacks_recursively}


def test_an_organization_trail_replaces_ours(tmp_path: Path) -> None:
    assert "dev/audit" not in synthesize(tmp_path, Audit(trail=False, data_events=False))


def test_data_events_can_be_left_to_another_trail(tmp_path: Path) -> None:
    found = synthesize(tmp_path, Audit(data_events=False))
    [selector] = only(found["dev/audit"], "AWS::CloudTrail::Trail")["EventSelectors"]
    assert selector["DataResources"] == []


def test_production_keeps_a_year_or_more() -> None:
    assert PROD.audit.log_days >= 365


def test_a_lock_that_can_be_lifted_is_offered(tmp_path: Path) -> None:
    trial = replace(PROD, audit=Audit(lock="governance", log_days=400))
    synthesized = app.build([trial], outdir=str(tmp_path), validate=False).synth()
    (template,) = (
        stack.template
        for stack in synthesized.stacks_recursively
        if stack.hierarchical_id == "prod/audit"
    )
    rule = named(template, "AWS::S3::Bucket", "Files")["ObjectLockConfiguration"]["Rule"]
    assert rule == {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 400}}


def test_an_incident_record_is_written_once_and_production_erases_none(
    audit: Template, environment: Any
) -> None:
    policy = only(audit, "AWS::S3::BucketPolicy")["PolicyDocument"]
    second = statement(policy, "DenySecondRecord")
    assert (second["Effect"], second["Principal"]) == ("Deny", {"AWS": "*"})
    assert second["Condition"]["StringNotEquals"] == {"s3:if-none-match": "*"}
    assert json.dumps(second["Resource"]).endswith('"/incidents/*"]]}')
    sids = [one["Sid"] for one in policy["Statement"] if "Sid" in one]
    assert ("DenyErasingRecords" in sids) is environment.production
