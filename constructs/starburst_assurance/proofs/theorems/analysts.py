"""What keeps one analyst from another, inside one workspace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    SESSIONS,
    actions_on,
    analyst_name,
    data_bucket,
    data_key,
    every_action,
    name,
    owned_by,
    queue_named,
    queue_of,
    requests,
    session_id,
)
from starburst_assurance.proofs.encoding.logic import Formula, Text
from starburst_assurance.proofs.encoding.request import Context
from starburst_assurance.proofs.reading.policies import Role
from starburst_assurance.proofs.solving.theorem import Claim, never, theorem

GROUP = "Between analysts"
LISTING = ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads")


class Two(NamedTuple):
    """An analyst's session, another user of the same workspace, and what is known of both."""

    context: Context
    victim: Text
    given: tuple[Formula, ...]


def _two(world: World, role: Role) -> Two:
    user, victim = analyst_name(world), name(world, "victim")
    different = world.logic.no(world.logic.same(user, victim))
    return Two(world.session(role, user=user), victim, (different,))


def _folder(world: World, role: Role, user: Text) -> Text:
    bucket = data_bucket(world).arn
    return world.logic.join(
        f"{bucket}/{SESSIONS}{role.workspace}/", user, "/", world.logic.text("rest")
    )


@theorem(GROUP)
def own_objects_only(world: World) -> Iterator[Claim]:
    """An analyst never reads, writes or deletes anything in another user's folder."""
    for role in world.policy_set.roles_for("analyst"):
        two = _two(world, role)
        asked = requests(two.context, actions_on(world, "s3"), _folder(world, role, two.victim))
        yield never(
            role.name,
            [(one, world.allowed(role, one, at=data_bucket(world))) for one in asked],
            given=two.given,
        )


@theorem(GROUP)
def own_objects_only_by_identity(world: World) -> Iterator[Claim]:
    """The same holds by the analyst's own policies alone, were the bucket's policy ever lost."""
    for role in world.policy_set.roles_for("analyst"):
        two = _two(world, role)
        asked = requests(two.context, actions_on(world, "s3"), _folder(world, role, two.victim))
        yield never(
            role.name,
            [(one, world.allowed(role, one)) for one in asked],
            given=two.given,
        )


@theorem(GROUP)
def own_objects_only_whatever_identity(world: World) -> Iterator[Claim]:
    """An analyst never touches another user's folder, whatever their identity policy says."""
    for role in world.policy_set.roles_for("analyst"):
        two = _two(world, role)
        bucket = data_bucket(world)
        asked = requests(two.context, actions_on(world, "s3"), _folder(world, role, two.victim))
        yield never(
            role.name,
            [
                (
                    one,
                    world.allowed(role, one, at=bucket, whatever_identity=True, boundary=False),
                )
                for one in asked
            ],
            given=two.given,
        )


@theorem(GROUP)
def own_names_only(world: World) -> Iterator[Claim]:
    """An analyst never lists another user's keys, nor the whole bucket, by any prefix.

    It holds by their own policies alone, and by the bucket's policy alone.
    """
    bucket = data_bucket(world)
    for role in world.policy_set.roles_for("analyst"):
        user = analyst_name(world)
        context = world.session(role, user=user)
        own = world.logic.join(f"{SESSIONS}{role.workspace}/", user, "/")
        inside = world.logic.every(
            (context.has("s3:prefix"), world.logic.starts(context.text("s3:prefix"), own))
        )
        asked = list(requests(context, LISTING, bucket.arn))
        given = (world.logic.no(inside),)
        yield never(
            f"{role.name}, by identity",
            [(one, world.allowed(role, one)) for one in asked],
            given=given,
        )
        yield never(
            f"{role.name}, by the bucket",
            [
                (one, world.allowed(role, one, at=bucket, whatever_identity=True, boundary=False))
                for one in asked
            ],
            given=given,
        )


@theorem(GROUP)
def no_forged_answers(world: World) -> Iterator[Claim]:
    """An analyst never writes a result or the controller's status, not even in their own folder."""
    bucket = data_bucket(world)
    for role in world.policy_set.roles_for("analyst"):
        user = analyst_name(world)
        context = world.session(role, user=user)
        session = session_id(world)
        folder = f"{bucket.arn}/{SESSIONS}{role.workspace}/"
        for what in ("results/", "status.json"):
            rest = world.logic.text("rest") if what.endswith("/") else ""
            key = world.logic.join(folder, user, "/", session, f"/{what}", rest)
            one = next(iter(requests(context, ["s3:PutObject"], key)))
            yield never(
                f"{role.name}, {what}",
                [(one, world.allowed(role, one, at=bucket))],
            )


@theorem(GROUP)
def own_queue_only(world: World) -> Iterator[Claim]:
    """An analyst never uses the queue of another user's session, whatever identity policies say."""
    for role in world.policy_set.roles_for("analyst"):
        two = _two(world, role)
        queue = queue_of(world, str(role.workspace))
        owned_by(two.context, two.victim)
        asked = requests(two.context, actions_on(world, "sqs"), queue_named(queue))
        yield never(
            role.name,
            [
                (one, world.allowed(role, one, at=queue, whatever_identity=True, boundary=False))
                for one in asked
            ],
            given=two.given,
        )


@theorem(GROUP)
def own_keys_only(world: World) -> Iterator[Claim]:
    """An analyst never opens or makes a session key that is sealed in another user's name.

    S3 and SQS name a bucket or queue in the context of their own keys, never a user; so a key
    that names one is only ever opened by a direct call.
    """
    key = data_key(world)
    for role in world.policy_set.roles_for("analyst"):
        two = _two(world, role)
        two.context.put("kms:EncryptionContext:user", two.victim)
        two.context.put("kms:ViaService")
        asked = requests(two.context, actions_on(world, "kms"), key.arn)
        yield never(
            role.name,
            [(one, world.allowed(role, one, at=key)) for one in asked],
            given=two.given,
        )
        nameless = world.session(role, user=analyst_name(world))
        nameless.put("kms:EncryptionContext:user")
        nameless.put("kms:ViaService")
        asked = requests(nameless, actions_on(world, "kms"), key.arn)
        yield never(
            f"{role.name}, in nobody's name",
            [(one, world.allowed(role, one, at=key)) for one in asked],
        )


@theorem(GROUP)
def nothing_without_a_name(world: World) -> Iterator[Claim]:
    """A session of an analyst role without a name may do nothing at all, in any service."""
    for role in world.policy_set.roles_for("analyst"):
        context = world.session(role)
        for resource in world.logic.text("resource"), data_bucket(world).arn:
            asked = requests(context, every_action(world), resource)
            yield never(role.name, [(one, world.allowed(role, one)) for one in asked])
