"""What is left of an environment after its stacks are gone, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import ClientError

from starburst.aws.calls import code_of
from starburst_constructs.naming import cluster_names, controller_log_name

from .account import Account
from .deployed import DeployedStack, deployed

__all__ = ["Remains", "look_for_remains"]

_OF_THE_ACCOUNT: Final = {
    "AWS::ECR::RegistryScanningConfiguration": (
        "the account's registry is still scanned by Inspector, as the stacks leave "
        "it, for other environments there: aws ecr get-registry-scanning-configuration"
    ),
    "AWS::EC2::VPCBlockPublicAccessOptions": (
        "the account's internet gateways are still shut, as the stacks leave them: "
        "aws ec2 describe-vpc-block-public-access-options"
    ),
}
"""Settings that the stacks leave behind, and who decides on them."""

_KEY_GONE: Final = ("NotFoundException",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What is still there.

    Attributes:
        stacks: names of stacks, with their state.
        buckets: of the destroyed stacks.
        keys: what becomes of each key, one sentence each.
        log_groups: names.
        made_again: those of them that a late line of AWS made: it gives them no key.
        settings: of the account, which outlive every environment.
    """

    stacks: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    log_groups: tuple[str, ...] = ()
    made_again: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    @property
    def lines(self) -> Iterator[str]:
        """What a person should know of it, one line each."""
        for stack in self.stacks:
            yield (
                f"stack {stack} is still there: these settings have no such stack. Deploy and "
                "destroy it with the settings that have it, or delete it by hand"
            )
        for bucket in self.buckets:
            yield f"bucket {bucket} is still there"
        yield from self.keys
        for group in self.log_groups:
            yield f"log group {group} is still there, and would stop the next deployment"
        yield from self.settings


def look_for_remains(account: Account, before: Sequence[DeployedStack]) -> Remains:
    """Return what is left.

    Args:
        account: the environment's.
        before: the stacks as they were, which know the names.
    """
    named = {name: one for one in before for name in one.of_type("AWS::S3::Bucket")}
    groups = dict(_log_groups(account))
    return Remains(
        stacks=tuple(f"{one.name} ({one.status})" for one in deployed(account)),
        buckets=tuple(name for name in named if _bucket_is_there(account, name)),
        keys=tuple(
            line
            for one in before
            for key in one.of_type("AWS::KMS::Key")
            for line in _key(account, key)
        ),
        log_groups=tuple(groups),
        made_again=tuple(name for name, sealed in groups.items() if not sealed),
        settings=tuple(
            line for kind, line in _OF_THE_ACCOUNT.items() for one in before if one.of_type(kind)
        ),
    )


def _bucket_is_there(account: Account, name: str) -> bool:
    try:
        account.client("s3").head_bucket(Bucket=name)
    except ClientError as error:
        if code_of(error) in ("404", "NoSuchBucket"):
            return False
        raise
    return True


def _key(account: Account, key: str) -> Iterator[str]:
    try:
        found = account.client("kms").describe_key(KeyId=key)["KeyMetadata"]
    except ClientError as error:
        if code_of(error) in _KEY_GONE:
            return
        raise
    if found["KeyState"] == "PendingDeletion":
        yield f"key {key} is deleted on {found['DeletionDate']:%Y-%m-%d}, until when it can be kept"
    else:
        yield f"key {key} is still there ({found['KeyState']})"


def _log_groups(account: Account) -> Iterator[tuple[str, bool]]:
    """Yield the log groups that bear the environment's name, and whether each has a key."""
    name = account.environment.name
    pages = account.client("logs").get_paginator("describe_log_groups")
    clusters = cluster_names(name, account.environment.own_clusters)
    for prefix in (
        *(f"/aws/ecs/containerinsights/{cluster}/" for cluster in clusters),
        f"/aws/ecs/starburst/{name}/",
        controller_log_name(name),
        account.prefix,
    ):
        for page in pages.paginate(logGroupNamePrefix=prefix):
            yield from ((group["logGroupName"], "kmsKeyId" in group) for group in page["logGroups"])
