"""That nobody in an account ends its record: trail, Config, GuardDuty and Security Hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from starburst_constructs.policies.organization_policies.documents import compact

__all__ = ["RECORD_ENDING", "record_kept"]

RECORD_ENDING: Final = (
    *("access-analyzer:DeleteAnalyzer",),
    *("cloudtrail:DeleteTrail", "cloudtrail:PutEventSelectors", "cloudtrail:StopLogging"),
    *("cloudtrail:UpdateTrail", "config:DeleteConfigurationRecorder"),
    *("config:DeleteDeliveryChannel", "config:StopConfigurationRecorder"),
    *("guardduty:DeleteDetector", "guardduty:DisassociateFromAdministratorAccount"),
    *("guardduty:DisassociateFromMasterAccount", "guardduty:DisassociateMembers"),
    *("guardduty:StopMonitoringMembers", "guardduty:UpdateDetector"),
    *("securityhub:BatchDisableStandards", "securityhub:BatchUpdateStandardsControlAssociations"),
    *("securityhub:DisableSecurityHub", "securityhub:DisassociateFromAdministratorAccount"),
    *("securityhub:DisassociateFromMasterAccount", "securityhub:UpdateStandardsControl"),
)
"""Calls by which a record ends, or says less from then on, also by the older name of a call."""


def record_kept(spared: Sequence[str] = ()) -> dict[str, Any]:
    """Return the policy that lets nobody end the record.

    Args:
        spared: ARNs, or patterns of them, of roles that may: the one in which CloudFormation
            deploys, which makes and changes the trail, and the break-glass role.

    Raises:
        ValueError: one of ``spared`` is every role.

    Example:
        >>> record_kept()["Statement"][0]["Effect"]
        'Deny'
    """
    for one in spared:
        if not one.startswith("arn:") or one.endswith((":role/*", ":*")):
            raise ValueError(f"{one} spares every role, so that anybody ends the record: name one")
    statement: dict[str, Any] = {
        "Sid": "KeepTheRecord",
        "Effect": "Deny",
        "Action": list(RECORD_ENDING),
        "Resource": "*",
    }
    if spared:
        statement["Condition"] = {"ArnNotLike": {"aws:PrincipalArn": list(spared)}}
    document: dict[str, Any] = {"Version": "2012-10-17", "Statement": [statement]}
    compact(document)
    return document
