"""Whether worker images are scanned, their tags stay, and old ones go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from botocore.exceptions import ClientError

from deploy.audit.subject import Check, Finding, Subject
from starburst.aws.calls import code_of

__all__ = ["IMAGES"]

_NO_POLICY: Final = "LifecyclePolicyNotFoundException"


def _look(subject: Subject) -> Iterator[Finding]:
    ecr = subject.client("ecr")
    for one, wanted in subject.of_kind("AWS::ECR::Repository"):
        resource = f"repository {one.physical}"
        [found] = ecr.describe_repositories(repositoryNames=[one.physical])["repositories"]
        scans = found.get("imageScanningConfiguration", {}).get("scanOnPush")
        if not scans and not _scanned_by_registry(subject):
            yield Finding(
                resource=resource,
                what="is not scanned",
                why="nobody hears of known vulnerabilities in what workers run",
                do="switch scanning on for the registry, or deploy the registry stack again",
            )
        if found["imageTagMutability"] == "MUTABLE":
            yield Finding(
                resource=resource,
                what="lets a tag move to another image",
                why="workers could run what nobody reviewed",
                do="make its tags immutable again",
            )
        if "LifecyclePolicy" not in wanted:
            continue
        try:
            ecr.get_lifecycle_policy(repositoryName=one.physical)
        except ClientError as error:
            if code_of(error) != _NO_POLICY:
                raise
            yield Finding(
                resource=resource,
                what="keeps every image for ever",
                why="old ones with known vulnerabilities stay at hand",
                do="deploy the registry stack again",
            )


def _scanned_by_registry(subject: Subject) -> bool:
    told = subject.client("ecr").get_registry_scanning_configuration()["scanningConfiguration"]
    return any(rule.get("repositoryFilters") for rule in told.get("rules", []))


IMAGES: Final = Check(name="images", look=_look, items=(12, 13))
