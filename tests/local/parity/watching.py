"""What watches and tells: log groups, metric filters, alarms, trails and budgets."""

from __future__ import annotations

import json
from typing import Any

from starburst.local.emulator import ACCOUNT, REGION
from tests.local.parity.reading import Held, Properties, Services, document, reads, tags, unlowered
from tests.local.raw import JSON_1_0, keys

__all__: list[str] = []


@reads("AWS::Logs::LogGroup")
def log_group(aws: Services, ref: str, _asked: Properties) -> Held:
    logs = aws["logs"]
    named = logs.describe_log_groups(logGroupNamePrefix=ref)["logGroups"]
    (found,) = [each for each in named if each["logGroupName"] == ref]
    policy = aws.optional(
        "logs",
        "get_data_protection_policy",
        *("ResourceNotFoundException", "InvalidOperationException"),
        logGroupIdentifier=ref,
    )
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{ref}"
    return {
        "DataProtectionPolicy": document(policy.get("policyDocument")),
        "KmsKeyId": found.get("kmsKeyId"),
        "LogGroupClass": found.get("logGroupClass"),
        "LogGroupName": found["logGroupName"],
        "RetentionInDays": found.get("retentionInDays"),
        "Tags": tags(logs.list_tags_for_resource(resourceArn=arn)["tags"]),
    }


@reads("AWS::Logs::MetricFilter")
def metric_filter(aws: Services, ref: str, asked: Properties) -> Held:
    group = asked["LogGroupName"]
    named = aws["logs"].describe_metric_filters(logGroupName=group)["metricFilters"]
    found = next((each for each in named if each["filterName"] == ref), {})
    return {
        "FilterName": found.get("filterName"),
        "FilterPattern": found.get("filterPattern"),
        "LogGroupName": found.get("logGroupName"),
        "MetricTransformations": unlowered(found.get("metricTransformations")),
    }


@reads("AWS::CloudWatch::Alarm")
def alarm(aws: Services, ref: str, _asked: Properties) -> Held:
    (found,) = _cloudwatch(aws, "DescribeAlarms", AlarmNames=[ref])["MetricAlarms"]
    named = _cloudwatch(aws, "ListTagsForResource", ResourceARN=found["AlarmArn"])
    return {**found, "Tags": tags(named["Tags"])}


def _cloudwatch(aws: Services, operation: str, **request: Any) -> Held:
    """Ask in the JSON that CloudWatch's model allows beside the CBOR that boto3 prefers."""
    target = f"GraniteServiceVersion20100801.{operation}"
    headers = {"X-Amz-Target": target, "Content-Type": JSON_1_0}
    answer = aws.door.signed(
        keys(aws.session),
        *("monitoring", "POST", "/"),
        headers=headers,
        body=json.dumps(request).encode(),
    )
    assert answer.status == 200, answer
    found: Held = json.loads(answer.body)
    return found


@reads("AWS::CloudTrail::Trail")
def trail(aws: Services, ref: str, _asked: Properties) -> Held:
    cloudtrail = aws["cloudtrail"]
    found = cloudtrail.get_trail(Name=ref)["Trail"]
    (named,) = cloudtrail.list_tags(ResourceIdList=[found["TrailARN"]])["ResourceTagList"]
    return {
        **found,
        "EnableLogFileValidation": found.get("LogFileValidationEnabled"),
        "EventSelectors": cloudtrail.get_event_selectors(TrailName=ref)["EventSelectors"],
        "IsLogging": cloudtrail.get_trail_status(Name=ref)["IsLogging"],
        "KMSKeyId": found.get("KmsKeyId"),
        "Tags": tags(named["TagsList"]),
        "TrailName": found["Name"],
    }


@reads("AWS::Budgets::Budget")
def budget(aws: Services, ref: str, _asked: Properties) -> Held:
    budgets, place = aws["budgets"], {"AccountId": ACCOUNT, "BudgetName": ref}
    found = budgets.describe_budget(**place)["Budget"]
    limit = found["BudgetLimit"]
    told = budgets.describe_notifications_for_budget(**place)["Notifications"]
    arn = f"arn:aws:budgets::{ACCOUNT}:budget/{ref}"
    return {
        "Budget": {**found, "BudgetLimit": {**limit, "Amount": float(limit["Amount"])}},
        "NotificationsWithSubscribers": [
            {
                "Notification": each,
                "Subscribers": budgets.describe_subscribers_for_notification(
                    **place, Notification=_asked_again(each)
                )["Subscribers"],
            }
            for each in told
        ],
        "ResourceTags": tags(budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"]),
    }


def _asked_again(notification: Held) -> Held:
    return {name: each for name, each in notification.items() if name != "NotificationState"}
