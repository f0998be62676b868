"""What a workspace keeps beside sessions: who writes its packages and data, and whose homes are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

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
    requests,
    session_of,
)
from starburst_assurance.proofs.reading.sharing import Sharing
from starburst_assurance.proofs.solving.theorem import Claim, never, theorem

GROUP = "Packages, data and homes"
READING: Final = ("s3:GetObject", "s3:GetObjectVersion", "s3:ListMultipartUploadParts")
WRITING: Final = ("s3:AbortMultipartUpload", "s3:PutObject")
ERASING: Final = ("s3:DeleteObject", "s3:DeleteObjectVersion")

PACKAGE_RIGHTS: Final = {"analyst": WRITING[1:], "steward": (*WRITING, *ERASING)}
DATA_RIGHTS: Final = {"analyst": (*WRITING, "s3:DeleteObject"), "steward": (*WRITING, *ERASING)}
"""What a writer may do beyond reading: an analyst leaves the versions of what they delete."""


@theorem(GROUP)
def packages_come_from_whom_the_workspace_says(world: World) -> Iterator[Claim]:
    """Only whom a workspace's settings name puts wheels there, and only a steward takes one away.

    Where workers have their image alone, nobody puts one. It holds by identity policies alone.
    """
    yield from _writers(world, PACKAGES, PACKAGE_RIGHTS)


@theorem(GROUP)
def data_come_from_whom_the_workspace_says(world: World) -> Iterator[Claim]:
    """Only a steward writes a workspace's data, and its analysts where the settings say so.

    It holds by identity policies alone.
    """
    yield from _writers(world, DATA, DATA_RIGHTS)


@theorem(GROUP)
def workers_write_neither_packages_nor_data(world: World) -> Iterator[Claim]:
    """A worker only ever gets an object of packages and data: by identity, or the bucket alone.

    So what a task leaves behind is neither run nor read by another.
    """
    bucket = data_bucket(world)
    for role in world.policy_set.roles_for("worker"):
        context = world.session(role)
        actions = [one for one in actions_on(world, "s3") if one != "s3:GetObject"]
        for area in (PACKAGES, DATA):
            key = world.logic.join(f"{bucket.arn}/{area}", world.logic.text("key"))
            asked = list(requests(context, actions, key))
            yield never(
                f"{role.name}, {area} by identity",
                [(one, world.allowed(role, one)) for one in asked],
            )
            yield never(
                f"{role.name}, {area} by the bucket",
                [
                    (
                        one,
                        world.allowed(role, one, at=bucket, whatever_identity=True, boundary=False),
                    )
                    for one in asked
                ],
            )


@theorem(GROUP)
def homes_are_their_users(world: World) -> Iterator[Claim]:
    """Nobody but an analyst ever touches a home: no steward, no worker, no controller.

    Of stewards and workers the bucket alone refuses it too, and of stewards every session. That no
    analyst touches another's is ``own_objects_only``. A role of an add-on that is named for data
    may read homes as well, as ``each_area_has_its_own_writers`` says.
    """
    bucket = data_bucket(world)
    for role in world.policy_set.roles:
        if role.purpose == "analyst" or role.arn in world.policy_set.data_roles:
            continue
        context = session_of(world, role)
        areas = (HOME, SESSIONS) if role.purpose == "steward" else (HOME,)
        for area in areas:
            key = world.logic.join(f"{bucket.arn}/{area}", world.logic.text("key"))
            asked = list(requests(context, actions_on(world, "s3"), key))
            yield never(
                f"{role.name}, {area} by identity",
                [(one, world.allowed(role, one)) for one in asked],
            )
            if role.purpose not in ("steward", "worker"):
                continue
            yield never(
                f"{role.name}, {area} by the bucket",
                [
                    (
                        one,
                        world.allowed(role, one, at=bucket, whatever_identity=True, boundary=False),
                    )
                    for one in asked
                ],
            )


@theorem(GROUP)
def links_lead_into_homes_where_allowed(world: World) -> Iterator[Claim]:
    """A signed address opens nothing in a home where the workspace allows no links.

    Where it does, it only reads. A form, which is signed alike, writes nothing there.
    """
    bucket = data_bucket(world)
    for role in world.policy_set.roles_for("analyst"):
        user = analyst_name(world)
        home = f"{bucket.arn}/{HOME}{role.workspace}/"
        key = world.logic.join(home, user, "/", world.logic.text("rest"))
        reads = {"s3:GetObject"} if _sharing(world, role.workspace).links else set[str]()
        actions = [one for one in actions_on(world, "s3") if one not in reads]
        for signed in ("REST-QUERY-STRING", "POST"):
            context = world.session(role, user=user)
            context.put("s3:authType", signed)
            asked = requests(context, actions, key)
            yield never(
                f"{role.name}, {signed}", [(one, world.allowed(role, one)) for one in asked]
            )


def _sharing(world: World, workspace: str | None) -> Sharing:
    return world.policy_set.sharing.get(str(workspace), Sharing())


def _writers(world: World, area: str, rights: dict[str, Sequence[str]]) -> Iterator[Claim]:
    bucket = data_bucket(world)
    for role in world.policy_set.roles_for(*PEOPLE):
        sharing = _sharing(world, role.workspace)
        writers = sharing.packages if area == PACKAGES else sharing.data
        own = rights[str(role.purpose)]
        if role.purpose not in writers:
            # A steward still clears away what is there, and nobody keeps parts of an upload.
            own = (*ERASING, WRITING[0]) if role.purpose == "steward" else ()
        actions = [one for one in actions_on(world, "s3") if one not in (*READING, *own)]
        key = world.logic.join(f"{bucket.arn}/{area}", world.logic.text("key"))
        asked = requests(session_of(world, role), actions, key)
        yield never(f"{role.name}", [(one, world.allowed(role, one)) for one in asked])
