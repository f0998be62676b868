"""What keeps the areas of the data bucket apart: sessions, packages, data, home and records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import (
    CONTROL,
    SESSION,
    SESSIONS,
    actions_on,
    analyst_name,
    data_bucket,
    requests,
    session_of,
)
from starburst_assurance.proofs.encoding.logic import Formula, Text
from starburst_assurance.proofs.solving.theorem import Claim, never, theorem
from starburst_assurance.proofs.theorems.tables import AREAS

GROUP = "Between areas of the bucket"
NAMES = tuple(area.rstrip("/") for area in AREAS if not area.startswith("_"))
"""Areas whose name a user or a workspace may have as well."""


@theorem(GROUP)
def each_area_has_its_own_writers(world: World) -> Iterator[Claim]:
    """No role changes or reads an object of an area that its table does not name it for.

    Packages, data and homes name nobody yet, and what is in no area is nobody's. It holds by
    identity policies alone.
    """
    logic, bucket = world.logic, data_bucket(world)
    actions = actions_on(world, "s3")
    reading = [action for action in actions if action.startswith(("s3:Get", "s3:List"))]
    changing = [action for action in actions if action not in reading]
    for role in world.policy_set.roles:
        for area, (writers, readers) in AREAS.items():
            may_not = [
                *(() if role.purpose in writers else changing),
                *(() if role.purpose in readers else reading),
            ]
            if not may_not:
                continue
            key = logic.join(f"{bucket.arn}/{area}", logic.text("key"))
            asked = requests(session_of(world, role), may_not, key)
            yield never(f"{role.name}, {area}", [(one, world.allowed(role, one)) for one in asked])
        nowhere = logic.text("key")
        asked = requests(session_of(world, role), actions, logic.join(f"{bucket.arn}/", nowhere))
        yield never(
            f"{role.name}, outside all areas",
            [(one, world.allowed(role, one)) for one in asked],
            given=[logic.no(logic.starts(nowhere, area)) for area in AREAS],
        )


@theorem(GROUP)
def an_analyst_has_one_folder(world: World) -> Iterator[Claim]:
    """An analyst reaches no object but below ``sessions/``, their workspace and their name.

    By their own policies alone, and by the bucket's policy alone.
    """
    bucket = data_bucket(world)
    for role in world.policy_set.roles_for("analyst"):
        user = analyst_name(world)
        context = world.session(role, user=user)
        own = world.logic.join(f"{bucket.arn}/{SESSIONS}{role.workspace}/", user, "/")
        key, elsewhere = _elsewhere(world, own)
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
    """Who is called like an area, or whose workspace is, reaches their own sessions only.

    A user's name is tried at both policies. A workspace's is tried at the bucket's, which reads it
    from the role's tag; an environment with such workspaces is proved like any other.
    """
    bucket = data_bucket(world)
    for name in NAMES:
        for role in world.policy_set.roles_for("analyst"):
            context = world.session(role, user=name)
            own = f"{bucket.arn}/{SESSIONS}{role.workspace}/{name}/"
            key, elsewhere = _elsewhere(world, own)
            asked = requests(context, actions_on(world, "s3"), key)
            yield never(
                f"{role.name}, a user called {name}",
                [(one, world.allowed(role, one)) for one in asked],
                given=[elsewhere],
            )
        for purpose in ("analyst", "worker"):
            role = world.policy_set.roles_for(purpose)[0]
            theirs = replace(role, tags={**role.tags, "starburst-workspace": name})
            analyst = purpose == "analyst"
            context = world.session(theirs, user=name if analyst else None)
            own = f"{bucket.arn}/{SESSIONS}{name}/" + (f"{name}/" if analyst else "")
            key, elsewhere = _elsewhere(world, own)
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
    """The controller touches manifests, requests, the status and its records, and nothing else."""
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
    asked = requests(world.session(role), actions_on(world, "s3"), resource)
    yield never(
        role.name,
        [(one, world.allowed(role, one)) for one in asked],
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


def _elsewhere(world: World, own: Text) -> tuple[Text, Formula]:
    """Return any object of the data bucket, and that it is not below a prefix."""
    key = world.logic.join(f"{data_bucket(world).arn}/", world.logic.text("key"))
    return key, world.logic.no(world.logic.starts(key, own))
