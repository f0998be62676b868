"""Every exception to the gate: what, where, why, who answers for it, and until when.

A path is below the environment. An exception that no finding needs fails the synthesis, and so
does one whose last day has passed; then mend the finding, or decide again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from stacks.access_wildcards import access_wildcards
from stacks.settings import Environment
from starburst_constructs.compliance.waivers import Waiver

__all__ = ["waivers"]

OWNER: Final = "platform team"
REVIEW: Final = date(2027, 11, 30)
"""The yearly review: everything below is decided again by then."""

_PREFIX: Final = {
    "HIPAA.Security": "HIPAA.Security",
    "NIST.800-53.R5": "NIST.800.53.R5",
    "PCI.DSS.321": "PCI.DSS.321",
}


def waivers(environment: Environment) -> tuple[Waiver, ...]:
    """Return the exceptions that hold in ``environment``."""
    wanted = (
        *_foundation(environment),
        *_network(environment),
        *_storage(environment),
        *_access(environment),
        *_compute(environment),
    )
    packs = tuple(f"{_PREFIX.get(pack, pack)}-" for pack in environment.packs)
    return tuple(waiver for waiver in wanted if waiver.rule.startswith(packs))


def _one(rule: str, resource: str, reason: str) -> Waiver:
    return Waiver(rule=rule, resource=resource, reason=reason, owner=OWNER, expires=REVIEW)


def _patterns(policy: str, reason: str, *patterns: str) -> Iterator[Waiver]:
    """Yield one waiver for each pattern that a policy's statements name as their resource."""
    for pattern in patterns:
        yield _one(f"AwsSolutions-IAM5[Resource::{pattern}]", f"{policy}/Resource", reason)


def _regulated(rule: str, resource: str, reason: str) -> Iterator[Waiver]:
    """Yield one waiver for each of the three packs that have the same rule."""
    for prefix in _PREFIX.values():
        yield _one(f"{prefix}-{rule}", resource, reason)


def _foundation(environment: Environment) -> Iterator[Waiver]:
    if environment.permissions_boundary is not None:
        return
    name, account = f"starburst-{environment.name}", environment.account
    own_vpc = environment.network.existing is None
    closes = own_vpc and "default-security-group" not in environment.without
    yield from _patterns(
        "foundation/Boundary",
        "A permissions boundary grants nothing: its patterns cap what policies may grant, "
        "and each policy is judged by itself.",
        "*",
        "arn:aws:s3:::*",
        f"arn:aws:cloudformation:*:{account}:stack/*",
        f"arn:aws:ecr:*:{account}:repository/*",
        f"arn:aws:ecs:*:{account}:task-definition/{name}-*",
        f"arn:aws:ecs:*:{account}:task/{name}/*",
        f"arn:aws:iam::{account}:role/cdk-*",
        f"arn:aws:iam::{account}:role/{name}-*",
        f"arn:aws:kms:*:{account}:key/*",
        f"arn:aws:lambda:*:{account}:function:{name}-*",
        f"arn:aws:logs:*:{account}:log-group:*",
        f"arn:aws:sqs:*:{account}:{name}-*",
        f"arn:aws:ssm:*:{account}:parameter/starburst/{environment.name}/*",
        *([f"arn:aws:ec2:*:{account}:security-group/*"] if closes else []),
    )


def _network(environment: Environment) -> Iterator[Waiver]:
    if environment.network.existing is not None:
        return
    if "default-security-group" not in environment.without:
        yield from _patterns(
            "network/DefaultGroup/Role/Policy",
            "ec2:DescribeSecurityGroups has no resource to name; it reads, and changes nothing.",
            "*",
        )
    yield from _regulated(
        "VPCDefaultSecurityGroupClosed",
        "network/Vpc/Resource",
        "A State Manager association empties the default group at once and every day; "
        "the rule knows only the custom resource of the CDK.",
    )


def _storage(environment: Environment) -> Iterator[Waiver]:
    buckets = ["storage/AccessLogs/Resource", "storage/Data/Resource"]
    if environment.audit.trail:
        buckets.append("audit/Files/Resource")
    for bucket in buckets:
        yield from _regulated(
            "S3BucketReplicationEnabled",
            bucket,
            "S3 keeps objects in three zones and versions guard against deletion; a second copy "
            "in another Region would leave allowed_regions and double what erasure must reach.",
        )
    yield from _regulated(
        "S3DefaultEncryptionKMS",
        "storage/AccessLogs/Resource",
        "S3 delivers server access logs to buckets with SSE-S3 only; they hold no object content.",
    )
    if environment.storage.encryption == "kms:dsse":
        yield from _regulated(
            "S3DefaultEncryptionKMS",
            "storage/Data/Resource",
            "The bucket encrypts twice (aws:kms:dsse) with our key; the rule knows only aws:kms.",
        )


def _access(environment: Environment) -> Iterator[Waiver]:
    for wildcard in access_wildcards(environment):
        yield _one(
            f"AwsSolutions-IAM5[Resource::{wildcard.resource}]", wildcard.policy, wildcard.reason
        )


def _compute(environment: Environment) -> Iterator[Waiver]:
    for workspace in environment.workspaces:
        yield _one(
            "AwsSolutions-ECS2",
            f"compute/Task-{workspace.name}/Resource",
            "The container's variables are names of the environment, workspace, bucket and key; "
            "secrets reach a worker sealed by KMS, and a test refuses any other variable.",
        )
