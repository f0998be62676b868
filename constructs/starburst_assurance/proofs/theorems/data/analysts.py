"""What keeps one person from another, inside one workspace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    DATA,
    HOME,
    PACKAGES,
    PEOPLE,
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
    """A person's session, another user of the same workspace, and what is known of both."""

    context: Context
    victim: Text
    given: tuple[Formula, ...]


def _two(world: World, role: Role) -> Two:
    user, victim = analyst_name(world), name(world, "victim")
    different = world.logic.no(world.logic.same(user, victim))
    return Two(world.session(role, user=user), victim, (different,))


def _folders(world: World, role: Role, user: Text) -> Iterator[tuple[str, Text]]:
    bucket, rest = data_bucket(world).arn, world.logic.text("rest")
    for area in (SESSIONS, HOME):
        folder = f"{bucket}/{area}{role.workspace}/"
        yield f"{role.name}, {area}", world.logic.join(folder, user, "/", rest)


@theorem(GROUP)
def own_objects_only(world: World) -> Iterator[Claim]:
    """Nobody reads, writes or deletes anything in another user's folders, sessions and home."""
    for role in world.policy_set.roles_for(*PEOPLE):
        two = _two(world, role)
        for about, key in _folders(world, role, two.victim):
            asked = requests(two.context, actions_on(world, "s3"), key)
            yield never(
                about,
                [(one, world.allowed(role, one, at=data_bucket(world))) for one in asked],
                given=two.given,
            )


@theorem(GROUP)
def own_objects_only_by_identity(world: World) -> Iterator[Claim]:
    """The same holds by a person's own policies alone, were the bucket's policy ever lost."""
    for role in world.policy_set.roles_for(*PEOPLE):
        two = _two(world, role)
        for about, key in _folders(world, role, two.victim):
            asked = requests(two.context, actions_on(world, "s3"), key)
            yield never(about, [(one, world.allowed(role, one)) for one in asked], given=two.given)


@theorem(GROUP)
def own_objects_only_whatever_identity(world: World) -> Iterator[Claim]:
    """Nobody touches another user's folders, whatever their identity policy says."""
    bucket = data_bucket(world)
    for role in world.policy_set.roles_for(*PEOPLE):
        two = _two(world, role)
        for about, key in _folders(world, role, two.victim):
            asked = requests(two.context, actions_on(world, "s3"), key)
            yield never(
                about,
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
    """Nobody lists another user's keys, another workspace's, nor the whole bucket, by any prefix.

    A steward lists no user's. It holds by their own policies alone, and by the bucket's policy
    alone.
    """
    bucket = data_bucket(world)
    for role in world.policy_set.roles_for(*PEOPLE):
        user = analyst_name(world)
        context = world.session(role, user=user)
        own: list[Text] = [f"{area}{role.workspace}/" for area in (PACKAGES, DATA)]
        if role.purpose == "analyst":
            own += [
                world.logic.join(f"{area}{role.workspace}/", user, "/") for area in (SESSIONS, HOME)
            ]
        asks = context.text("s3:prefix")
        inside = world.logic.every(
            (
                context.has("s3:prefix"),
                world.logic.some(world.logic.starts(asks, prefix) for prefix in own),
            )
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
    """An analyst never writes a result, a log or the controller's status, not even their own."""
    bucket = data_bucket(world)
    for role in world.policy_set.roles_for("analyst"):
        user = analyst_name(world)
        context = world.session(role, user=user)
        session = session_id(world)
        folder = f"{bucket.arn}/{SESSIONS}{role.workspace}/"
        for what in ("results/", "logs/", "status.json"):
            rest = world.logic.text("rest") if what.endswith("/") else ""
            key = world.logic.join(folder, user, "/", session, f"/{what}", rest)
            one = next(iter(requests(context, ["s3:PutObject"], key)))
            yield never(
                f"{role.name}, {what}",
                [(one, world.allowed(role, one, at=bucket))],
            )


@theorem(GROUP)
def own_queue_only(world: World) -> Iterator[Claim]:
    """Nobody uses the queue of another user's session, whatever identity policies say."""
    for role in world.policy_set.roles_for(*PEOPLE):
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
    """A session of a person without a name may do nothing at all, in any service."""
    for role in world.policy_set.roles_for(*PEOPLE):
        context = world.session(role)
        for resource in world.logic.text("resource"), data_bucket(world).arn:
            asked = requests(context, every_action(world), resource)
            yield never(role.name, [(one, world.allowed(role, one)) for one in asked])
