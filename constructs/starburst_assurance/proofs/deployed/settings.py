"""Settings beside policies that open something: switches, lists, grants, addresses, roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from starburst_assurance.proofs.deployed.difference import Difference
from starburst_assurance.proofs.deployed.reading.account import Account, Bucket, Function, Key
from starburst_assurance.proofs.deployed.reading.survey import Layout
from starburst_assurance.proofs.deployed.statements import told
from starburst_assurance.proofs.reading.policies import Policy

__all__ = ["changed_settings"]

_HOUR: Final = 3600
"""Of the longest session, where a template says nothing."""

_SWITCHES: Final = (
    "BlockPublicAcls",
    "BlockPublicPolicy",
    "IgnorePublicAcls",
    "RestrictPublicBuckets",
)


def changed_settings(account: Account, layout: Layout) -> Iterator[Difference]:
    """Yield each setting that stands otherwise than its template has it.

    Args:
        account: what was read.
        layout: the stacks.
    """
    resolver = layout.stacks.resolver
    for stack, logical, kind, written in layout.stacks.resources(*_CHECKS):
        if (stack, logical) not in resolver.physical:
            continue
        properties = resolver.value(stack, written)
        arn = resolver.arn(stack, logical)
        yield from _CHECKS[kind](arn, properties, account)
    for arn, policies in account.parameters.items():
        for document in policies:
            for statement in Policy.parse(arn, document).statements:
                yield Difference(
                    subject=f"parameter {arn.partition(':parameter')[2]}",
                    what=f"it is shared with others, which no template does: {told(statement)}",
                )


def _bucket(arn: str, properties: Mapping[str, Any], account: Account) -> Iterator[Difference]:
    name = arn.rpartition(":")[2]
    found = account.buckets.get(name, Bucket(policy=None))
    asked = {one.call for one in account.unread if one.what == name}
    should = properties.get("PublicAccessBlockConfiguration", {})
    if "s3:GetBucketPublicAccessBlock" not in asked:
        for switch in _SWITCHES:
            if bool(should.get(switch)) and not found.block.get(switch):
                yield Difference(
                    subject=f"bucket {name}", what=f"its block of public access {switch} is off"
                )
    rules = properties.get("OwnershipControls", {}).get("Rules", [])
    owning = rules[0]["ObjectOwnership"] if rules else ""
    if "s3:GetBucketOwnershipControls" not in asked and owning and found.ownership != owning:
        yield Difference(
            subject=f"bucket {name}",
            what=f"its object ownership is {found.ownership or 'not set'}, and should be {owning}: "
            "access control lists count",
        )
    for grant in found.grants:
        yield Difference(
            subject=f"bucket {name}",
            what=f"its access control list has {grant}, which no template has",
        )


def _key(arn: str, properties: Mapping[str, Any], account: Account) -> Iterator[Difference]:
    found = account.keys.get(arn, Key(policy={"Statement": []}, state=""))
    if found.state not in ("", "Enabled"):
        yield Difference(subject=f"key {arn}", what=f"it is {found.state}, and should be Enabled")
    for one in found.grants:
        if not one.of_service:
            within = ", ".join(f"{key} = {value}" for key, value in one.context.items())
            yield Difference(
                subject=f"key {arn}",
                what=f"it has grant {one.identifier}, which no template has: {one.grantee} may "
                f"{', '.join(one.operations)}{f' where {within}' if within else ''}",
            )


def _function(arn: str, properties: Mapping[str, Any], account: Account) -> Iterator[Difference]:
    found = account.functions.get(arn, Function(role=""))
    if found.role and found.role != properties["Role"]:
        yield Difference(
            subject=f"function {arn.rpartition(':')[2]}",
            what=f"it runs with {found.role}, and should run with {properties['Role']}",
        )
    for place, kind in found.addresses.items():
        yield Difference(
            subject=f"function {place.partition(':function:')[2]}",
            what=f"it has an address in the internet, which no template has ({kind})",
        )


def _role(arn: str, properties: Mapping[str, Any], account: Account) -> Iterator[Difference]:
    found = account.principals.get(arn)
    should = int(properties.get("MaxSessionDuration", _HOUR))
    if found is not None and found.longest not in (None, should):
        yield Difference(
            subject=f"role {found.name}",
            what=f"its sessions last up to {found.longest} seconds, and should {should}",
        )


_CHECKS: Final = {
    "AWS::S3::Bucket": _bucket,
    "AWS::KMS::Key": _key,
    "AWS::Lambda::Function": _function,
    "AWS::IAM::Role": _role,
}
