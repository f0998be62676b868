"""What those may do who answer an incident, and what their denials stop."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_constructs.proofs.decision import World
from starburst_constructs.proofs.estate import Policy, Role
from starburst_constructs.proofs.layout import data_bucket, data_key, requests
from starburst_constructs.proofs.theorem import Claim, always, never, theorem
from starburst_constructs.proofs.vocabulary import representatives
from starburst_constructs.responders import (
    container_document,
    eraser_document,
    holder_document,
    isolator_document,
    launch_denial_document,
    watcher_document,
)

GROUP = "Evidence and containment"
READING = (
    "s3:GetObject",
    "s3:GetObjectVersion",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "sqs:ReceiveMessage",
    "lambda:InvokeFunction",
    "iam:PassRole",
    "ecs:RunTask",
    "ecs:ExecuteCommand",
    "sts:AssumeRole",
)
"""How data or powers could be had."""

SHORTENING = (
    "s3:PutLifecycleConfiguration",
    "s3:PutBucketVersioning",
    "s3:DeleteBucket",
    "logs:DeleteLogGroup",
    "logs:PutRetentionPolicy",
    "cloudtrail:StopLogging",
    "kms:ScheduleKeyDeletion",
)
"""How evidence could be lost."""


@theorem(GROUP)
def contained_work_stays_stopped(world: World) -> Iterator[Claim]:
    """Of who is contained the controller starts no worker, and everybody else's as before.

    The policy is the very one that ``python -m deploy.contain`` puts.
    """
    estate, logic = world.estate, world.logic
    place = {"account": estate.account, "region": estate.region}
    controller = estate.role("controller")
    families = f"arn:aws:ecs:{estate.region}:{estate.account}:task-definition/starburst"
    for workspace in estate.workspaces:
        family = f"{families}-{estate.name}-{workspace}"
        for user in (None, "alice"):
            denial = Policy.parse(
                "launch denial",
                launch_denial_document(estate.name, workspace, user=user, **place),
            )
            resource = logic.text("resource")
            theirs = logic.some(
                logic.like(resource, f"{family}{end}")
                for end in ("", ":*", "-arm64", "-arm64:*", "-x86_64", "-x86_64:*")
            )
            context = world.session(controller)
            if user is not None:
                context.put("aws:RequestTag/starburst:user", user)
            [one] = requests(context, ["ecs:RunTask"], resource)
            about = f"{user or 'all'} of {workspace}"
            yield never(
                about, [(one, world.allowed(controller, one, also=[denial]))], given=[theirs]
            )
            yield never(
                f"others than {about}, by workspace",
                [(one, world.refuses(denial, one))],
                given=[
                    logic.no(theirs),
                    logic.no(logic.like(resource, f"{family}:*")),
                    logic.no(logic.like(resource, f"{family}-*")),
                ],
            )
            if user is None:
                continue
            another = world.session(controller)
            another.put("aws:RequestTag/starburst:user", "bob")
            [one] = requests(another, ["ecs:RunTask"], resource)
            yield never(f"another user than {about}", [(one, world.refuses(denial, one))])


@theorem(GROUP)
def responders_read_nothing(world: World) -> Iterator[Claim]:
    """Who contains, isolates, holds, erases or watches reads no data and takes no other power.

    Nor can any of them shorten the life of evidence, but by lifting a hold or erasing, each a
    permission of its own. Who restores must read what comes back, so they are not among these.
    """
    estate, logic = world.estate, world.logic
    place = {"account": estate.account, "region": estate.region}
    bucket, key = data_bucket(world), data_key(world)
    name = bucket.arn.rpartition(":")[2]
    spaces = estate.workspaces
    prefixes = [f"{workspace}/" for workspace in spaces]
    someone = Role(
        arn=f"arn:aws:iam::{estate.account}:role/responder",
        tags={},
        trust="",
        policies=(),
        boundary=None,
    )
    documents = {
        "contains": container_document(estate.name, spaces, **place),
        "isolates": isolator_document(estate.name, **place),
        "holds": holder_document(estate.name, prefixes, bucket=name, **place),
        "erases": eraser_document(estate.name, prefixes, bucket=name, **place),
        "watches": watcher_document(estate.name, spaces, trail_log_group="trail", **place),
    }
    for duty, document in documents.items():
        policy = Policy.parse(f"who {duty}", document)
        known = {action for statement in policy.statements for action in statement.actions}
        context = world.session(someone)
        every = {*representatives([*estate.policies.values(), policy]), *READING, *SHORTENING}
        resource = logic.text("resource")
        yield never(
            f"who {duty}: another action",
            [
                (one, world.allowed(someone, one, also=[policy]))
                for one in requests(context, sorted(every - known), resource)
            ],
        )
        for item, service in ((bucket, "s3"), (key, "kms")):
            actions = [one for one in READING if one.startswith(f"{service}:")]
            target = logic.join(f"{bucket.arn}/", logic.text("key")) if item == bucket else item.arn
            yield never(
                f"who {duty}: data, at {service}",
                [
                    (one, world.allowed(someone, one, at=item, also=[policy]))
                    for one in requests(context, actions, target)
                ],
            )
    erases = Policy.parse("who erases", documents["erases"])
    context = world.session(someone)
    controls = logic.join(f"{bucket.arn}/_control/", logic.text("key"))
    yield never(
        "who erases: the controller's records",
        [
            (one, world.allowed(someone, one, also=[erases]))
            for one in requests(context, ["s3:DeleteObject", "s3:DeleteObjectVersion"], controls)
        ],
    )
    theirs = f"{bucket.arn}/{prefixes[0]}alice/sessions/x"
    yield always(
        world,
        "who erases: erasing",
        [
            (one, world.allowed(someone, one, also=[erases]))
            for one in requests(context, ["s3:DeleteObjectVersion"], theirs)
        ],
    )
