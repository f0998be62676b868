"""What is wrong with the policies that the project started from: nobody may copy them back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.encode import says
from starburst_assurance.proofs.encoding.logic import Formula, Text
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.reading.policies import Policy
from starburst_assurance.proofs.solving.theorem import Claim, always, never, theorem

GROUP = "The seeds' flaws"
BUCKET = "arn:aws:s3:::my-starburst-bucket"


def _policy(*statements: Mapping[str, Any]) -> Policy:
    return Policy.parse("seed", {"Statement": list(statements)})


def _ask(
    world: World, policy: Policy, action: str, resource: Text, context: Context
) -> tuple[Request, Formula]:
    """Return a request, and whether an identity policy allows it, or a resource policy does."""
    request = Request(context=context, action=action, resource=resource)
    logic = world.logic
    allowed = logic.every(
        (
            says(logic, policy, "Allow", request),
            logic.no(says(logic, policy, "Deny", request)),
        )
    )
    return request, allowed


@theorem(GROUP)
def seed_worker_policy_denies_everything(world: World) -> Iterator[Claim]:
    """The seed's worker policy denies every Get, Put and Delete: only listing has a prefix (S5)."""
    policy = _policy(
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"],
            "Resource": [BUCKET, f"{BUCKET}/*"],
            "Condition": {"StringLike": {"s3:prefix": ["sessions/*", "tasks/*", "results/*"]}},
        }
    )
    context = world.context()
    context.put("s3:prefix")
    objects = world.logic.join(f"{BUCKET}/", world.logic.text("key"))
    yield never(
        "objects",
        [
            _ask(world, policy, f"s3:{name}Object", objects, context)
            for name in ("Get", "Put", "Delete")
        ],
    )


@theorem(GROUP)
def seed_encryption_rule_denies_kms(world: World) -> Iterator[Claim]:
    """The seed's encryption rule denies a PUT with KMS, and one that says nothing (S9)."""
    policy = _policy(
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "s3:PutObject",
            "Resource": f"{BUCKET}/*",
            "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}},
        },
    )
    for value in (("aws:kms",), ()):
        context = world.context()
        context.put("s3:x-amz-server-side-encryption", *value)
        yield never(str(value), [_ask(world, policy, "s3:PutObject", f"{BUCKET}/a", context)])


@theorem(GROUP)
def seed_transport_rule_lets_listing_through(world: World) -> Iterator[Claim]:
    """The seed's transport rule lets any caller list the bucket over plain HTTP (S10)."""
    policy = _policy(
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": f"{BUCKET}/*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )
    context = world.context()
    context.put("aws:SecureTransport", "false")
    yield always(world, "listing", [_ask(world, policy, "s3:ListBucket", BUCKET, context)])


@theorem(GROUP)
def seed_bucket_policy_restricts_no_role(world: World) -> Iterator[Claim]:
    """The seed's bucket policy, "restricted to specific roles", refuses no role at all (S11)."""
    policy = _policy(
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": f"{BUCKET}/*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )
    context = world.context()
    context.put("aws:SecureTransport", "true")
    one = Request(context=context, action="s3:GetObject", resource=f"{BUCKET}/a")
    yield never("any role", [(one, world.refuses(policy, one))])


@theorem(GROUP)
def naive_address_rule_blocks_workers(world: World) -> Iterator[Claim]:
    """Denying all but an office's addresses also denies workers, who have none (G6)."""
    policy = _policy(
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {"NotIpAddress": {"aws:SourceIp": "140.107.0.0/16"}},
        },
    )
    inside = world.context()
    inside.put("aws:SourceIp")
    inside.put("aws:SourceVpce", "vpce-1")
    yield never("a worker", [_ask(world, policy, "s3:GetObject", f"{BUCKET}/a", inside)])
    office = world.context()
    office.put("aws:SourceIp", "140.107.3.4")
    yield always(world, "the office", [_ask(world, policy, "s3:GetObject", f"{BUCKET}/a", office)])


@theorem(GROUP)
def address_rule_with_endpoints_spares_workers(world: World) -> Iterator[Claim]:
    """The address rule that also asks for the endpoint refuses strangers and spares workers (G6).

    And what AWS services do on a principal's behalf, which comes from addresses of AWS's own.
    """
    policy = _policy(
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {
                "NotIpAddressIfExists": {"aws:SourceIp": "140.107.0.0/16"},
                "StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1"},
                "BoolIfExists": {"aws:ViaAWSService": "false"},
            },
        },
    )
    places = {
        "a worker": {"aws:SourceVpce": "vpce-1", "aws:ViaAWSService": "false"},
        "the office": {"aws:SourceIp": "140.107.3.4", "aws:ViaAWSService": "false"},
        "a service on behalf": {"aws:SourceIp": "3.5.0.1", "aws:ViaAWSService": "true"},
        "a stranger": {"aws:SourceIp": "3.5.0.1", "aws:ViaAWSService": "false"},
        "another endpoint": {"aws:SourceVpce": "vpce-2", "aws:ViaAWSService": "false"},
    }
    for who, said in places.items():
        context = world.context(closed=True)
        context.put_all(said)
        asked = [_ask(world, policy, "s3:GetObject", f"{BUCKET}/a", context)]
        refused = who in ("a stranger", "another endpoint")
        yield never(who, asked) if refused else always(world, who, asked)


@theorem(GROUP)
def for_all_values_lets_the_absent_through(world: World) -> Iterator[Claim]:
    """``ForAllValues`` without ``Null`` lets in a caller who is in no organization at all (P5)."""
    within = {"ForAllValues:StringLike": {"aws:SourceOrgPaths": ["o-1/r-1/ou-1/*"]}}
    allow = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"{BUCKET}/*"}
    context = world.context()
    context.put("aws:SourceOrgPaths")
    asked = ("s3:PutObject", f"{BUCKET}/a", context)
    yield always(
        world, "without Null", [_ask(world, _policy({**allow, "Condition": within}), *asked)]
    )
    whole = {**within, "Null": {"aws:SourceOrgPaths": "false"}}
    yield never("with Null", [_ask(world, _policy({**allow, "Condition": whole}), *asked)])


@theorem(GROUP)
def home_folder_policy_denies_objects(world: World) -> Iterator[Claim]:
    """The home-folder post's last policy denies every object: objects have no prefix (P10)."""
    policy = _policy(
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": f"{BUCKET}/home/${{aws:PrincipalTag/userName}}/*",
            "Condition": {"StringLike": {"s3:prefix": "home/${aws:PrincipalTag/userName}/*"}},
        }
    )
    context = world.context()
    context.put("s3:prefix")
    context.put("aws:PrincipalTag/userName", "bob")
    yield never("objects", [_ask(world, policy, "s3:GetObject", f"{BUCKET}/home/bob/a", context)])


@theorem(GROUP)
def slashes_reach_into_other_homes(world: World) -> Iterator[Claim]:
    """A user named ``bob/secret`` reaches into bob's; listing the root shows all names (P10)."""
    policy = _policy(
        {
            "Effect": "Allow",
            "Action": "s3:*",
            "Resource": f"{BUCKET}/home/${{aws:PrincipalTag/userName}}/*",
        },
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": BUCKET,
            "Condition": {"StringEquals": {"s3:prefix": ["", "home/"], "s3:delimiter": "/"}},
        },
    )
    intruder = world.context()
    intruder.put("aws:PrincipalTag/userName", "bob/secret")
    nameless = world.context()
    nameless.put("aws:PrincipalTag/userName")
    nameless.put_all({"s3:prefix": "home/", "s3:delimiter": "/"})
    yield always(
        world,
        "bob's folder",
        [
            _ask(world, policy, "s3:GetObject", f"{BUCKET}/home/bob/secret/a", intruder),
            _ask(world, policy, "s3:PutObjectAcl", f"{BUCKET}/home/bob/secret/a", intruder),
            _ask(world, policy, "s3:ListBucket", BUCKET, nameless),
        ],
    )
