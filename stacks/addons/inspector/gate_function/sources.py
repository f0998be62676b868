"""What Inspector and ECR are asked: what is scanned, what was found, and what an index names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from findings import SEVERITIES, Finding, moment, read
from merging import Coverage

__all__ = ["Sources"]

_INDEXES: Final = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
_MOST_IMAGES: Final = 100
"""That BatchGetImage takes."""

_MOST_COVERED: Final = 200
_MOST_FOUND: Final = 100


class Sources:
    """One repository, as Inspector and ECR know it.

    Args:
        inspector: a client of Inspector.
        ecr: a client of ECR.
        repository: its ARN.
    """

    def __init__(self, inspector: Any, ecr: Any, repository: str) -> None:  # noqa: ANN401 - boto3's
        self._inspector = inspector
        self._ecr = ecr
        self._arn = repository
        self._repository = repository.partition(":repository/")[2]

    def coverage(self, image: str = "") -> dict[str, Coverage]:
        """Return how images are looked after, by digest; of one alone, where it is named."""
        asked: dict[str, Any] = {
            "ecrRepositoryName": [_equals(self._repository)],
            "resourceType": [_equals("AWS_ECR_CONTAINER_IMAGE")],
            **({"resourceId": [_equals(f"{self._arn}/{image}")]} if image else {}),
        }
        pages = self._inspector.get_paginator("list_coverage").paginate(
            filterCriteria=asked, maxResults=_MOST_COVERED
        )
        found: dict[str, Coverage] = {}
        for page in pages:
            for one in page["coveredResources"]:
                digest = one["resourceId"].rpartition("/")[2]
                if image in ("", digest):
                    scanned = one.get("lastScannedAt")
                    found[digest] = Coverage(
                        active=one.get("scanStatus", {}).get("statusCode") == "ACTIVE",
                        scanned=None if scanned is None else moment(scanned),
                    )
        return found

    def findings(self, image: str = "") -> dict[str, list[Finding]]:
        """Return all that stands in images, by digest; in one alone, where it is named."""
        asked: dict[str, Any] = {
            "ecrImageRepositoryName": [_equals(self._repository)],
            "findingStatus": [_equals("ACTIVE"), _equals("SUPPRESSED")],
            "severity": [_equals(one) for one in SEVERITIES],
            **({"ecrImageHash": [_equals(image)]} if image else {}),
        }
        pages = self._inspector.get_paginator("list_findings").paginate(
            filterCriteria=asked, maxResults=_MOST_FOUND
        )
        found: dict[str, list[Finding]] = {}
        for page in pages:
            for said in page["findings"]:
                for one in read(said):
                    if one.repository == self._repository and image in ("", one.image):
                        found.setdefault(one.image, []).append(one)
        return found

    def pushed(self) -> dict[str, bool]:
        """Return the digests of all that the repository has, and whether each is an index."""
        pages = self._ecr.get_paginator("describe_images").paginate(repositoryName=self._repository)
        return {
            one["imageDigest"]: one.get("imageManifestMediaType") in _INDEXES
            for page in pages
            for one in page["imageDetails"]
        }

    def indexes(self, named: Sequence[str]) -> dict[str, list[str]]:
        """Return the images that each index names, one for an architecture.

        Inspector scans those, and never the index itself, by which a task definition may call them.

        Args:
            named: digests of indexes.
        """
        found: dict[str, list[str]] = {}
        for first in range(0, len(named), _MOST_IMAGES):
            answer = self._ecr.batch_get_image(
                repositoryName=self._repository,
                imageIds=[{"imageDigest": one} for one in named[first : first + _MOST_IMAGES]],
                acceptedMediaTypes=list(_INDEXES),
            )
            for one in answer["images"]:
                manifest = json.loads(one["imageManifest"])
                found[one["imageId"]["imageDigest"]] = list(_parts(manifest))
        return found


def _equals(value: str) -> dict[str, str]:
    return {"comparison": "EQUALS", "value": value}


def _parts(manifest: Mapping[str, Any]) -> Iterator[str]:
    for one in manifest.get("manifests") or ():
        # A builder's attestation stands beside the images, as one for no system at all.
        if (one.get("platform") or {}).get("os") != "unknown":
            yield one["digest"]
