"""What keeps the areas of the data bucket apart: sessions, packages, data, home and records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    CONTROL,
    DATA,
    HOME,
    PACKAGES,
    PEOPLE,
    SESSION,
    SESSIONS,
    actions_on,
    analyst_name,
    data_bucket,
    requests,
    session_of,
)
from starburst_assurance.proofs.encoding.logic import Formula, Text
from starburst_assurance.proofs.encoding.request import Request
from starburst_assurance.proofs.reading.policies import Role
from starburst_assurance.proofs.solving.theorem import Claim, never, theorem
from starburst_assurance.proofs.theorems.roles.duties import within_duties
from starburst_assurance.proofs.theorems.roles.tables import AREAS

GROUP = "Between areas of the bucket"
NAMES = tuple(area.rstrip("/") for area in AREAS if not area.startswith("_"))
"""Areas whose name a user or a workspace may have as well."""


@theorem(GROUP)
def each_area_has_its_own_writers(world: World) -> Iterator[Claim]:
    """No role changes or reads an object of an area that its table does not name it for.

    What is in no area is nobody's. It holds by identity policies alone; what each workspace's
    settings leave to whom is proved beside it. A role of an add-on that is named for data reads
    them, and changes none.
    """
    logic, bucket = world.logic, data_bucket(world)
    actions = actions_on(world, "s3")
    reading = [action for action in actions if action.startswith(("s3:Get", "s3:List"))]
    changing = [action for action in actions if action not in reading]
    for role in world.policy_set.roles:
        named = role.arn in world.policy_set.data_roles
        for area, (writers, readers) in AREAS.items():
            may_not = [
                *(() if role.purpose in writers else changing),
                *(() if named or role.purpose in readers else reading),
            ]
            if not may_not:
                continue
            key = logic.join(f"{bucket.arn}/{area}", logic.text("key"))
            asked = requests(session_of(world, role), may_not, key)
            yield never(f"{role.name}, {area}", [(one, world.allowed(role, one)) for one in asked])
        nowhere = logic.text("key")
        may_not = changing if named else actions
        asked = requests(session_of(world, role), may_not, logic.join(f"{bucket.arn}/", nowhere))
        yield never(
            f"{role.name}, outside all areas",
            [(one, world.allowed(role, one)) for one in asked],
            given=[logic.no(logic.starts(nowhere, area)) for area in AREAS],
        )


@theorem(GROUP)
def people_reach_what_is_theirs(world: World) -> Iterator[Claim]:
    """A person reaches their workspace's packages and data, an analyst also their own folders.

    That is, ``sessions/`` and ``home/`` below their name, and no other object. By their own
    policies alone, and by the bucket's policy alone.
    """
    bucket = data_bucket(world)
    for role in world.policy_set.roles_for(*PEOPLE):
        user = analyst_name(world)
        context = world.session(role, user=user)
        key, elsewhere = _elsewhere(world, _theirs(world, role, user))
        asked = list(requests(context, actions_on(world, "s3"), key))
        yield never(
            f"{role.name}, by identity",
            [(one, world.allowed(role, one)) for one in asked],
            given=[elsewhere],
        )
        yield never(
            f"{role.name}, by the bucket",
            [
                (one, world.allowed(role, one, at=bucket, whatever_identity=True, boundary=False))
                for one in asked
            ],
            given=[elsewhere],
        )


@theorem(GROUP)
def no_name_is_an_area(world: World) -> Iterator[Claim]:
    """Who is called like an area, or whose workspace is, reaches what anybody in their place does.

    A user's name is tried at both policies. A workspace's is tried at the bucket's, which reads it
    from the role's tag; an environment with such workspaces is proved like any other.
    """
    bucket = data_bucket(world)
    for name in NAMES:
        for role in world.policy_set.roles_for(*PEOPLE):
            context = world.session(role, user=name)
            key, elsewhere = _elsewhere(world, _theirs(world, role, name))
            asked = requests(context, actions_on(world, "s3"), key)
            yield never(
                f"{role.name}, a user called {name}",
                [(one, world.allowed(role, one)) for one in asked],
                given=[elsewhere],
            )
        for purpose in (*PEOPLE, "worker"):
            role = world.policy_set.roles_for(purpose)[0]
            theirs = replace(role, tags={**role.tags, "starburst-workspace": name})
            user = name if purpose in PEOPLE else None
            context = world.session(theirs, user=user)
            key, elsewhere = _elsewhere(world, _theirs(world, theirs, user))
            asked = requests(context, actions_on(world, "s3"), key)
            yield never(
                f"{purpose} of a workspace called {name}, by the bucket",
                [
                    (
                        one,
                        world.allowed(
                            theirs, one, at=bucket, whatever_identity=True, boundary=False
                        ),
                    )
                    for one in asked
                ],
                given=[elsewhere],
            )


@theorem(GROUP)
def the_controller_keeps_to_three_names(world: World) -> Iterator[Claim]:
    """The controller touches manifests, requests, the status and its records, and nothing else.

    What an add-on's table says that it reads of the add-on's own, it reads.
    """
    logic, bucket = world.logic, data_bucket(world)
    role = world.policy_set.role("controller")
    session = f"{bucket.arn}/{SESSIONS}*/*/{'?' * 20}/"
    resource = logic.text("resource")
    known = [
        logic.starts(resource, f"{bucket.arn}/{CONTROL}"),
        *(
            logic.like(resource, f"{session}{name}")
            for name in ("manifest.json", "requests/*", "status.json")
        ),
        logic.same(resource, bucket.arn),
    ]
    lent = world.policy_set.duties.get("controller", ())
    ours = logic.some((logic.starts(resource, f"{bucket.arn}/"), logic.same(resource, bucket.arn)))

    def beyond(one: Request) -> Formula:
        reads = lent if one.action in ("s3:GetObject", "s3:ListBucket") else ()
        theirs = within_duties(world, reads, role, one.action, resource)
        return logic.some((ours, logic.no(theirs)))

    yield never(
        role.name,
        [
            (one, logic.every((world.allowed(role, one), beyond(one))))
            for one in requests(world.session(role), actions_on(world, "s3"), resource)
        ],
        given=[logic.no(one) for one in known],
    )


@theorem(GROUP)
def only_the_controller_says_how_a_session_stands(world: World) -> Iterator[Claim]:
    """Nobody but the controller writes a session's status, by which its workers end themselves."""
    bucket = data_bucket(world)
    for role in world.policy_set.roles:
        if role.purpose == "controller":
            continue
        for workspace in world.policy_set.workspaces:
            key = f"{bucket.arn}/{SESSIONS}{workspace}/alice/{SESSION}/status.json"
            [one] = requests(session_of(world, role), ["s3:PutObject"], key)
            yield never(f"{role.name} at {workspace}", [(one, world.allowed(role, one))])


def _theirs(world: World, role: Role, user: Text | None) -> list[Text]:
    """Return the prefixes below which a role's session reaches objects: a worker's has no user."""
    own: list[Text] = [f"{area}{role.workspace}/" for area in (PACKAGES, DATA)]
    if role.purpose == "worker":
        own.append(f"{SESSIONS}{role.workspace}/")
    if role.purpose == "analyst" and user is not None:
        join = world.logic.join
        own += [join(f"{area}{role.workspace}/", user, "/") for area in (SESSIONS, HOME)]
    return own


def _elsewhere(world: World, prefixes: list[Text]) -> tuple[Text, Formula]:
    """Return any object of the data bucket, and that it is below none of the prefixes."""
    logic, arn = world.logic, f"{data_bucket(world).arn}/"
    key = logic.join(arn, logic.text("key"))
    return key, logic.no(logic.some(logic.starts(key, logic.join(arn, one)) for one in prefixes))
