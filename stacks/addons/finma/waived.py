"""The exceptions of the backups to the gates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stacks.settings.validation import KEPT_A_YEAR_DAYS
from stacks.waivers import decision
from starburst_assurance.waivers import Waiver

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["finma_waivers"]

_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")


def finma_waivers(environment: Environment) -> Iterator[Waiver]:
    """Yield each, with its reason."""
    yield decision(
        [
            *(f"{pack}-S3BucketReplicationEnabled" for pack in _PACKS),
            *("CT.S3.PR.4", "CT.S3.PR.9"),
        ],
        ["finma/Scratch/Resource"],
        "It holds what was restored to be looked at, for a day: the backup is in the vault, and "
        "the data are where they were.",
    )
    if environment.log_retention_days < KEPT_A_YEAR_DAYS:
        yield decision(
            ["CT.CLOUDWATCH.PR.2"],
            ["finma/Watch/Jobs/Log/Resource"],
            "A test environment keeps its logs as long as its settings say; AWS Backup has the "
            "jobs as well.",
        )
