"""What those may do who answer an incident, and what their denials stop."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_assurance.proofs.encoding.clusters import apart
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    CONTROL,
    DATA,
    HOME,
    PACKAGES,
    PEOPLE,
    SESSION,
    SESSIONS,
    data_bucket,
    data_key,
    requests,
    session_of,
)
from starburst_assurance.proofs.encoding.vocabulary import representatives
from starburst_assurance.proofs.reading.policies import Policy, Role
from starburst_assurance.proofs.solving.theorem import Claim, always, never, theorem
from starburst_constructs.identity.auditing import auditor_document
from starburst_constructs.placement import Placement
from starburst_constructs.policies.incident_response import (
    container_document,
    eraser_document,
    freezer_document,
    holder_document,
    isolator_document,
    launch_denial_document,
    watcher_document,
)
from starburst_constructs.policies.incident_statements import WRITERS, Locker
from starburst_constructs.policies.retention import Keeping

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
    policy_set, logic = world.policy_set, world.logic
    placement = Placement(account=policy_set.account, region=policy_set.region)
    controller = policy_set.role("controller")
    families = f"arn:aws:ecs:{policy_set.region}:{policy_set.account}:task-definition/starburst"
    for workspace in policy_set.workspaces:
        family = f"{families}-{policy_set.name}-{workspace}"
        for user, session in ((None, None), ("alice", None), ("alice", "a" * 20)):
            denial = Policy.parse(
                "launch denial",
                launch_denial_document(
                    policy_set.name, workspace, user=user, session=session, placement=placement
                ),
            )
            resource = logic.text("resource")
            theirs = logic.some(
                logic.like(resource, f"{family}{end}")
                for end in ("", ":*", "-arm64", "-arm64:*", "-x86_64", "-x86_64:*")
            )
            context = world.session(controller)
            if user is not None:
                context.put("aws:RequestTag/starburst:user", user)
            if session is not None:
                context.put("aws:RequestTag/starburst:session", session)
            [one] = requests(context, ["ecs:RunTask"], resource)
            about = f"{user or 'all'} of {workspace}" if session is None else f"a session of {user}"
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
            if session is not None:
                another.put("aws:RequestTag/starburst:session", "b" * 20)
            another.put("aws:RequestTag/starburst:user", user if session else "bob")
            [one] = requests(another, ["ecs:RunTask"], resource)
            yield never(f"another than {about}", [(one, world.refuses(denial, one))])


@theorem(GROUP)
def contained_and_held_objects_stay(world: World) -> Iterator[Claim]:
    """Of who is contained or held nobody of ours erases an object, however late they signed in.

    Their sessions and their home; of a workspace, all that it has. Who is contained does not write
    over one either, and erases or writes nothing that the workspace shares. The policies are the
    very ones that ``python -m deploy.contain`` and ``python -m deploy.hold`` put.
    """
    logic, bucket = world.logic, data_bucket(world)
    erasing = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutLifecycleConfiguration"]
    writing = ["s3:AbortMultipartUpload", "s3:PutObject"]
    for role in world.policy_set.roles:
        for workspace in world.policy_set.workspaces:
            for user, session in ((None, None), ("alice", None), ("alice", SESSION)):
                for why in ("contained", "held") if session is None else ("held",):
                    keeping = Keeping(why=why, workspace=workspace, user=user, session=session)
                    # Roles of other workspaces carry no denial, and need none.
                    denied = role.purpose in WRITERS and role.workspace == workspace
                    denial = [Policy.parse("denial", keeping.document)] if denied else []
                    actions = [*erasing, *(writing if why == "contained" else ())]
                    # The controller writes a session's status, and nothing over another's word.
                    if role.purpose == "controller":
                        actions = erasing
                    context, rest = session_of(world, role), logic.text("key")
                    asked = [
                        one
                        for prefix in _kept(workspace, user, session)
                        for one in requests(
                            context, actions, logic.join(f"{bucket.arn}/{prefix}", rest)
                        )
                    ]
                    if why == "contained" and user is not None and role.purpose in PEOPLE:
                        theirs = world.session(role, user=user)
                        asked += [
                            one
                            for area in (PACKAGES, DATA)
                            for one in requests(
                                theirs,
                                actions,
                                logic.join(f"{bucket.arn}/{area}{workspace}/", rest),
                            )
                        ]
                    yield never(
                        f"{role.name}: {keeping.policy_name}",
                        [(one, world.allowed(role, one, at=bucket, also=denial)) for one in asked],
                    )
    another = Keeping(why="contained", workspace=world.policy_set.workspaces[0], user="alice")
    denial = Policy.parse("denial", another.document)
    context, other = world.context(), logic.text("object")
    hers = [
        logic.like(other, f"arn:aws:s3:::*/{prefix}*")
        for prefix in _kept(another.workspace, "alice", None)
    ]
    yield never(
        "others' objects",
        [(one, world.refuses(denial, one)) for one in requests(context, erasing, other)],
        given=[
            *(logic.no(one) for one in hers),
            context.is_not("aws:PrincipalTag/userName", "alice"),
        ],
    )


def _kept(workspace: str, user: str | None, session: str | None) -> list[str]:
    """Return what is kept of a session, a user, or all of a workspace: a table of its own."""
    if session is not None:
        return [f"{SESSIONS}{workspace}/{user}/{session}/"]
    if user is not None:
        return [f"{area}{workspace}/{user}/" for area in (SESSIONS, HOME)]
    return [f"{area}{workspace}/" for area in (SESSIONS, PACKAGES, DATA, HOME)]


@theorem(GROUP, unless="own-trail")
def incident_records_are_written_once(world: World) -> Iterator[Claim]:
    """Nobody writes an incident record over another, and in production nobody hides or erases one.

    Whatever their policies say; the bucket's own lock keeps each version for its time besides.
    """
    bucket, context = world.policy_set.at("audit/Files"), world.context()
    policy = world.policy(bucket.policy)
    record = world.logic.join(f"{bucket.arn}/incidents/", world.logic.text("record"))
    context.put("s3:ObjectCreationOperation", "true")
    [one] = requests(context, ["s3:PutObject"], record)
    yield never(
        "a second write",
        [(one, world.logic.no(world.refuses(policy, one)))],
        given=[context.is_not("s3:if-none-match", "*")],
    )
    if "kept-keys" not in world.policy_set.without:
        asked = requests(world.context(), ["s3:DeleteObject", "s3:DeleteObjectVersion"], record)
        yield never("erasing", [(one, world.logic.no(world.refuses(policy, one))) for one in asked])


@theorem(GROUP)
def officers_freeze_and_nothing_else(world: World) -> Iterator[Claim]:
    """Who may freeze invokes the controller's alias for officers, and no other function or alias.

    So an officer makes up no sweep, no budget and no analyst's request. The permission is the very
    one that ``python -m deploy.freeze --permission`` prints; that no role of ours invokes that
    alias is another theorem (``each_asks_by_their_own_door``).
    """
    policy_set, logic = world.policy_set, world.logic
    placement = Placement(account=policy_set.account, region=policy_set.region)
    someone = Role(
        arn=f"arn:aws:iam::{policy_set.account}:role/officer",
        tags={},
        trust="",
        policies=(),
        boundary=None,
    )
    policy = Policy.parse("who freezes", freezer_document(policy_set.name, placement=placement))
    door = policy_set.named["control/ControllerOfficers"]
    context, resource = world.session(someone), logic.text("resource")
    every = {*representatives([*policy_set.policies.values(), policy]), *READING, *SHORTENING}
    yield never(
        "another action",
        [
            (one, world.allowed(someone, one, also=[policy]))
            for one in requests(context, sorted(every - {"lambda:InvokeFunction"}), resource)
        ],
    )
    yield never(
        "another function or alias",
        [
            (one, world.allowed(someone, one, also=[policy]))
            for one in requests(context, ["lambda:InvokeFunction"], resource)
        ],
        given=[logic.no(logic.same(resource, door))],
    )
    yield always(
        world,
        "freezing",
        [
            (one, world.allowed(someone, one, also=[policy]))
            for one in requests(context, ["lambda:InvokeFunction"], door)
        ],
    )


@theorem(GROUP)
def responders_read_nothing(world: World) -> Iterator[Claim]:
    """Who contains, isolates, holds, erases, watches or audits reads no data, and takes no power.

    Nor can any of them shorten the life of evidence, but by lifting a hold or erasing, each a
    permission of its own. Who restores must read what comes back, so they are not among these.
    """
    policy_set, logic = world.policy_set, world.logic
    placement = Placement(account=policy_set.account, region=policy_set.region)
    bucket, key = data_bucket(world), data_key(world)
    name = bucket.arn.rpartition(":")[2]
    files = policy_set.named.get("audit/Files")
    locker = (
        Locker(bucket=files.rpartition(":")[2], key_arn=policy_set.named["foundation/LogsKey"])
        if files
        else None
    )
    spaces = policy_set.workspaces
    prefixes = [prefix for workspace in spaces for prefix in _kept(workspace, None, None)]
    someone = Role(
        arn=f"arn:aws:iam::{policy_set.account}:role/responder",
        tags={},
        trust="",
        policies=(),
        boundary=None,
    )
    documents = {
        "contains": container_document(
            policy_set.name,
            spaces,
            bucket=name,
            locker=locker,
            placement=placement,
            apart=apart(policy_set),
        ),
        "isolates": isolator_document(policy_set.name, locker=locker, placement=placement),
        "holds": holder_document(
            policy_set.name, prefixes, bucket=name, locker=locker, placement=placement
        ),
        "erases": eraser_document(
            policy_set.name, prefixes, bucket=name, locker=locker, placement=placement
        ),
        "watches": watcher_document(
            policy_set.name, spaces, trail_log_group="trail", placement=placement
        ),
        "audits": auditor_document(policy_set.name, placement=placement, bucket=name),
    }
    for duty, document in documents.items():
        policy = Policy.parse(f"who {duty}", document)
        known = {action for statement in policy.statements for action in statement.actions}
        context = world.session(someone)
        every = {*representatives([*policy_set.policies.values(), policy]), *READING, *SHORTENING}
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
        if duty == "audits":
            asked = requests(context, ["lambda:InvokeFunction"], resource)
            door = policy_set.named["control/ControllerOfficers"]
            yield never(
                "who audits: another door than the officers'",
                [(one, world.allowed(someone, one, also=[policy])) for one in asked],
                given=[logic.no(logic.same(resource, door))],
            )
        if files is None or duty in ("watches", "audits"):
            continue
        record = logic.text("record")
        writes = requests(context, ["s3:PutObject"], record)
        yield never(
            f"who {duty}: writing anything but records",
            [(one, world.allowed(someone, one, also=[policy])) for one in writes],
            given=[logic.no(logic.starts(record, f"{files}/incidents/{policy_set.name}/"))],
        )
    erases = Policy.parse("who erases", documents["erases"])
    context = world.session(someone)
    controls = logic.join(f"{bucket.arn}/{CONTROL}", logic.text("key"))
    yield never(
        "who erases: the controller's records",
        [
            (one, world.allowed(someone, one, also=[erases]))
            for one in requests(context, ["s3:DeleteObject", "s3:DeleteObjectVersion"], controls)
        ],
    )
    theirs = f"{bucket.arn}/{prefixes[0]}alice/x/manifest.json"
    yield always(
        world,
        "who erases: erasing",
        [
            (one, world.allowed(someone, one, also=[erases]))
            for one in requests(context, ["s3:DeleteObjectVersion"], theirs)
        ],
    )
