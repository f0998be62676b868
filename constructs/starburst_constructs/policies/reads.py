"""What workers read of other buckets, and what boundary and S3 endpoint let through for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from aws_cdk import aws_iam as iam

from starburst_constructs.named_objects import NamedObjects
from starburst_constructs.placement import Placement
from starburst_constructs.policies.boundary import ceiling
from starburst_constructs.policies.service_access import anyone
from starburst_constructs.policies.wildcards import Allow, patterns

__all__ = ["MOST_STORED", "passing_statements", "reading_ceilings", "reading_statements", "stored"]

READING: Final = ("s3:GetObject", "s3:ListBucket")

MOST_STORED: Final = 6144
"""Characters that IAM stores of a managed policy, white space aside."""

_WHY = "Objects that the workspace's reads= names; what is new below the prefix is read as well."


def reading_statements(
    named: Iterable[NamedObjects], *, placement: Placement
) -> list[iam.PolicyStatement]:
    """Return what a worker does with them: get, list below the prefix, decrypt through S3.

    Args:
        named: what the workspace reads.
        placement: of the environment.
    """
    found: list[iam.PolicyStatement] = []
    for number, (owner, group) in enumerate(_by_owner(named)):
        found.append(
            Allow(
                sid=f"GetNamedObjects{number}",
                actions=["s3:GetObject"],
                resources=patterns(_WHY, *(each.objects for each in group)),
                conditions={"StringEquals": dict([owner])},
            )
        )
        found += [
            iam.PolicyStatement(
                sid=f"ListNamedObjects{number}x{place}",
                actions=["s3:ListBucket"],
                resources=[bucket],
                conditions={"StringEquals": dict([owner]), **below},
            )
            for place, (bucket, below) in enumerate(_listings(group))
        ]
        keys = _keys(group)
        if keys:
            found.append(
                iam.PolicyStatement(
                    sid=f"OpenNamedObjects{number}",
                    actions=["kms:Decrypt"],
                    resources=keys,
                    conditions=_through_s3(group[0], placement),
                )
            )
    return found


def reading_ceilings(
    named: Iterable[NamedObjects], *, placement: Placement
) -> list[iam.PolicyStatement]:
    """Return what the boundary must allow beyond the environment's own account.

    Args:
        named: what all workspaces read.
        placement: of the environment.
    """
    others = [each for each in named if each.account != placement.account]
    found: list[iam.PolicyStatement] = []
    for number, (owner, group) in enumerate(_by_owner(others)):
        found.append(
            ceiling(
                f"ReadsOfOthers{number}",
                READING,
                resources=_arns(group),
                conditions={"StringEquals": dict([owner])},
            )
        )
        keys = _keys(group)
        if keys:
            found.append(
                ceiling(
                    f"KeysOfOthers{number}",
                    ["kms:Decrypt"],
                    resources=keys,
                    conditions=_through_s3(group[0], placement),
                )
            )
    return found


def passing_statements(
    named: Mapping[str, Sequence[NamedObjects]], *, placement: Placement
) -> list[iam.PolicyStatement]:
    """Return what the S3 endpoint lets through that its perimeter would stop.

    A bucket of our organization is inside the perimeter. What is somebody else's is opened to the
    workers that read it and to nobody else: whoever asks for an object writes its name down there.

    Args:
        named: what is read, by the ARN of the role that reads it.
        placement: of the environment.
    """
    found: list[iam.PolicyStatement] = []
    for role, reads in sorted(named.items()):
        others = [
            each for each in reads if not each.organization and each.account != placement.account
        ]
        for (_, account), group in _by_owner(others):
            found.append(
                iam.PolicyStatement(
                    sid=f"ReadsOfOthers{len(found)}",
                    principals=[anyone()],
                    actions=[*READING],
                    resources=_arns(group),
                    conditions={
                        "ArnEquals": {"aws:PrincipalArn": role},
                        "StringEquals": {
                            **_ours(placement),
                            "aws:ResourceAccount": account,
                        },
                    },
                )
            )
    return found


def stored(statements: Iterable[iam.PolicyStatement]) -> int:
    """Return how many characters IAM stores of a policy of these, which name no token."""
    document = iam.PolicyDocument(statements=list(statements), minimize=True)
    return len(json.dumps(document.to_json(), separators=(",", ":")))


def _by_owner(
    named: Iterable[NamedObjects],
) -> list[tuple[tuple[str, str], list[NamedObjects]]]:
    ordered = sorted(set(named), key=lambda each: (each.owner, each))
    return [(owner, list(group)) for owner, group in groupby(ordered, key=lambda each: each.owner)]


def _listings(named: Sequence[NamedObjects]) -> list[tuple[str, dict[str, Any]]]:
    """Return each bucket once, with the condition that keeps lists below what is named in it."""
    prefixes: dict[str, list[str]] = {}
    for each in named:
        prefixes.setdefault(each.bucket, []).append(each.prefix)
    return [
        # Who may read all of a bucket may list it as well, and a list of all has no prefix.
        (bucket, {} if "" in below else {"StringLike": {"s3:prefix": [f"{one}*" for one in below]}})
        for bucket, below in prefixes.items()
    ]


def _arns(named: Sequence[NamedObjects]) -> list[str]:
    """Return the objects and their buckets, once each."""
    return sorted({arn for each in named for arn in (each.objects, each.bucket)})


def _ours(placement: Placement) -> dict[str, str]:
    if placement.organization_id:
        return {"aws:PrincipalOrgID": placement.organization_id}
    return {"aws:PrincipalAccount": placement.account}


def _keys(named: Sequence[NamedObjects]) -> list[str]:
    return sorted({each.key_arn for each in named if each.key_arn})


def _through_s3(named: NamedObjects, placement: Placement) -> dict[str, dict[str, str]]:
    """Return how a key is used: its own ARN says its account, but not the organization."""
    theirs = dict([named.owner]) if named.organization else {}
    return {"StringEquals": {**theirs, "kms:ViaService": f"s3.{placement.region}.amazonaws.com"}}
