"""Who alone touches data in the account: the kit's roles, and those that settings name (A7)."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    DATA,
    actions_on,
    data_bucket,
    data_key,
    requests,
)
from starburst_assurance.proofs.encoding.logic import Formula
from starburst_assurance.proofs.encoding.request import Context
from starburst_assurance.proofs.reading.policies import EVERYTHING, Role
from starburst_assurance.proofs.solving.theorem import Claim, always, never, theorem

GROUP = "Who touches data"
TOUCHING = ("analyst", "controller", "steward", "worker")
ERASING = ("s3:DeleteObject", "s3:DeleteObjectVersion")
CRYPTOGRAPHY = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
OF_THE_BUCKET = (
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:GetBucketPolicy",
    "s3:PutBucketLogging",
    "s3:PutBucketPolicy",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
)
OF_THE_KEY = (
    "kms:CancelKeyDeletion",
    "kms:DescribeKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:TagResource",
)
ENDING = ("kms:DisableKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion")
NAMED = ("s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectLegalHold")
IMAGE = "kms:EncryptionContext:aws:ecr:arn"


def _further(world: World) -> list[str]:
    """Return the ARNs of roles that settings name."""
    broken = world.policy_set.break_glass
    return [*([broken] if broken else []), *world.policy_set.data_roles]


def _others(world: World) -> Iterator[tuple[str, Context, list[Formula]]]:
    """Yield the context of a caller who is none of those that may, whatever they say of it."""
    allowed = [role.arn for role in world.policy_set.roles_for(*TOUCHING)] + _further(world)
    for about, service in (("says so", ("false",)), ("says nothing", ())):
        context = world.context()
        context.put("aws:PrincipalIsAWSService", *service)
        yield (
            f"a caller that is no service {about}",
            context,
            [context.is_not("aws:PrincipalArn", arn) for arn in allowed],
        )


@theorem(GROUP)
def no_other_principal_touches_objects(world: World) -> Iterator[Claim]:
    """No other principal does anything to an object of data: no administrator, no root user.

    Whatever their policies say: the bucket refuses it itself, to who did not sign in as well. Only
    in a test environment may others delete objects, unread: so it is destroyed.
    """
    bucket = data_bucket(world)
    policy = world.policy(bucket.policy)
    object_ = world.logic.join(f"{bucket.arn}/", world.logic.text("key"))
    kept = world.policy_set.deployer is not None
    for about, context, given in _others(world):
        asked = [
            one
            for one in requests(context, (*actions_on(world, "s3"), *ERASING), object_)
            if kept or one.action not in ERASING
        ]
        yield never(
            about, [(one, world.logic.no(world.refuses(policy, one))) for one in asked], given=given
        )


@theorem(GROUP)
def no_other_principal_uses_the_data_key(world: World) -> Iterator[Claim]:
    """No other principal opens or makes a ciphertext with the data key, nor a grant to do so.

    But through ECR, for images, whose layers are no data. An AWS service that forwards another's
    call names nobody: who may do that the key's Allows say.
    """
    key = data_key(world)
    policy = world.policy(key.policy)
    registry = f"ecr.{world.policy_set.region}.amazonaws.com"
    for about, context, given in _others(world):
        context.put(IMAGE)
        yield never(
            about,
            [
                (one, world.logic.no(world.refuses(policy, one)))
                for one in requests(context, CRYPTOGRAPHY, key.arn)
            ],
            given=[
                *given,
                context.has("aws:PrincipalArn"),
                context.is_not("kms:ViaService", registry),
            ],
        )


@theorem(GROUP)
def nobody_is_locked_out(world: World) -> Iterator[Claim]:
    """Administrators still change and end the bucket; roles that settings name reach data.

    So stacks are updated and destroyed. In a test environment administrators end the key as well,
    and empty the bucket; in production both are the break-glass role's.
    """
    bucket, key = data_bucket(world), data_key(world)
    administrator = f"arn:aws:iam::{world.policy_set.account}:role/administrator"
    object_ = f"{bucket.arn}/{DATA}genomics/cohort"
    kept = world.policy_set.deployer is not None
    calls = [
        (administrator, bucket, OF_THE_BUCKET, bucket.arn),
        (administrator, key, OF_THE_KEY, key.arn),
    ]
    if not kept:
        calls += [
            (administrator, bucket, ERASING, object_),
            (administrator, key, ENDING, key.arn),
        ]
    for arn in _further(world):
        calls += [
            (arn, bucket, (*NAMED, *ERASING), object_),
            (arn, key, ("kms:Decrypt", "kms:GenerateDataKey"), key.arn),
        ]
    for arn, item, actions, resource in calls:
        role = _role(arn)
        yield always(
            world,
            f"{role.name} at {resource}",
            [
                (one, world.allowed(role, one, at=item, also=[EVERYTHING]))
                for one in requests(_session(world, role), actions, resource)
            ],
        )


@theorem(GROUP)
def services_and_images_are_spared(world: World) -> Iterator[Claim]:
    """AWS services by themselves are refused no object, and ECR no layer of an image.

    The bucket has no Allow for any service today; who pulls or pushes an image has ECR open it.
    """
    bucket, key = data_bucket(world), data_key(world)
    service = world.context(closed=True)
    service.put_all({"aws:PrincipalIsAWSService": "true", **_SAFELY})
    asked = requests(
        service, ("s3:GetObject", "s3:PutObject"), f"{bucket.arn}/{DATA}genomics/cohort"
    )
    policy = world.policy(bucket.policy)
    yield never("a service", [(one, world.refuses(policy, one)) for one in asked])
    launch = _role(f"arn:aws:iam::{world.policy_set.account}:role/puller")
    for about, name, value in (
        ("by its name", "kms:ViaService", f"ecr.{world.policy_set.region}.amazonaws.com"),
        ("by its context", IMAGE, "arn:aws:ecr:eu-west-1:111122223333:repository/worker"),
    ):
        context = _session(world, launch)
        context.put_all({name: value, "kms:GrantIsForAWSResource": "true"})
        yield always(
            world,
            f"ECR, {about}",
            [
                (one, world.allowed(launch, one, at=key, also=[EVERYTHING]))
                for one in requests(
                    context, ("kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey"), key.arn
                )
            ],
        )


_SAFELY = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}


def _role(arn: str) -> Role:
    return Role(arn=arn, tags={}, trust="", policies=(), boundary=None)


def _session(world: World, role: Role) -> Context:
    """Return the context of a session of a role of the account that is none of the kit's."""
    context = world.session(role, closed=True)
    context.put_all({**_SAFELY, "aws:ViaAWSService": "false"})
    return context
