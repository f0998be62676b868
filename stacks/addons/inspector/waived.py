"""What the gates would have of the add-on that it need not have, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stacks.settings.validation import KEPT_A_YEAR_DAYS
from stacks.waivers import decision

if TYPE_CHECKING:
    from stacks.settings import Environment
    from starburst_assurance.waivers import Waiver

__all__ = ["inspector_waivers"]

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")


def inspector_waivers(environment: Environment, *, enables: bool) -> Iterator[Waiver]:
    """Yield the exceptions of the add-on.

    Args:
        environment: that has it.
        enables: whether it switches Inspector on.
    """
    yield from _record()
    parts = ["Gate", *(["Enabling"] if enables else [])]
    functions = [f"inspector/{part}/Function" for part in parts]
    yield decision(
        [*(f"{pack}-LambdaInsideVPC" for pack in _PACKS), "CT.LAMBDA.PR.3"],
        functions,
        "They call Inspector, ECR and S3 and answer CloudFormation; in the VPC they would need "
        "endpoints of Inspector, which cost more than all else of the add-on, and addresses.",
    )
    yield decision(
        ["HIPAA.Security-LambdaDLQ", "NIST.800.53.R5-LambdaDLQ"],
        functions,
        "What the gate misses it finds again within a quarter of an hour, when it compares its "
        "record with Inspector, and an alarm counts failures; CloudFormation waits for the other.",
    )
    if environment.log_retention_days < KEPT_A_YEAR_DAYS:
        yield decision(
            ["CT.CLOUDWATCH.PR.2"],
            [f"inspector/{part}/Log/Resource" for part in parts],
            "A test environment keeps its logs as long as its settings say.",
        )


def _record() -> Iterator[Waiver]:
    bucket = ["inspector/Record/Resource"]
    yield decision(
        [f"{pack}-S3BucketReplicationEnabled" for pack in _PACKS],
        bucket,
        "The record is made anew from Inspector; one more in another Region would leave "
        "allowed_regions for names of packages.",
    )
    yield decision(
        [*(f"{pack}-S3DefaultEncryptionKMS" for pack in _PACKS), "CT.S3.PR.10"],
        bucket,
        "It holds names of packages and of vulnerabilities that everybody can look up. With the "
        "data key the gate could open data; a key of its own costs a dollar a month.",
    )
    yield decision(
        ["CT.S3.PR.4"],
        bucket,
        "Nothing waits for an object of the record: the controller reads it when a session starts.",
    )
    yield decision(
        ["CT.S3.PR.9"],
        bucket,
        "Each object is the newest state of an image and changes with it: a lock would keep a "
        "mended image refused.",
    )
