"""Who weakens the record is heard, refused or not, by hand or by a deployment; others are not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from environments import ALL
from stacks.settings import Environment
from starburst_assurance.alarms.filter_patterns import matches_fields
from starburst_constructs.monitoring.noticed.evidence_changes import (
    evidence_filters,
    evidence_metric,
)
from tests.stacks.reading import Template, resources

Event = dict[str, Any]
ACCOUNT = "222233334444"
LOGS_KEY, DATA_KEY = "1234abcd-12ab-34cd-56ef-1234567890ab", "0987dcba-09fe-87dc-65ba-ab0987654321"
OTHER_KEY = "ffffffff-12ab-34cd-56ef-1234567890ab"
IAM = f"arn:aws:iam::{ACCOUNT}"
DEPLOYER = f"{IAM}:role/cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-eu-west-1"
BREAK_GLASS = f"{IAM}:role/security/break-glass"
FILTERS = evidence_filters(
    "prod",
    key_ids={"LogsKey": LOGS_KEY, "DataKey": DATA_KEY},
    deployer=DEPLOYER,
    break_glass=BREAK_GLASS,
)
BUCKET = "starburst-prod-audit-files8d0e2b1f-0a1b2c3d4e5f"
GROUP = "/aws/ecs/starburst/prod/genomics"
EVENTS = "starburst-prod-audit-EventsB2C3D4E5-abcdefghijkl"
TRAIL = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/starburst-prod"


ALARM = "starburst-prod-control-WatchStrangers1A2B3C4D-AbCdEfGhIjKl"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:starburst-prod-control-SecurityAlerts1A2B3C4D-AbCd"
RULE = "starburst-prod-control-WakeEachMinute1A2B3C4D-AbCdEfGhIjKl"
FARGATE = {"type": "AWSService", "invokedBy": "fargate.amazonaws.com"}


def event(service: str, name: str, parameters: object, **more: Any) -> Event:
    """Return a record as CloudTrail writes it."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Administrator/eve",
            "sessionContext": {"sessionIssuer": {"arn": f"{IAM}:role/Administrator"}},
        },
        "eventTime": "2026-11-28T12:00:00Z",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.7",
        "requestParameters": parameters,
        "responseElements": None,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        **more,
    }


def refused(service: str, name: str, action: str, resource: str) -> Event:
    """Return the record of a refused call, which may say nothing of what was asked."""
    return event(
        service,
        name,
        None,
        errorCode="AccessDenied",
        errorMessage=f"User: arn:aws:sts::{ACCOUNT}:assumed-role/Administrator/eve is not "
        f"authorized to perform: {action} on resource: {resource} with an explicit deny",
    )


def key(key_id: str) -> str:
    return f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{key_id}"


def told(one: Event) -> set[str]:
    return {name for name, pattern in FILTERS.items() if matches_fields(pattern, one)}


TOLD = [
    *(
        (event("kms", name, {"keyId": where, "pendingWindowInDays": 7}), label)
        for name in (
            "DeleteImportedKeyMaterial",
            "DisableKey",
            "DisableKeyRotation",
            "PutKeyPolicy",
            "ScheduleKeyDeletion",
        )
        for label, key_id in (("LogsKey", LOGS_KEY), ("DataKey", DATA_KEY))
        for where in (key_id, key(key_id))
    ),
    (
        event(
            "kms",
            "PutKeyPolicy",
            {"keyId": LOGS_KEY, "policyName": "default", "policy": "{}"},
            sourceIPAddress="cloudformation.amazonaws.com",
        ),
        "LogsKey",
    ),
    (
        refused("kms", "ScheduleKeyDeletion", "kms:ScheduleKeyDeletion", key(LOGS_KEY)),
        "LogsKey",
    ),
    *(
        (event("kms", name, {"keyId": key(key_id)}), label)
        for name in ("CreateGrant", "RetireGrant", "RevokeGrant")
        for label, key_id in (("LogsKeyGrants", LOGS_KEY), ("DataKeyGrants", DATA_KEY))
    ),
    *(
        (event("monitoring", name, {"alarmNames": ["somebody-elses", ALARM]}), "Alarms")
        for name in ("DeleteAlarms", "DisableAlarmActions")
    ),
    (
        event("monitoring", "DeleteAlarms", {"alarmNames": [ALARM]}, userIdentity=FARGATE),
        "Alarms",
    ),
    (event("monitoring", "PutMetricAlarm", {"alarmName": ALARM}), "Alarms"),
    (event("sns", "DeleteTopic", {"topicArn": TOPIC}), "Topics"),
    (event("sns", "Unsubscribe", {"subscriptionArn": f"{TOPIC}:0f9e8d7c"}), "Topics"),
    (event("events", "DisableRule", {"name": RULE}), "Rules"),
    (event("events", "RemoveTargets", {"rule": RULE, "ids": ["Target0"]}), "Rules"),
    *(
        (event("cloudtrail", name, {field: where}), "Trail")
        for name, field in (
            ("StopLogging", "name"),
            ("DeleteTrail", "name"),
            ("UpdateTrail", "name"),
            ("PutEventSelectors", "trailName"),
        )
        for where in ("starburst-prod", TRAIL)
    ),
    (refused("cloudtrail", "StopLogging", "cloudtrail:StopLogging", TRAIL), "Trail"),
    *(
        (event("s3", name, {"bucketName": BUCKET, "Host": f"{BUCKET}.s3.amazonaws.com"}), "Buckets")
        for name in (
            "DeleteBucket",
            "DeleteBucketEncryption",
            "DeleteBucketLifecycle",
            "DeleteBucketPolicy",
            "DeleteBucketPublicAccessBlock",
            "DeleteBucketReplication",
            "PutBucketAcl",
            "PutBucketEncryption",
            "PutBucketLifecycle",
            "PutBucketLifecycleConfiguration",
            "PutBucketLogging",
            "PutBucketObjectLockConfiguration",
            "PutBucketOwnershipControls",
            "PutBucketPolicy",
            "PutBucketPublicAccessBlock",
            "PutBucketReplication",
            "PutBucketVersioning",
            "PutObjectLockConfiguration",
        )
    ),
    *(
        (event("logs", name, {"logGroupName": group}), "Logs")
        for name in (
            "AssociateKmsKey",
            "DeleteLogGroup",
            "DeleteLogStream",
            "DeleteMetricFilter",
            "DeleteRetentionPolicy",
            "DisassociateKmsKey",
            "PutMetricFilter",
            "PutRetentionPolicy",
        )
        for group in (GROUP, EVENTS, "/aws/lambda/starburst-prod-controller")
    ),
    *(
        (event("logs", name, {"logGroupIdentifier": group}), "Logs")
        for name in ("DeleteDataProtectionPolicy", "PutDataProtectionPolicy")
        for group in (GROUP, f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:{GROUP}")
    ),
    (
        refused(
            "logs",
            "DeleteLogGroup",
            "logs:DeleteLogGroup",
            f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:{EVENTS}:log-stream:",
        ),
        "Logs",
    ),
    *(
        (
            event(
                "iam",
                "UpdateAssumeRolePolicy",
                {"roleName": role.rpartition("/")[2], "policyDocument": "{}"},
                awsRegion="us-east-1",
            ),
            "Doors",
        )
        for role in (DEPLOYER, BREAK_GLASS)
    ),
    *(
        (event("sts", name, {"roleArn": BREAK_GLASS, "roleSessionName": "eve"}), "BreakGlass")
        for name in ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")
    ),
]


@pytest.mark.parametrize(("one", "expected"), TOLD)
def test_who_weakens_the_record_is_told(one: Event, expected: str) -> None:
    assert told(one) == {expected}


@pytest.mark.parametrize(
    "one",
    [
        event("kms", "ScheduleKeyDeletion", {"keyId": OTHER_KEY}),
        event("kms", "Decrypt", {"keyId": key(LOGS_KEY)}),
        event("kms", "CancelKeyDeletion", {"keyId": LOGS_KEY}),
        event("kms", "CreateGrant", {"keyId": key(DATA_KEY)}, userIdentity=FARGATE),
        event("monitoring", "PutMetricAlarm", {"alarmName": "somebody-elses"}),
        event("monitoring", "DeleteAlarms", {"alarmNames": ["theirs"]}, userIdentity=FARGATE),
        event("sns", "Unsubscribe", {"subscriptionArn": TOPIC.replace("starburst-prod", "dev")}),
        event("events", "DisableRule", {"name": "somebody-elses"}),
        refused("kms", "Decrypt", "kms:Decrypt", key(LOGS_KEY)),
        event("cloudtrail", "StopLogging", {"name": "starburst-dev"}),
        event("cloudtrail", "GetTrail", {"name": "starburst-prod"}),
        event("s3", "PutBucketPolicy", {"bucketName": "starburst-dev-storage-data"}),
        event("s3", "PutBucketTagging", {"bucketName": BUCKET}),
        event("s3", "GetBucketPolicy", {"bucketName": BUCKET}),
        event("s3", "PutObject", {"bucketName": BUCKET, "key": "AWSLogs/x"}),
        event("s3", "DeleteObject", {"bucketName": "starburst-prod-storage-data", "key": "x"}),
        event("logs", "CreateLogStream", {"logGroupName": GROUP}),
        event("logs", "DeleteLogGroup", {"logGroupName": "/aws/lambda/somebody-elses"}),
        event("logs", "PutRetentionPolicy", {"logGroupName": "/aws/ecs/starburst/dev/sandbox"}),
        event("iam", "UpdateAssumeRolePolicy", {"roleName": "another"}),
        event("iam", "GetRole", {"roleName": "break-glass"}),
        event("sts", "AssumeRole", {"roleArn": f"{IAM}:role/starburst-prod-platform"}),
    ],
)
def test_ordinary_work_is_not(one: Event) -> None:
    assert told(one) == set()


@pytest.mark.parametrize("environment", ALL, ids=lambda each: each.name)
def test_every_environment_has_the_filters_and_one_alarm(
    templates: Mapping[str, Template], environment: Environment
) -> None:
    name = environment.name
    metric = evidence_metric(name)
    filters = resources(templates[f"{name}/audit"], "AWS::Logs::MetricFilter").values()
    found = [one["Properties"] for one in filters if metric in json.dumps(one)]
    alarms = resources(templates[f"{name}/control"], "AWS::CloudWatch::Alarm").values()
    rings = [one["Properties"] for one in alarms if one["Properties"].get("MetricName") == metric]
    # A test environment has no break-glass role.
    assert len(found) == len(FILTERS) - (environment.break_glass_role_arn is None)
    [alarm] = rings
    assert alarm["AlarmActions"]
