"""What the gates would have of identity governance that it need not have, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stacks.settings.validation import KEPT_A_YEAR_DAYS
from stacks.waivers import decision
from starburst_assurance.waivers import Waiver

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["governance_waivers"]

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")


def governance_waivers(environment: Environment) -> Iterator[Waiver]:
    """Yield its exceptions."""
    bucket = ["governance/Bucket/Resource"]
    yield decision(
        [f"{pack}-S3BucketReplicationEnabled" for pack in _PACKS],
        bucket,
        "The next report says again what is so; a copy in another Region would be one more place "
        "with people's addresses.",
    )
    yield decision(
        ["CT.S3.PR.4"], bucket, "Nothing waits for a report: people look when they want to know."
    )
    yield decision(
        ["CT.S3.PR.9"],
        bucket,
        "The record is the trail, whose files are locked; reports hold people's addresses, which "
        "must go when their time ends. Each is written once.",
    )
    yield decision(
        [*(f"{pack}-LambdaInsideVPC" for pack in _PACKS), "CT.LAMBDA.PR.3"],
        ["governance/Audit/Function"],
        "It asks services of AWS alone, in Regions where the environment has no VPC; in the VPC it "
        "would need endpoints of each, and could reach workers.",
    )
    yield decision(
        ["HIPAA.Security-LambdaDLQ", "NIST.800.53.R5-LambdaDLQ"],
        ["governance/Audit/Function"],
        "Its event says when it is and nothing else: an alarm rings where it failed, and anybody "
        "who may invoke it can ask again.",
    )
    if environment.log_retention_days < KEPT_A_YEAR_DAYS:
        yield decision(
            ["CT.CLOUDWATCH.PR.2"],
            ["governance/Audit/Log/Resource", "governance/Heard/Log/Resource"],
            "A test environment keeps its logs as long as its settings say; the trail has the "
            "events as well.",
        )
