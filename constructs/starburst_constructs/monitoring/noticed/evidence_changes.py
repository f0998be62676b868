"""Alarm on what weakens the record: keys, trail, buckets and logs that evidence rests on (S24).

It tells as well of what is deployed although it is not proved, by the records that this leaves.

An administrator of the account may do some of it, and a deployment all of it, so it is told from
the trail, whether it went through or was refused. It tells of deployments too: these things change
seldom, and a template is the one way round the keys' denials.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from starburst_constructs.monitoring.noticed.named_trust import TRUST_CALLS
from starburst_constructs.monitoring.noticed.patterns import (
    every,
    is_not,
    is_text,
    missing,
    named,
    of_service,
    pattern,
    some,
)
from starburst_constructs.naming import emergency_path, trail_name

__all__ = ["EVIDENCE_CALLS", "evidence_filters", "evidence_metric"]

EVIDENCE_CALLS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "kms": (
            *("CreateGrant", "DeleteImportedKeyMaterial", "DisableKey", "DisableKeyRotation"),
            *("PutKeyPolicy", "RetireGrant", "RevokeGrant", "ScheduleKeyDeletion"),
        ),
        "cloudtrail": ("DeleteTrail", "PutEventSelectors", "StopLogging", "UpdateTrail"),
        # S3 writes some of its calls under other names than IAM: PutLifecycleConfiguration is
        # PutBucketLifecycle in a trail.
        "s3": ("DeleteBucket*", "PutBucket*", "PutObjectLockConfiguration"),
        "logs": (
            *("AssociateKmsKey", "DeleteDataProtectionPolicy", "DeleteLogGroup"),
            *("DeleteLogStream", "DeleteMetricFilter", "DeleteRetentionPolicy"),
            *("DisassociateKmsKey", "PutDataProtectionPolicy", "PutMetricFilter"),
            "PutRetentionPolicy",
        ),
        "monitoring": (
            *("DeleteAlarms", "DeleteInsightRules", "DisableAlarmActions", "DisableInsightRules"),
            *("PutMetricAlarm", "SetAlarmState"),
        ),
        "sns": (
            *("AddPermission", "DeleteTopic", "RemovePermission", "SetTopicAttributes"),
            "Unsubscribe",
        ),
        "events": ("DeleteRule", "DisableRule", "PutRule", "RemoveTargets"),
        # Of emergencies alone, by their names.
        "ssm": ("DeleteParameter", "DeleteParameters", "PutParameter"),
    }
)
"""Calls that may weaken the record or what rings of it, by service."""

_GRANTS: Final = ("CreateGrant", "RetireGrant", "RevokeGrant")
_ALARM: Final = "PutMetricAlarm"


def evidence_metric(environment: str) -> str:
    """Return the metric that counts what weakened an environment's record.

    Example:
        >>> evidence_metric("prod")
        'prod-record-weakened'
    """
    return f"{environment}-record-weakened"


def evidence_filters(
    environment: str, *, key_ids: Mapping[str, str], deployer: str, break_glass: str | None
) -> Mapping[str, str]:
    """Return filters of the trail by what they find.

    A refused call has no parameters in some services, so its message is looked through as well.

    Args:
        environment: its name.
        key_ids: of the keys that evidence is encrypted with, by what each is called.
        deployer: ARN of the role in which CloudFormation deploys.
        break_glass: ARN of the role that may end keys; None for none.
    """
    trail = trail_name(environment)
    doors = [one for one in (deployer, break_glass) if one is not None]
    found = {
        **dict(_keys(key_ids)),
        "Trail": pattern(
            of_service("cloudtrail"),
            named(*EVIDENCE_CALLS["cloudtrail"]),
            some(
                is_text("requestParameters.name", f"*{trail}"),
                is_text("requestParameters.trailName", f"*{trail}"),
                is_text("errorMessage", f"*trail/{trail}*"),
            ),
        ),
        # CloudFormation names a bucket after its stack.
        "Buckets": pattern(
            of_service("s3"),
            named(*EVIDENCE_CALLS["s3"]),
            is_not("eventName", "*BucketTagging"),
            is_text("requestParameters.bucketName", f"starburst-{environment}-*"),
        ),
        "Logs": pattern(
            of_service("logs"),
            named(*EVIDENCE_CALLS["logs"]),
            some(
                *(
                    is_text(place, group)
                    for place in (
                        "requestParameters.logGroupName",
                        "requestParameters.logGroupIdentifier",
                        "errorMessage",
                    )
                    for group in (f"*starburst-{environment}-*", f"*starburst/{environment}/*")
                )
            ),
        ),
        # A deployment of what is not proved makes a record of it first.
        "Emergencies": pattern(
            of_service("ssm"),
            named(*EVIDENCE_CALLS["ssm"]),
            some(
                *(
                    is_text(f"requestParameters.{place}", f"*{emergency_path(environment)}*")
                    for place in ("name", "names[0]")
                )
            ),
        ),
        "Doors": pattern(
            of_service("iam"),
            named(*TRUST_CALLS),
            some(*(is_text("requestParameters.roleName", one.rpartition("/")[2]) for one in doors)),
        ),
        **dict(_alarms(environment)),
    }
    if break_glass is not None:
        found["BreakGlass"] = pattern(
            of_service("sts"),
            named("AssumeRole*"),
            is_text("requestParameters.roleArn", break_glass),
        )
    return found


def _keys(key_ids: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the filters of each key. Grants that a service makes for us are its daily work."""
    ends = [name for name in EVIDENCE_CALLS["kms"] if name not in _GRANTS]
    for key, key_id in key_ids.items():
        ours = some(
            is_text("requestParameters.keyId", f"*{key_id}"),
            is_text("errorMessage", f"*{key_id}*"),
        )
        yield key, pattern(of_service("kms"), named(*ends), ours)
        by_hand = missing("userIdentity.invokedBy")
        yield f"{key}Grants", pattern(of_service("kms"), named(*_GRANTS), ours, by_hand)


def _alarms(environment: str) -> Iterator[tuple[str, str]]:
    """Yield the filters of what rings: who silences it would not be heard.

    A call names several alarms at once, of which ours may be any, so every alarm of the account
    counts where a person deletes it.
    """
    ours = f"*starburst-{environment}-*"
    by_hand = missing("userIdentity.invokedBy")
    silencing = [name for name in EVIDENCE_CALLS["monitoring"] if name != _ALARM]
    yield (
        "Alarms",
        pattern(
            of_service("monitoring"),
            some(
                every(
                    named(*silencing),
                    some(by_hand, is_text("requestParameters.alarmNames[0]", ours)),
                ),
                every(named(_ALARM), by_hand, is_text("requestParameters.alarmName", ours)),
            ),
        ),
    )
    yield (
        "Topics",
        pattern(
            of_service("sns"),
            named(*EVIDENCE_CALLS["sns"]),
            by_hand,
            some(
                is_text("requestParameters.topicArn", ours),
                is_text("requestParameters.subscriptionArn", ours),
            ),
        ),
    )
    yield (
        "Rules",
        pattern(
            of_service("events"),
            named(*EVIDENCE_CALLS["events"]),
            by_hand,
            some(
                is_text("requestParameters.name", ours),
                is_text("requestParameters.rule", ours),
            ),
        ),
    )
