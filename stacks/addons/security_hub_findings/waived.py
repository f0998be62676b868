"""The exceptions of the reports to the gates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stacks.settings.validation import KEPT_A_YEAR_DAYS
from stacks.waivers import decision
from starburst_assurance.waivers import Waiver

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["findings_waivers"]

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")


def findings_waivers(environment: Environment) -> Iterator[Waiver]:
    """Yield each, with its reason."""
    bucket = ["findings/Reports/Resource"]
    yield decision(
        [f"{pack}-S3BucketReplicationEnabled" for pack in _PACKS],
        bucket,
        "A report is a copy of what Security Hub holds, and the next one comes in a week; another "
        "Region would leave allowed_regions.",
    )
    yield decision(
        ["CT.S3.PR.4"],
        bucket,
        "Nothing waits for a report: people are told of it by the function that wrote it.",
    )
    yield decision(
        ["CT.S3.PR.9"],
        bucket,
        "The record of findings is Security Hub's own; a report may name people by their resources "
        "and must go when its time ends.",
    )
    yield decision(
        [*(f"{pack}-LambdaInsideVPC" for pack in _PACKS), "CT.LAMBDA.PR.3"],
        ["findings/Report/Function"],
        "It calls Security Hub, S3, SNS and STS over TLS and is called by EventBridge alone. In "
        "the VPC it would need four endpoints more, for five minutes a week.",
    )
    yield decision(
        ["CT.SQS.PR.1"],
        ["findings/Failures/Resource"],
        "It is the end of the line itself: failed events wait in it, and an alarm rings.",
    )
    if environment.log_retention_days < KEPT_A_YEAR_DAYS:
        yield decision(
            ["CT.CLOUDWATCH.PR.2"],
            ["findings/Report/Log/Resource"],
            "The environment keeps its logs for less than a year; production refuses that.",
        )
