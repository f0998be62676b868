"""Findings as AWS documents them: as events, and as Inspector lists them."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

ACCOUNT = "222233334444"
REPOSITORY = f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/worker"
DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64

# Of https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-enhanced-events.html,
# its numbers changed, its account and its severity made those of the tests.
_EVENT: dict[str, Any] = {
    "version": "0",
    "id": "42dbea55-45ad-b2b4-87a8-afaEXAMPLE",
    "detail-type": "Inspector2 Finding",
    "source": "aws.inspector2",
    "account": ACCOUNT,
    "time": "2021-12-03T18:02:30Z",
    "region": "eu-west-1",
    "resources": [],
    "detail": {
        "awsAccountId": ACCOUNT,
        "description": "In libssh2 v1.9.0 and earlier versions, …",
        "findingArn": "",
        "firstObservedAt": "Dec 3, 2021, 6:02:30 PM",
        "inspectorScore": 9.5,
        "lastObservedAt": "Dec 3, 2021, 6:02:30 PM",
        "packageVulnerabilityDetails": {
            "cvss": [],
            "referenceUrls": ["https://access.redhat.com/errata/RHSA-2020:3915"],
            "source": "REDHAT_CVE",
            "vendorSeverity": "Moderate",
            "vulnerabilityId": "",
            "vulnerablePackages": [
                {
                    "arch": "X86_64",
                    "epoch": 0,
                    "name": "libssh2",
                    "packageManager": "OS",
                    "release": "12.amzn2.2",
                    "version": "1.4.3",
                }
            ],
        },
        "remediation": {"recommendation": {"text": "Update all packages."}},
        "resources": [],
        "severity": "CRITICAL",
        "status": "ACTIVE",
        "title": "CVE-2019-17498 - libssh2",
        "type": "PACKAGE_VULNERABILITY",
        "updatedAt": "Dec 3, 2021, 6:02:30 PM",
    },
}
_SCAN: dict[str, Any] = {
    "version": "0",
    "id": "739c0d3c-4f02-85c7-5a88-94a9EXAMPLE",
    "detail-type": "Inspector2 Scan",
    "source": "aws.inspector2",
    "account": ACCOUNT,
    "time": "2021-12-03T18:03:16Z",
    "region": "eu-west-1",
    "resources": [REPOSITORY],
    "detail": {
        "scan-status": "INITIAL_SCAN_COMPLETE",
        "repository-name": REPOSITORY,
        "finding-severity-counts": {"CRITICAL": 7, "HIGH": 61, "MEDIUM": 62, "TOTAL": 158},
        "image-digest": DIGEST,
        "image-tags": ["latest"],
    },
}


def written(seconds: float) -> str:
    """Return a time as events write it."""
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return f"{moment:%b} {moment.day}, {moment.year}, {moment.hour % 12 or 12}:{moment:%M:%S %p}"


def finding(
    vulnerability: str = "CVE-2019-17498",
    *,
    digest: str = DIGEST,
    repository: str = REPOSITORY,
    updated: object = "Dec 3, 2021, 6:02:30 PM",
    fixed: str = "",
    **fields: Any,
) -> dict[str, Any]:
    """Return what the detail of an event says, and what ListFindings lists."""
    said = copy.deepcopy(_EVENT["detail"])
    said["findingArn"] = f"arn:aws:inspector2:eu-west-1:{ACCOUNT}:finding/{vulnerability}-{digest}"
    details = said["packageVulnerabilityDetails"]
    details["vulnerabilityId"] = vulnerability
    if fixed:
        details["vulnerablePackages"][0]["fixedInVersion"] = fixed
    said["resources"] = [
        {
            "details": {
                "awsEcrContainerImage": {
                    "architecture": "amd64",
                    "imageHash": digest,
                    "imageTags": ["latest"],
                    "platform": "AMAZON_LINUX_2",
                    "pushedAt": "Dec 3, 2021, 6:02:13 PM",
                    "registry": ACCOUNT,
                    "repositoryName": repository.partition(":repository/")[2],
                }
            },
            "id": f"{repository}/{digest}",
            "partition": "N/A",
            "region": "N/A",
            "type": "AWS_ECR_CONTAINER_IMAGE",
        }
    ]
    return {**said, "updatedAt": updated, **fields}


def told(said: dict[str, Any]) -> dict[str, Any]:
    """Return the event of a finding."""
    return {**_EVENT, "resources": [one["id"] for one in said["resources"]], "detail": said}


def of_instance(vulnerability: str = "CVE-2026-9") -> dict[str, Any]:
    """Return a finding in an instance."""
    said = finding(vulnerability)
    resource = {"id": "i-0c2a343f1948d5205", "type": "AWS_EC2_INSTANCE", "details": {}}
    return {**said, "resources": [resource]}


def scanned(digest: str = DIGEST, repository: str = REPOSITORY) -> dict[str, Any]:
    """Return the event of an image's first scan."""
    return {
        **_SCAN,
        "detail": {**_SCAN["detail"], "repository-name": repository, "image-digest": digest},
    }
