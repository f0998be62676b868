"""How objects travel and how they are written."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_constructs.proofs.decision import World
from starburst_constructs.proofs.layout import (
    SERVICES,
    actions_on,
    data_bucket,
    data_key,
    name,
    requests,
    session_id,
    within,
)
from starburst_constructs.proofs.theorem import Claim, never, theorem

GROUP = "Transport and storage"
HEADER = "s3:x-amz-server-side-encryption"


@theorem(GROUP)
def nothing_in_the_clear(world: World) -> Iterator[Claim]:
    """No bucket or queue answers a call over plain HTTP, whoever asks; no topic takes a message."""
    for item in world.estate.kind("bucket", "queue", "session-queue", "topic"):
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
    """No bucket answers a call under TLS 1.2, whoever asks."""
    for item in world.estate.kind("bucket"):
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

    Whoever signed it, whoever holds it, and however long it says that it is good.
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
    """No result and no manifest is ever overwritten, by anybody: only the first write counts."""
    bucket = data_bucket(world)
    policy = world.policy(bucket.policy)
    prefix = world.logic.join(
        f"{bucket.arn}/", name(world, "workspace"), "/", name(world, "user"), "/sessions/"
    )
    for what in ("manifest.json", "results/"):
        rest = world.logic.text("rest") if what.endswith("/") else ""
        context = world.context()
        context.put("s3:if-none-match")
        resource = world.logic.join(prefix, session_id(world), f"/{what}", rest)
        one = next(iter(requests(context, ["s3:PutObject"], resource)))
        yield never(
            what,
            [(one, world.logic.no(world.refuses(policy, one)))],
            # A part of an upload creates no object; completing the upload does.
            given=[context.is_not("s3:ObjectCreationOperation", "false")],
        )
