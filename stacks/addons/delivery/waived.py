"""The exceptions of a delivery to the gates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from stacks.settings import Environment
from stacks.settings.validation import KEPT_A_YEAR_DAYS
from stacks.waivers import decision
from starburst_assurance.waivers import Waiver

__all__ = ["delivery_waivers"]

_BUCKET: Final = "delivery/Artifacts/Resource"
_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")
_REPORTS: Final = {
    "review": ("scan",),
    "tests": ("junit", "coverage"),
    "suite": ("junit",),
    "gate": ("scan", "junit", "coverage"),
}


def delivery_waivers(
    environment: Environment, deploys: Sequence[str], *, image: bool
) -> Iterator[Waiver]:
    """Yield each, with its reason.

    Args:
        environment: in whose account it stands.
        deploys: names of the targets.
        image: whether the worker image is built.
    """
    parts = [*_REPORTS, *(f"deploy-{one}" for one in deploys), *(["image"] if image else [])]
    projects = [f"delivery/Build-{part}/Project" for part in parts]
    yield decision(
        [f"{pack}-S3BucketReplicationEnabled" for pack in _PACKS]
        + [f"{pack}-S3BucketLoggingEnabled" for pack in _PACKS]
        + ["AwsSolutions-S1", "CT.S3.PR.2", "CT.S3.PR.4", "CT.S3.PR.9"],
        [_BUCKET],
        "It holds copies of what the repository holds, for 30 days, while a pipeline passes them "
        "on: nothing is lost with it, and CodePipeline's history says who handed over what.",
    )
    yield decision(
        [f"{pack}-CodeBuildProjectSourceRepoUrl" for pack in ("HIPAA.Security", "PCI.DSS.321")],
        projects,
        "The rule knows OAuth alone. Projects clone by a connection of CodeConnections, whose "
        "short-lived token nobody stores, or take what the pipeline fetched by it.",
    )
    yield decision(
        ["starburst-stuck-name"],
        [
            f"delivery/Build-{part}/Report-{name}"
            for part, names in _REPORTS.items()
            for name in names
        ],
        "CodeBuild finds a report group by its project's name and the buildspec's; each name has "
        "one kind, so that no change replaces a group.",
    )
    if environment.log_retention_days < KEPT_A_YEAR_DAYS:
        yield decision(
            ["CT.CLOUDWATCH.PR.2"],
            [f"delivery/Build-{part}/Log/Resource" for part in parts],
            "The environment keeps its logs for less than a year; production refuses that.",
        )
    if image:
        yield decision(
            ["CT.CODEBUILD.PR.4"],
            ["delivery/Build-image/Project"],
            "Docker builds the worker image, which CodeBuild allows in a privileged container "
            "only; it is started by a person, builds one branch, and deploys nothing.",
        )
