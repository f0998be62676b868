"""Who starts what: the controller alone, and only what it should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from starburst_assurance.proofs.encoding.clusters import apart, cluster_of, clusters
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    CONTROL,
    SESSIONS,
    actions_on,
    data_bucket,
    requests,
    session_of,
)
from starburst_assurance.proofs.reading.policies import EVERYTHING
from starburst_assurance.proofs.solving.theorem import Claim, never, theorem
from starburst_assurance.proofs.theorems.roles.endpoints import passed_for_endpoints
from starburst_assurance.proofs.theorems.roles.tables import NETWORK

GROUP = "Starting work"
STARTING = ("ecs:RunTask", "ecs:StartTask", "ecs:CreateService", "ecs:UpdateService")
INVOKING = ("lambda:InvokeFunction", "lambda:InvokeAsync", "lambda:InvokeFunctionUrl")
ALONE = (
    *STARTING,
    "ecs:StopTask",
    "ecs:RegisterTaskDefinition",
    "iam:PassRole",
    "sqs:CreateQueue",
    "sqs:DeleteQueue",
    "sqs:SetQueueAttributes",
)


@theorem(GROUP)
def only_the_controller_starts(world: World) -> Iterator[Claim]:
    """Only the controller starts or stops tasks, passes roles, and makes or deletes queues."""
    for role in world.policy_set.roles:
        if role.purpose == "controller":
            continue
        asked = requests(session_of(world, role), ALONE, world.logic.text("resource"))
        yield never(role.name, [(one, world.allowed(role, one)) for one in asked])


@theorem(GROUP)
def each_asks_by_their_own_door(world: World) -> Iterator[Claim]:
    """Analysts invoke the controller by its alias for analysts, and no role of ours by another.

    So nobody of ours makes up a sweep, an event of AWS or a spent budget, and none freezes or
    thaws: the aliases themselves let none in either. The function itself nobody invokes. Who
    invokes a function of an add-on is the duty that the add-on states.
    """
    policy_set = world.policy_set
    theirs = [
        arn
        for arn in policy_set.named.values()
        if ":function:" in arn and policy_set.owner(arn) is not None
    ]
    own = policy_set.named["control/ControllerAnalysts"]
    others = [policy_set.named[f"control/Controller{one}"] for one in ("Service", "Officers")]
    guards = {item.arn: item for item in policy_set.kind("function")}
    for role in policy_set.roles:
        context = session_of(world, role)
        resource = world.logic.text("resource")
        asked = requests(context, INVOKING, resource)
        apart = [world.logic.no(world.logic.same(resource, own))]
        of_addons = [
            world.logic.no(
                world.logic.some(
                    (world.logic.same(resource, arn), world.logic.starts(resource, f"{arn}:"))
                )
            )
            for arn in theirs
        ]
        yield never(
            role.name,
            [(one, world.allowed(role, one)) for one in asked],
            given=[*of_addons, *(apart if role.purpose == "analyst" else [])],
        )
        yield never(
            f"{role.name}, by what the aliases themselves let in",
            [
                (one, world.allowed(role, one, at=guards.get(other)))
                for other in others
                for one in requests(context, INVOKING, other)
            ],
        )


@theorem(GROUP)
def only_run_task(world: World) -> Iterator[Claim]:
    """Even the controller starts work in one way only: RunTask, of a workspace's definition.

    And in our own cluster; a workspace that has one of its own has its workers there and nowhere
    else, and no other workspace's workers are there. It stops and looks at ours alone.
    """
    policy_set = world.policy_set
    role = policy_set.role("controller")
    context = world.session(role)
    resource = world.logic.text("resource")
    others = [
        action
        for action in ALONE
        if action.startswith("ecs:") and action not in ("ecs:RunTask", "ecs:StopTask")
    ]
    yield never(
        "other ways",
        [
            (one, world.allowed(role, one))
            for one in requests(context, [*others, "sqs:SetQueueAttributes"], resource)
        ],
    )
    one = next(iter(requests(context, ["ecs:RunTask"], resource)))
    place = f"arn:aws:ecs:{policy_set.region}:{policy_set.account}"
    families = {
        name: world.logic.some(
            world.logic.like(
                resource, f"{place}:task-definition/starburst-{policy_set.name}-{name}{end}"
            )
            for end in ("", ":*", "-arm64", "-arm64:*", "-x86_64", "-x86_64:*")
        )
        for name in policy_set.workspaces
    }
    ours = clusters(policy_set)
    elsewhere = [context.is_not("ecs:cluster", each) for each in ours]
    allowed = world.allowed(role, one)
    yield never(
        "another definition",
        [(one, allowed)],
        given=[world.logic.no(world.logic.some(families.values()))],
    )
    yield never("another cluster", [(one, allowed)], given=elsewhere)
    if apart(policy_set):
        for name, family in families.items():
            yield never(
                f"{name} in another's cluster",
                [(one, allowed)],
                given=[family, context.is_not("ecs:cluster", cluster_of(policy_set, name))],
            )
    yield never(
        "stopping or seeing tasks of another cluster",
        [
            (other, world.allowed(role, other, boundary=False))
            for other in requests(context, ["ecs:DescribeTasks", "ecs:StopTask"], resource)
        ],
        given=[
            world.logic.no(
                world.logic.some(
                    world.logic.like(resource, f"{each.replace(':cluster/', ':task/')}/*")
                    for each in ours
                )
            )
        ],
    )
    yield never(
        "looking at another cluster",
        [
            (other, world.allowed(role, other))
            for other in requests(context, ["ecs:ListTasks"], resource)
        ],
        given=elsewhere,
    )
    yield never(
        "tagging later",
        [
            (other, world.allowed(role, other))
            for other in requests(context, ["ecs:TagResource"], resource)
        ],
        given=[context.is_not("ecs:CreateAction", "RunTask")],
    )


@theorem(GROUP)
def only_worker_roles_to_ecs(world: World) -> Iterator[Claim]:
    """The controller passes worker and launch roles to ECS tasks, and no other role to anything.

    But the endpoint role to CloudFormation, where the environment has one.
    """
    policy_set = world.policy_set
    role = policy_set.role("controller")
    context = world.session(role)
    resource = world.logic.text("resource")
    one = next(iter(requests(context, ["iam:PassRole"], resource)))
    passed = [
        world.logic.same(resource, other.arn) for other in policy_set.roles_for("worker", "launch")
    ]
    # By its own policy alone, were the boundary ever wider.
    allowed = world.allowed(role, one, boundary=False)
    apart = [world.logic.no(known) for known in passed_for_endpoints(world, context, resource)]
    others = world.logic.no(world.logic.some(passed))
    yield never("another role", [(one, allowed)], given=[others, *apart])
    yield never(
        "another service",
        [(one, allowed)],
        given=[context.is_not("iam:PassedToService", "ecs-tasks.amazonaws.com"), *apart],
    )


@theorem(GROUP, unless="kit-boundary")
def no_shell(world: World) -> Iterator[Claim]:
    """Nobody opens a shell in a worker, nor starts one that would allow it."""
    for role in world.policy_set.roles:
        context, later = session_of(world, role), session_of(world, role)
        resource = world.logic.text("resource")
        now = requests(context, ["ecs:ExecuteCommand"], resource)
        later.put("ecs:enable-execute-command", "true")
        asked = [*now, *requests(later, STARTING, resource)]
        yield never(
            role.name, [(one, world.allowed(role, one, whatever_identity=True)) for one in asked]
        )


@theorem(GROUP)
def the_controller_reads_no_data(world: World) -> Iterator[Claim]:
    """The controller reads manifests and requests: never a function, an input or a result."""
    bucket = data_bucket(world)
    role = world.policy_set.role("controller")
    context = world.session(role)
    workspace, user = world.logic.name("workspace"), world.logic.name("user")
    session = world.logic.name("session", low=20, high=20)
    folder = world.logic.join(f"{bucket.arn}/{SESSIONS}", workspace, "/", user, "/", session)
    records = world.logic.every(
        (
            context.has("s3:prefix"),
            world.logic.starts(context.text("s3:prefix"), CONTROL),
        )
    )
    listing = requests(context, ["s3:ListBucket", "s3:ListBucketVersions"], bucket.arn)
    yield never(
        "listing",
        [(one, world.allowed(role, one, at=bucket)) for one in listing],
        given=[world.logic.no(records)],
    )
    for what in ("functions/", "inputs/", "logs/", "results/"):
        # Names of sealed objects have no slash in them: the runtime makes them.
        leaf = world.logic.name("object", characters="a-zA-Z0-9._-", low=1, high=128)
        resource = world.logic.join(folder, f"/{what}", leaf)
        asked = requests(context, actions_on(world, "s3"), resource)
        yield never(
            what,
            [(one, world.allowed(role, one, at=bucket)) for one in asked],
        )


@theorem(GROUP)
def the_controller_writes_status_only(world: World) -> Iterator[Claim]:
    """In a session's folder the controller writes its status and deletes nothing."""
    bucket = data_bucket(world)
    role = world.policy_set.role("controller")
    context = world.session(role)
    resource = world.logic.text("resource")
    control = world.logic.starts(resource, f"{bucket.arn}/{CONTROL}")
    status = world.logic.like(resource, f"{bucket.arn}/{SESSIONS}*/*/*/status.json")
    writing = [
        action for action in actions_on(world, "s3") if not action.startswith(("s3:Get", "s3:List"))
    ]
    yield never(
        role.name,
        [
            (one, world.allowed(role, one, at=bucket))
            for one in requests(context, writing, resource)
        ],
        given=[world.logic.no(world.logic.some((control, status)))],
    )
    deleting = [action for action in writing if action != "s3:PutObject"]
    yield never(
        f"{role.name}, deleting",
        [
            (one, world.allowed(role, one, at=bucket))
            for one in requests(context, deleting, resource)
        ],
        given=[world.logic.no(control)],
    )


@theorem(GROUP)
def the_controllers_denials_stand_alone(world: World) -> Iterator[Claim]:
    """A wider policy for the controller would still open no shell, now or later.

    And its code, as opposed to the Lambda service, would still not touch network interfaces.
    """
    policy_set = world.policy_set
    role = policy_set.role("controller")
    resource = world.logic.text("resource")

    def claim(about: str, actions: Sequence[str], said: Mapping[str, str]) -> Claim:
        context = world.session(role)
        context.put_all(said)
        asked = requests(context, actions, resource)
        return never(
            about,
            [(one, world.allowed(role, one, boundary=False, also=[EVERYTHING])) for one in asked],
        )

    yield claim("a shell", ["ecs:ExecuteCommand"], {})
    yield claim("a shell later", STARTING, {"ecs:enable-execute-command": "true"})
    code = {"lambda:SourceFunctionArn": policy_set.named["control/Controller"]}
    yield claim("interfaces", NETWORK, code)
