"""What the gates would have of the review that it need not have, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stacks.settings.validation import KEPT_A_YEAR_DAYS
from stacks.waivers import decision
from starburst_assurance.waivers import Waiver

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["review_waivers"]

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")


def review_waivers(environment: Environment) -> Iterator[Waiver]:
    """Yield the exceptions of a review."""
    bucket = ["accessreview/Records/Resource"]
    function = ["accessreview/Review/Function"]
    yield decision(
        [f"{pack}-S3BucketReplicationEnabled" for pack in _PACKS],
        bucket,
        "A few kilobytes a quarter, which leave the Region with whoever downloads the evidence; a "
        "copy in another Region would leave allowed_regions.",
    )
    yield decision(
        ["CT.S3.PR.4"],
        bucket,
        "Nothing waits for a record: who cares is told by the topic.",
    )
    yield decision(
        ["CT.S3.PR.9"],
        bucket,
        "Its policy lets nobody write a record twice and, in production, nobody erase one.",
    )
    yield decision(
        [*(f"{pack}-LambdaInsideVPC" for pack in _PACKS), "CT.LAMBDA.PR.3"],
        function,
        "It reads AWS's service reference, a public address. In the VPC, which has no way out, it "
        "could not, and could reach what it has no business with.",
    )
    yield decision(
        ["HIPAA.Security-LambdaDLQ", "NIST.800.53.R5-LambdaDLQ"],
        function,
        "Its event holds nothing that could be lost: it is tried again, its failure rings an "
        "alarm, and who invokes it by hand gets the same review.",
    )
    if environment.log_retention_days < KEPT_A_YEAR_DAYS:
        yield decision(
            ["CT.CLOUDWATCH.PR.2"],
            ["accessreview/Review/Log/Resource"],
            "A test environment keeps its logs as long as its settings say; the record is in the "
            "bucket.",
        )
