"""How objects travel and how they are written."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    PACKAGES,
    SERVICES,
    SESSIONS,
    actions_on,
    data_bucket,
    data_key,
    name,
    requests,
    session_id,
    session_of,
    within,
)
from starburst_assurance.proofs.encoding.logic import Text
from starburst_assurance.proofs.solving.theorem import Claim, never, theorem

GROUP = "Transport and storage"
HEADER = "s3:x-amz-server-side-encryption"
HARMLESS = {
    "s3:abortmultipartupload",
    "s3:getobject",
    "s3:getobjectacl",
    "s3:getobjecttagging",
    "s3:getobjectversion",
    "s3:getobjectversionacl",
    "s3:getobjectversiontagging",
    "s3:listmultipartuploadparts",
}
"""Actions that leave an object as it is."""

ERASING = {"s3:deleteobject", "s3:deleteobjectversion"}


@theorem(GROUP)
def nothing_in_the_clear(world: World) -> Iterator[Claim]:
    """No bucket or queue answers any call over plain HTTP; no topic takes a message."""
    for item in world.policy_set.kind("bucket", "queue", "session-queue", "topic"):
        context = world.context()
        context.put("aws:SecureTransport", "false")
        resource, given = within(world, item)
        policy = world.policy(item.policy)
        actions = (
            ["sns:Publish"] if item.kind == "topic" else actions_on(world, SERVICES[item.kind])
        )
        yield never(
            item.arn,
            [
                (one, world.logic.no(world.refuses(policy, one)))
                for one in requests(context, actions, resource)
            ],
            given=given,
        )


@theorem(GROUP)
def nothing_under_tls_1_2(world: World) -> Iterator[Claim]:
    """No bucket answers any call under TLS 1.2."""
    for item in world.policy_set.kind("bucket"):
        for version in ("1.0", "1.1"):
            context = world.context()
            context.put("s3:TlsVersion", version)
            resource, given = within(world, item)
            policy = world.policy(item.policy)
            yield never(
                f"{item.arn}, TLS {version}",
                [
                    (one, world.logic.no(world.refuses(policy, one)))
                    for one in requests(context, actions_on(world, "s3"), resource)
                ],
                given=given,
            )


@theorem(GROUP)
def only_our_key(world: World) -> Iterator[Claim]:
    """Nobody stores an object in the data bucket that is encrypted with another key, or not by KMS.

    A PUT that says nothing gets the bucket's default, which is our key.
    """
    bucket, key = data_bucket(world), data_key(world)
    resource = world.logic.text("resource")
    inside = world.logic.starts(resource, f"{bucket.arn}/")
    policy = world.policy(bucket.policy)

    def refused(about: str, said: dict[str, str | None], *, other_key: bool = False) -> Claim:
        context = world.context()
        for header, value in said.items():
            context.put(header, *([] if value is None else [value]))
        given = [inside]
        if other_key:
            text = world.logic.text("key")
            context.put(f"{HEADER}-aws-kms-key-id", text)
            given.append(world.logic.no(world.logic.same(text, key.arn)))
        one = next(iter(requests(context, ["s3:PutObject"], resource)))
        return never(about, [(one, world.logic.no(world.refuses(policy, one)))], given=given)

    yield refused("SSE-S3", {HEADER: "AES256"})
    yield refused("another key", {}, other_key=True)
    yield refused("a customer's key", {f"{HEADER}-customer-algorithm": "AES256"})
    both = ("aws:kms", "aws:kms:dsse")
    for algorithm in both:
        yield refused(
            f"{algorithm} with the AWS managed key",
            {HEADER: algorithm, f"{HEADER}-aws-kms-key-id": None},
        )


@theorem(GROUP)
def signed_addresses_die(world: World) -> Iterator[Claim]:
    """A signed address opens nothing in the data bucket once it is older than fifteen minutes.

    For every signer and holder, and however long it says that it is good.
    """
    bucket = data_bucket(world)
    context = world.context()
    [age] = context.key("s3:signatureAge").slots
    resource, given = within(world, bucket)
    policy = world.policy(bucket.policy)
    yield never(
        bucket.arn,
        [
            (one, world.logic.no(world.refuses(policy, one)))
            for one in requests(context, actions_on(world, "s3"), resource)
        ],
        given=[*given, age.present, world.logic.compare("GreaterThan", age.number, 900_000)],
    )


@theorem(GROUP)
def written_once(world: World) -> Iterator[Claim]:
    """Nobody overwrites a result, log, manifest or wheel: a write says that nothing is there yet.

    For every caller: ``If-None-Match`` is exactly ``*``, and nothing is copied, exchanged by
    ``If-Match``, uploaded by a form or put into an archive. A part of an upload creates no
    object; completing it does.
    """
    policy = world.policy(data_bucket(world).policy)
    for what, resource in _once(world):
        context = world.context()
        [one] = requests(context, ["s3:PutObject"], resource)
        ways = {
            "unless something is there": world.logic.every(
                (
                    context.is_not("s3:if-none-match", "*"),
                    context.is_not("s3:ObjectCreationOperation", "false"),
                )
            ),
            "copied": context.has("s3:x-amz-copy-source"),
            "exchanged": context.has("s3:if-match"),
            "by a form": context.is_("s3:authType", "POST"),
            "into an archive": world.logic.every(
                (
                    context.has("s3:x-amz-storage-class"),
                    context.is_not("s3:x-amz-storage-class", "STANDARD"),
                )
            ),
        }
        for way, given in ways.items():
            yield never(
                f"{what}, {way}", [(one, world.logic.no(world.refuses(policy, one)))], given=[given]
            )


def _once(world: World) -> Iterator[tuple[str, Text]]:
    """Yield every key that is written once."""
    prefix = world.logic.join(
        f"{data_bucket(world).arn}/{SESSIONS}", name(world, "workspace"), "/", name(world, "user")
    )
    session = world.logic.join(prefix, "/", session_id(world), "/")
    workspace = world.logic.join(f"{data_bucket(world).arn}/{PACKAGES}", name(world, "workspace"))
    yield "packages/", world.logic.join(workspace, "/", world.logic.text("wheel"))
    yield "manifest.json", world.logic.join(session, "manifest.json")
    rest = world.logic.text("rest")
    for what in ("logs/", "results/"):
        yield what, world.logic.join(session, what, rest)


@theorem(GROUP)
def committed_results_stand(world: World) -> Iterator[Claim]:
    """No role changes a committed result by any action of S3; its own user alone can erase it.

    That no analyst reaches another's is ``own_objects_only``. A write that says that nothing is
    there yet meets the result and changes nothing.
    """
    bucket = data_bucket(world)
    # One result for all roles: each name costs the solver time in every question that follows.
    *_, (_, result) = _once(world)
    for role in world.policy_set.roles:
        context = session_of(world, role)
        may = HARMLESS | (ERASING if role.purpose == "analyst" else set())
        asked = {
            one.action.lower(): one for one in requests(context, actions_on(world, "s3"), result)
        }
        write = asked.pop("s3:putobject")
        yield never(
            f"{role.name}, by another action",
            [
                (one, world.allowed(role, one, at=bucket))
                for action, one in asked.items()
                if action not in may
            ],
        )
        yield never(
            f"{role.name}, by writing",
            [(write, world.allowed(role, write, at=bucket))],
            given=[
                context.is_not("s3:if-none-match", "*"),
                context.is_not("s3:ObjectCreationOperation", "false"),
            ],
        )
