"""The key layout of the data bucket as theorems speak of it: names, folders, sessions."""

from __future__ import annotations

from collections.abc import Iterable

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.logic import Formula, Text
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.encoding.vocabulary import representatives
from starburst_assurance.proofs.reading.assembly import QUEUE_USER, SESSION_QUEUE
from starburst_assurance.proofs.reading.policies import Guarded, Role

__all__ = [
    "ATTEMPT",
    "CONTROL",
    "DATA",
    "HOME",
    "LINES",
    "PACKAGES",
    "PEOPLE",
    "RESULT",
    "SERVICES",
    "SESSION",
    "SESSIONS",
    "STS_CHARACTERS",
    "STS_PUNCTUATION",
    "actions_on",
    "analyst_name",
    "data_bucket",
    "data_key",
    "default_groups",
    "every_action",
    "login_context",
    "name",
    "owned_by",
    "queue_named",
    "queue_of",
    "requests",
    "session_id",
    "session_of",
    "tag_by_sts",
    "within",
]

SERVICES = {
    "bucket": "s3",
    "function": "lambda",
    "key": "kms",
    "log-group": "logs",
    "queue": "sqs",
    "repository": "ecr",
    "session-queue": "sqs",
    "topic": "sns",
    "vault": "backup",
}
"""The service whose actions are done to each kind of guarded resource."""

SESSIONS = "sessions/"
"""What the keys of sessions begin with; ``tables.AREAS`` has all areas."""

PACKAGES = "packages/"
"""What the keys of wheels begin with."""

DATA = "data/"
"""What the keys of workspaces' data begin with."""

HOME = "home/"
"""What the keys of users' own folders begin with."""

PEOPLE = ("analyst", "steward")
"""Purposes of the roles whose sessions say whose they are."""

CONTROL = "_control/"
"""What the keys of the controller's records begin with."""

SESSION = "0123456789abcdefghij"
"""The id of a session, where any one will do."""

RESULT = "p000001-00000/000000-000001"
"""The name of a result below ``results/``, where any one will do."""

ATTEMPT = f"{RESULT}.01"
"""The name of an attempt at it."""

LINES = f"{SESSION[:12]}/000001"
"""The name of what tasks printed below ``logs/``, where any one will do."""

STS_PUNCTUATION = " _.:/=+@-"
STS_CHARACTERS = f"a-zA-Z0-9{STS_PUNCTUATION}"
"""What STS takes in a session tag, of the first 128 characters of Unicode: no wildcard."""


def data_bucket(world: World) -> Guarded:
    """Return the bucket that sessions live in."""
    return world.policy_set.at("storage/Data")


def data_key(world: World) -> Guarded:
    """Return the key that sessions, queues and images are encrypted with."""
    return world.policy_set.at("foundation/DataKey")


def default_groups(world: World) -> tuple[str, ...]:
    """Return the security groups that our VPCs have from the start."""
    named = world.policy_set.named
    return tuple(arn for name, arn in named.items() if name.endswith(" default group"))


def actions_on(world: World, service: str) -> tuple[str, ...]:
    """Return one action of each kind that the policy set's policies tell apart."""
    return representatives(world.policy_set.policies.values(), service)


def every_action(world: World) -> tuple[str, ...]:
    """Return one action of each kind, of all services."""
    return representatives(world.policy_set.policies.values())


def tag_by_sts(world: World, text: Text) -> Formula:
    """Return whether STS would take a text as the value of a session tag."""
    return world.logic.word(text, STS_CHARACTERS, 0, 256)


def analyst_name(world: World) -> Text:
    """Return the name in some person's session: what ``names_are_plain_words`` proves of it."""
    return world.logic.name("user", characters="a-zA-Z0-9")


def session_of(world: World, role: Role) -> Context:
    """Return the context of some session of a role: a person's has some name, no other has one.

    What ``names_are_plain_words`` and ``only_people_bring_tags`` prove is what this takes for
    granted.
    """
    return world.session(role, user=analyst_name(world) if role.purpose in PEOPLE else None)


def name(world: World, what: str) -> Text:
    """Return the name of some user or workspace."""
    return world.logic.name(what)


def session_id(world: World) -> Text:
    """Return the id of some session."""
    return world.logic.name("session", low=20, high=20)


def login_context(world: World, user: Text) -> Context:
    """Return the context of a login that asks for a session tag ``userName``."""
    context = world.context()
    context.put("aws:RequestTag/userName", user)
    return context


def queue_of(world: World, workspace: str) -> Guarded:
    """Return the session queues of a workspace, as one."""
    return next(
        item for item in world.policy_set.kind(SESSION_QUEUE) if item.workspace == workspace
    )


def queue_named(queue: Guarded, session: str = "a" * 20) -> str:
    """Return the ARN of one session's queue."""
    return queue.arn.replace("?" * 20, session)


def owned_by(context: Context, user: Text) -> None:
    """Say in a context whose queue is asked."""
    context.put(QUEUE_USER, user)


def requests(context: Context, actions: Iterable[str], resource: Text) -> Iterable[Request]:
    """Yield a request for each action on a resource."""
    for action in actions:
        yield Request(context=context, action=action, resource=resource)


def within(world: World, item: Guarded) -> tuple[Text, tuple[Formula, ...]]:
    """Return any resource that an item's policy may speak for."""
    if item.kind == "log-group":
        # It hangs on no log group: nothing but its own statements keeps it to one.
        return world.logic.text("resource"), ()
    if item.kind != "bucket":
        return item.arn, ()
    resource = world.logic.text("resource")
    return resource, (
        world.logic.some(
            (
                world.logic.same(resource, item.arn),
                world.logic.starts(resource, f"{item.arn}/"),
            )
        ),
    )
