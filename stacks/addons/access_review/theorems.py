"""The review reads and writes its record: no other write, no other writer, no second record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from stacks.addons.access_review.permissions import RECORDS
from starburst_assurance.proofs.comparison.atoms import speaks_of
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import requests
from starburst_assurance.proofs.encoding.logic import Formula, Text
from starburst_assurance.proofs.encoding.request import Request
from starburst_assurance.proofs.encoding.vocabulary import actions
from starburst_assurance.proofs.reading.policies import Role
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, always, never, theorem

__all__ = ["review_theorems"]

GROUP: Final = "The access review"
_READS: Final = ("Get", "List")
_STARTED: Final = "iam:GenerateServiceLastAccessedDetails"
"""Starts a report of IAM's, which changes nothing of anybody's."""


@theorem(GROUP)
def the_review_writes_its_record_only(world: World) -> Iterator[Claim]:
    """The review reads, and writes nothing but its records and its log.

    In any service, by its own policies alone: no role, no policy, no finding is ever changed by it.
    """
    logic, named = world.logic, world.policy_set.named
    role = world.policy_set.role("accessreview")
    account = f"{world.policy_set.region}:{world.policy_set.account}"
    group = f"/aws/lambda/starburst-{world.policy_set.name}-accessreview"
    resource = logic.text("resource")

    def mine(action: str) -> Formula:
        places: dict[str, Formula] = {
            "s3:PutObject": logic.starts(resource, f"{named['accessreview/Records']}/{RECORDS}"),
            "kms:Decrypt": logic.same(resource, named["accessreview/Key"]),
            "kms:GenerateDataKey": logic.same(resource, named["accessreview/Key"]),
        }
        for line in ("logs:CreateLogStream", "logs:PutLogEvents"):
            places[line] = logic.starts(resource, f"arn:aws:logs:{account}:log-group:{group}:")
        return places.get(action, False)

    for one in requests(world.session(role), _granted(world, role), resource):
        if one.action == _STARTED or one.action.partition(":")[2].startswith(_READS):
            continue
        allowed = world.allowed(role, one, boundary=False)
        yield never(one.action, [(one, logic.every((allowed, logic.no(mine(one.action)))))])


@theorem(GROUP)
def the_review_reads_no_data(world: World) -> Iterator[Claim]:
    """The review reads no object but its own records: no session, no data, no trail."""
    logic = world.logic
    role = world.policy_set.role("accessreview")
    records = f"{world.policy_set.named['accessreview/Records']}/{RECORDS}"
    resource = logic.text("resource")
    elsewhere = logic.no(logic.starts(resource, records))
    actions = [one for one in _granted(world, role) if re.match("s3:.*Object", one)]
    yield never(
        role.name,
        [
            (one, world.allowed(role, one, boundary=False))
            for one in requests(world.session(role), actions, resource)
        ],
        given=[elsewhere],
    )


@theorem(GROUP)
def only_the_review_writes_a_record(world: World) -> Iterator[Claim]:
    """Nobody but the review writes a record, whatever their policies say; nor does it write twice.

    Where data are kept nobody erases one either.
    """
    bucket = world.policy_set.at("accessreview/Records")
    policy = world.policy(bucket.policy)
    role = world.policy_set.role("accessreview")
    record: Text = world.logic.join(f"{bucket.arn}/{RECORDS}", world.logic.text("key"))
    context = world.context()
    context.put("aws:PrincipalIsAWSService", "false")
    one = Request(context=context, action="s3:PutObject", resource=record)
    through = world.logic.no(world.refuses(policy, one))
    yield never(
        "another writer", [(one, through)], given=[context.is_not("aws:PrincipalArn", role.arn)]
    )
    again = world.session(role)
    again.put("s3:ObjectCreationOperation", "true")
    second = Request(context=again, action="s3:PutObject", resource=record)
    yield never(
        "a second time",
        [(second, world.logic.no(world.refuses(policy, second)))],
        given=[again.is_not("s3:if-none-match", "*")],
    )
    if world.policy_set.deployer is not None:
        gone = requests(context, ("s3:DeleteObject", "s3:DeleteObjectVersion"), record)
        yield never(
            "erasing", [(each, world.logic.no(world.refuses(policy, each))) for each in gone]
        )


@theorem(GROUP)
def the_review_can_do_its_work(world: World) -> Iterator[Claim]:
    """The review reads every role of the environment, and writes the record of a quarter once."""
    policy_set = world.policy_set
    role = policy_set.role("accessreview")
    context = world.session(role, closed=True)
    context.put_all(
        {
            "aws:SecureTransport": "true",
            "aws:RequestedRegion": policy_set.region,
            "aws:ResourceAccount": policy_set.account,
            "s3:TlsVersion": "1.3",
            "s3:if-none-match": "*",
            "s3:ObjectCreationOperation": "true",
        }
    )
    bucket = policy_set.at("accessreview/Records")
    record = f"{bucket.arn}/{RECORDS}2026-Q4/1/review.json"
    written = Request(context=context, action="s3:PutObject", resource=record)
    yield always(world, "the record", [(written, world.allowed(role, written, at=bucket))])
    reads = ("iam:GenerateServiceLastAccessedDetails", "iam:GetRole")
    for each in policy_set.roles:
        asked = list(requests(context, reads, each.arn))
        yield always(world, each.name, [(one, world.allowed(role, one)) for one in asked])


def _granted(world: World, role: Role) -> Iterator[str]:
    """Yield every action that some Allow of a role speaks of: none stands here for another."""
    said = [
        one
        for policy in world.policies(role.policies)
        for one in policy.statements
        if one.effect == "Allow"
    ]
    return (action for action in actions() if speaks_of(said, action))


def review_theorems() -> Sequence[Theorem]:
    """Return the theorems of a review."""
    return (
        the_review_writes_its_record_only,
        the_review_reads_no_data,
        only_the_review_writes_a_record,
        the_review_can_do_its_work,
    )
