"""What the gates would have of the lake that it need not have, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stacks.addons.log_lake.questions import titles
from stacks.addons.log_lake.schema import VIEWS, WRITTEN
from stacks.settings.validation import KEPT_A_YEAR_DAYS
from stacks.waivers import decision
from starburst_assurance.waivers import Waiver

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["lake_waivers"]

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")
_STUCK: Final = ("starburst-stuck-name",)


def lake_waivers(environment: Environment) -> Iterator[Waiver]:
    """Yield the exceptions of a lake."""
    yield from _files()
    yield from _function(environment)
    yield from _names(environment)


def _files() -> Iterator[Waiver]:
    bucket = ["lake/Bucket/Resource"]
    yield decision(
        [f"{pack}-S3BucketReplicationEnabled" for pack in _PACKS],
        bucket,
        "The lake is a second copy of logs that lie elsewhere; one more in another Region would "
        "leave allowed_regions and double what erasure must reach.",
    )
    yield decision(
        ["CT.S3.PR.9"],
        bucket,
        "The record is the trail, whose files are locked; the lake holds personal lines of "
        "workers, which must go when their time ends.",
    )
    yield decision(
        ["starburst-open-deputy"],
        ["lake/Delivery/Resource"],
        "Firehose says for whom it acts by sts:ExternalId, the account, as AWS documents; it is "
        "not documented to send aws:SourceAccount, and without it could not write.",
    )


def _function(environment: Environment) -> Iterator[Waiver]:
    yield decision(
        [*(f"{pack}-LambdaInsideVPC" for pack in _PACKS), "CT.LAMBDA.PR.3"],
        ["lake/Transform/Function"],
        "It calls nothing: it gets records and gives them back. In the VPC it would need "
        "addresses, and could reach what it has no business with.",
    )
    yield decision(
        ["HIPAA.Security-LambdaDLQ", "NIST.800.53.R5-LambdaDLQ"],
        ["lake/Transform/Function"],
        "Firehose calls it and waits: what fails is tried again, and then kept below errors/.",
    )
    if environment.log_retention_days < KEPT_A_YEAR_DAYS:
        yield decision(
            ["CT.CLOUDWATCH.PR.2"],
            ["lake/Transform/Log/Resource", "lake/Watch/Files/Log/Resource"],
            "A test environment keeps its logs as long as its settings say; what is delivered lies "
            "in the lake.",
        )


def _names(environment: Environment) -> Iterator[Waiver]:
    flows = environment.network.existing is None
    written = [name for name in WRITTEN if flows or name != "flows"]
    views = [name for name in VIEWS if flows or name != "vpc_flow"]
    yield decision(
        _STUCK,
        [f"lake/Catalog/{name}" for name in (*written, "trail_files", "access_log_lines", *views)],
        "A table is called as people ask it; its catalog and database follow from the account and "
        "the environment's name, which no deployment changes.",
    )
    yield decision(
        _STUCK,
        [f"lake/To-{name}/Stream" for name in written],
        "The function reads off a stream's name what it makes; each is always written directly.",
    )
    asked = [] if "query-definitions" in environment.without else titles(environment)
    if asked:
        yield decision(
            _STUCK,
            [f"lake/{one}" for one in asked],
            "Athena tells saved queries by their ids, and lets two have one name.",
        )
