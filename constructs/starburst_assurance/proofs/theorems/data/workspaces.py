"""What keeps one workspace from another, and workers to their work."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    ATTEMPT,
    DATA,
    HOME,
    LINES,
    PACKAGES,
    PEOPLE,
    RESULT,
    SESSION,
    SESSIONS,
    actions_on,
    analyst_name,
    data_bucket,
    data_key,
    name,
    owned_by,
    queue_named,
    queue_of,
    requests,
    session_id,
    session_of,
)
from starburst_assurance.proofs.encoding.named_reads import is_named
from starburst_assurance.proofs.solving.theorem import Claim, never, theorem

GROUP = "Between workspaces"
FOLDERS = ("functions/", "inputs/", "requests/")
OUTPUTS = ("results/", "logs/")
LIST = "s3:ListBucket"
WRITES = ("s3:PutObject", "s3:AbortMultipartUpload")
ESCAPE = "\x1b"


@theorem(GROUP)
def people_stay_in_their_workspace(world: World) -> Iterator[Claim]:
    """Nobody touches another workspace's objects in any area: by identity, or the bucket alone."""
    bucket = data_bucket(world)
    for role in world.policy_set.roles_for(*PEOPLE):
        context = world.session(role, user=analyst_name(world))
        other, rest = name(world, "workspace"), world.logic.text("rest")
        given = (world.logic.no(world.logic.same(other, str(role.workspace))),)
        asked = [
            one
            for area in (SESSIONS, PACKAGES, DATA, HOME)
            for one in requests(
                context,
                actions_on(world, "s3"),
                world.logic.join(f"{bucket.arn}/{area}", other, "/", rest),
            )
        ]
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
def workers_stay_in_their_workspace(world: World) -> Iterator[Claim]:
    """A worker touches its workspace's sessions, packages and data only, whoever allows more.

    No home either, nor another bucket but what settings name of it; of its own bucket it lists
    names below its data. It holds by identity, and by the bucket alone.
    """
    bucket, logic = data_bucket(world), world.logic
    for role in world.policy_set.roles_for("worker"):
        context = world.session(role)
        resource = logic.text("resource")
        areas = [f"{bucket.arn}/{area}{role.workspace}/" for area in (SESSIONS, PACKAGES, DATA)]
        own = logic.some(logic.starts(resource, area) for area in areas)
        listing = logic.every(
            (
                logic.same(resource, bucket.arn),
                context.has("s3:prefix"),
                logic.starts(context.text("s3:prefix"), f"{DATA}{role.workspace}/"),
            )
        )
        actions = [one for one in actions_on(world, "s3") if one != LIST]
        for about, asked, known in (
            ("objects", list(requests(context, actions, resource)), own),
            ("names", list(requests(context, [LIST], resource)), logic.some((own, listing))),
        ):
            yield never(
                f"{role.name}, {about} by identity",
                [
                    (
                        one,
                        logic.every(
                            (world.allowed(role, one), logic.no(is_named(world, role, one)))
                        ),
                    )
                    for one in asked
                ],
                given=[logic.no(known)],
            )
            yield never(
                f"{role.name}, {about} by the bucket",
                [
                    (
                        one,
                        world.allowed(role, one, at=bucket, whatever_identity=True, boundary=False),
                    )
                    for one in asked
                ],
                given=[logic.no(known), logic.starts(resource, bucket.arn)],
            )


@theorem(GROUP)
def queues_stay_in_their_workspace(world: World) -> Iterator[Claim]:
    """Neither analysts nor workers ever use another workspace's queue, or one that is not ours."""
    for role in world.policy_set.roles_for("analyst", "worker"):
        resource = world.logic.text("queue")
        own = queue_of(world, str(role.workspace)).arn
        context = session_of(world, role)
        asked = requests(context, actions_on(world, "sqs"), resource)
        yield never(
            role.name,
            [(one, world.allowed(role, one)) for one in asked],
            given=[world.logic.no(world.logic.starts(resource, own.rstrip("?")))],
        )


@theorem(GROUP)
def queues_refuse_other_workers(world: World) -> Iterator[Claim]:
    """A session's queue refuses every other role's messages, whatever their identity policies say.

    Only people have a name, and theirs decides (see ``own_queue_only``). The controller may ask
    workers to send again what makes no progress; it receives and deletes nothing.
    """
    for workspace in world.policy_set.workspaces:
        queue = queue_of(world, workspace)
        for role in world.policy_set.roles:
            if role.purpose in PEOPLE or role == world.policy_set.role("worker", workspace):
                continue
            context = world.session(role)
            owned_by(context, "alice")
            messages = ["ReceiveMessage", "DeleteMessage", "PurgeQueue", "ChangeMessageVisibility"]
            if role.purpose != "controller":
                messages.append("SendMessage")
            asked = requests(
                context,
                [f"sqs:{name}" for name in messages],
                queue_named(queue),
            )
            yield never(
                f"{role.name} at {workspace}",
                [
                    (
                        one,
                        world.allowed(role, one, at=queue, whatever_identity=True, boundary=False),
                    )
                    for one in asked
                ],
            )


@theorem(GROUP)
def keys_stay_in_their_workspace(world: World) -> Iterator[Claim]:
    """Neither analysts nor workers ever open a session key of another workspace."""
    key = data_key(world)
    for role in world.policy_set.roles_for("analyst", "worker"):
        context = session_of(world, role)
        context.put("kms:ViaService")
        asked = requests(context, actions_on(world, "kms"), key.arn)
        yield never(
            role.name,
            [(one, world.allowed(role, one, at=key)) for one in asked],
            given=[context.is_not("kms:EncryptionContext:workspace", str(role.workspace))],
        )


@theorem(GROUP)
def workers_cannot_sign(world: World) -> Iterator[Claim]:
    """Code on a worker never opens the key that signs tasks: only keys whose purpose is data."""
    key = data_key(world)
    for role in world.policy_set.roles_for("worker"):
        context = world.session(role)
        context.put("kms:ViaService")
        asked = requests(context, actions_on(world, "kms"), key.arn)
        yield never(
            role.name,
            [(one, world.allowed(role, one, at=key)) for one in asked],
            given=[context.is_not("kms:EncryptionContext:purpose", "data")],
        )


@theorem(GROUP)
def workers_write_results_only(world: World) -> Iterator[Claim]:
    """A worker writes results, attempts at them and logs only, under names as long as theirs.

    The letter, the dashes and the slash are where they belong; IAM cannot say which characters
    stand in between.
    """
    bucket, rest = data_bucket(world), world.logic.text("rest")
    user, session = name(world, "user"), session_id(world)
    resource = world.logic.text("resource")
    for role in world.policy_set.roles_for("worker"):
        context = world.session(role)
        folder = f"{bucket.arn}/{SESSIONS}{role.workspace}/"
        prefix = world.logic.join(folder, user, "/", session)
        # A folder that looks like another session's results is still a folder of this one.
        known = f"{folder}alice/{SESSION}/"
        names = (f"results/{ATTEMPT}", f"results/{RESULT}", f"logs/{LINES}")
        deeper = [f"x/{SESSION}/{name}" for name in names]
        wrong = [
            *(f"{known}{what}{one}" for what in (*FOLDERS, *OUTPUTS) for one in deeper),
            *(f"{folder}alice/{one}" for one in deeper),
            *(
                f"{known}{name[:at]}{ESCAPE}{name[at + 1 :]}"
                for name in names
                for at, one in enumerate(name)
                if one in "-/." or (one, at) == ("p", len(OUTPUTS[0]))
            ),
        ]
        yield never(
            f"{role.name}, elsewhere",
            [
                (one, world.allowed(role, one, at=bucket))
                for key in wrong
                for one in requests(context, WRITES, key)
            ],
        )
        # Of any session where the name goes deeper than a result's; of this one whatever it is.
        yield never(
            f"{role.name}, deeper",
            [(one, world.allowed(role, one)) for one in requests(context, WRITES, resource)],
            given=[world.logic.like(resource, f"{folder}*/*/*/*/*/*")],
        )
        for what in FOLDERS:
            [one] = requests(context, ["s3:PutObject"], world.logic.join(f"{known}{what}", rest))
            yield never(f"{role.name}, {what}", [(one, world.allowed(role, one))])
        for what in ("manifest.json", "status.json"):
            [one] = requests(context, ["s3:PutObject"], world.logic.join(prefix, f"/{what}"))
            yield never(f"{role.name}, {what}", [(one, world.allowed(role, one, at=bucket))])
        inside = world.logic.every(
            (
                world.logic.starts(resource, f"{bucket.arn}/{SESSIONS}{role.workspace}/"),
                world.logic.some(world.logic.has(resource, f"/{what}") for what in OUTPUTS),
            )
        )
        yield never(
            f"{role.name}, outside results and logs",
            [
                (one, world.allowed(role, one, at=bucket))
                for one in requests(context, ["s3:PutObject"], resource)
            ],
            given=[world.logic.no(inside)],
        )
        # By identity: what the bucket denies as well would only make the proof longer.
        for what, lengths in zip(OUTPUTS, ((ATTEMPT, RESULT), (LINES,)), strict=True):
            [write] = requests(context, ["s3:PutObject"], world.logic.join(known, what, rest))
            yield never(
                f"{role.name}, {what} under a longer or shorter name",
                [(write, world.allowed(role, write))],
                given=[world.logic.no(world.logic.like(rest, "?" * len(name))) for name in lengths],
            )


@theorem(GROUP)
def workers_only_read_write_and_wait(world: World) -> Iterator[Claim]:
    """A worker never deletes, or changes a bucket; it reads and writes objects, and lists data.

    What it lists is another theorem (``workers_stay_in_their_workspace``).
    """
    plain = {"s3:getobject", "s3:listbucket", "s3:putobject", "s3:abortmultipartupload"}
    for role in world.policy_set.roles_for("worker"):
        context = world.session(role)
        asked = [
            one
            for one in requests(context, actions_on(world, "s3"), world.logic.text("resource"))
            if one.action.lower() not in plain
        ]
        yield never(role.name, [(one, world.allowed(role, one)) for one in asked])


@theorem(GROUP)
def logs_stay_in_their_workspace(world: World) -> Iterator[Claim]:
    """What ECS writes while it starts a worker goes to that workspace's log group only."""
    policy_set = world.policy_set
    for role in policy_set.roles_for("launch"):
        resource = world.logic.text("resource")
        group = (
            f"arn:aws:logs:{policy_set.region}:{policy_set.account}:log-group:"
            f"/aws/ecs/starburst/{policy_set.name}/{role.workspace}:"
        )
        asked = requests(world.session(role), actions_on(world, "logs"), resource)
        yield never(
            role.name,
            [(one, world.allowed(role, one)) for one in asked],
            given=[world.logic.no(world.logic.starts(resource, group))],
        )
