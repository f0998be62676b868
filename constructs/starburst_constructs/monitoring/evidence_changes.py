"""Alarm on what weakens the record: keys, trail, buckets and logs that evidence rests on (S24).

An administrator of the account may do some of it, and a deployment all of it, so it is told from
the trail, whether it went through or was refused. It tells of deployments too: these things change
seldom, and a template is the one way round the keys' denials.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aws_cdk import aws_logs as logs
from constructs import Construct

from starburst_constructs.monitoring.metric_filter import CountingFilter
from starburst_constructs.naming import trail_name

__all__ = ["EvidenceChanges", "evidence_filters", "evidence_metric"]

_KEYS: Final = (
    "DeleteImportedKeyMaterial",
    "DisableKey",
    "DisableKeyRotation",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
)
_TRAIL: Final = ("DeleteTrail", "PutEventSelectors", "StopLogging", "UpdateTrail")
# S3 writes some of its calls under other names than IAM: PutLifecycleConfiguration is
# PutBucketLifecycle in a trail.
_BUCKETS: Final = ("DeleteBucket*", "PutBucket*", "PutObjectLockConfiguration")
_LOGS: Final = (
    "AssociateKmsKey",
    "DeleteDataProtectionPolicy",
    "DeleteLogGroup",
    "DeleteLogStream",
    "DeleteMetricFilter",
    "DeleteRetentionPolicy",
    "DisassociateKmsKey",
    "PutDataProtectionPolicy",
    "PutMetricFilter",
    "PutRetentionPolicy",
)


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
    groups = (f"*starburst-{environment}-*", f"*starburst/{environment}/*")
    doors = [one for one in (deployer, break_glass) if one is not None]
    found = {
        key: _all(
            _source("kms"),
            _event(*_KEYS),
            _some(_is("requestParameters.keyId", f"*{key_id}"), _is("errorMessage", f"*{key_id}*")),
        )
        for key, key_id in key_ids.items()
    }
    found["Trail"] = _all(
        _source("cloudtrail"),
        _event(*_TRAIL),
        _some(
            _is("requestParameters.name", f"*{trail}"),
            _is("requestParameters.trailName", f"*{trail}"),
            _is("errorMessage", f"*trail/{trail}*"),
        ),
    )
    # CloudFormation names a bucket after its stack.
    found["Buckets"] = _all(
        _source("s3"),
        _event(*_BUCKETS),
        '($.eventName != "*BucketTagging")',
        _is("requestParameters.bucketName", f"starburst-{environment}-*"),
    )
    found["Logs"] = _all(
        _source("logs"),
        _event(*_LOGS),
        _some(
            *(
                _is(place, group)
                for place in (
                    "requestParameters.logGroupName",
                    "requestParameters.logGroupIdentifier",
                    "errorMessage",
                )
                for group in groups
            )
        ),
    )
    found["Doors"] = _all(
        _source("iam"),
        _event("UpdateAssumeRolePolicy"),
        _some(*(_is("requestParameters.roleName", one.rpartition("/")[2]) for one in doors)),
    )
    if break_glass is not None:
        found["BreakGlass"] = _all(
            _source("sts"),
            _event("AssumeRole*"),
            _is("requestParameters.roleArn", break_glass),
        )
    return {name: f"{{ {pattern} }}" for name, pattern in found.items()}


def _is(path: str, value: str) -> str:
    return f'($.{path} = "{value}")'


def _source(service: str) -> str:
    return _is("eventSource", f"{service}.amazonaws.com")


def _event(*names: str) -> str:
    return _some(*(_is("eventName", name) for name in names))


def _some(*terms: str) -> str:
    return f"({' || '.join(terms)})"


def _all(*terms: str) -> str:
    return " && ".join(terms)


class EvidenceChanges(Construct):
    """Counts, in one metric, what the trail says of those who weaken the record.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        key_ids: of the keys that evidence is encrypted with, by what each is called.
        deployer: ARN of the role in which CloudFormation deploys.
        break_glass: ARN of the role that may end keys; None for none.
        events: the trail's log group.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        key_ids: Mapping[str, str],
        deployer: str,
        break_glass: str | None,
        events: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        found = evidence_filters(
            environment, key_ids=key_ids, deployer=deployer, break_glass=break_glass
        )
        for name, pattern in found.items():
            CountingFilter(
                self, name, log=events, pattern=pattern, metric=evidence_metric(environment)
            )
