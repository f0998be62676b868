"""What is asked: a deployed throw-away environment, and the ways into it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deploy.incident.command import Clients
from deploy.rehearsal.asking.clock import Clock

if TYPE_CHECKING:
    import boto3

    from stacks.settings import Environment

__all__ = [
    "USER",
    "WORKSPACE",
    "Resource",
    "Subject",
    "emulated",
    "resources_of",
    "stack_prefix",
    "stacks_of",
]

USER: Final = "firstday"
"""The analyst of a first day."""

WORKSPACE: Final = "probe"
"""Their workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What CloudFormation made.

    Attributes:
        kind: such as ``AWS::KMS::Key``.
        stack: its stack's name.
        logical: its name in the template.
        physical: how AWS calls it.
    """

    kind: str
    stack: str
    logical: str
    physical: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A deployed environment that may be asked.

    Attributes:
        environment: its settings.
        clients: of the credentials that deployed it.
        analyst: signs in as the analyst.
        opens: opens a session of so many workers, which ends by itself after so many seconds.
        workers: how many are started and stopped at once.
        has_workers: whether there is an image for them.
        clock: the time.
    """

    environment: Environment
    clients: Clients
    analyst: Callable[[], boto3.Session]
    # The client's session: any object that takes tasks, gives results and ends will do.
    opens: Callable[[int, int], Any]
    workers: int = 100
    has_workers: bool = True
    clock: Clock = field(default_factory=Clock)

    def resources(self, kind: str) -> tuple[Resource, ...]:
        """Return all that the environment's stacks have of one kind, as CloudFormation says now."""
        found = resources_of(self.environment.name, self.clients)
        return tuple(each for each in found if each.kind == kind)


def emulated(environment: Environment) -> bool:
    """Return whether an environment is one of the emulator, which has no endpoint's name to tell.

    Its workers are processes without an image, and it has neither quotas nor tags to ask.
    """
    return "source-vpce" in environment.without


def stack_prefix(environment: str) -> str:
    """Return how the names of an environment's stacks begin.

    Example:
        >>> stack_prefix("dev")
        'starburst-dev-'
    """
    return f"starburst-{environment}-"


def stacks_of(environment: str, clients: Clients) -> dict[str, str]:
    """Return the state of each stack of an environment by its name; deleted ones are none."""
    pages = clients("cloudformation").get_paginator("describe_stacks").paginate()
    return {
        stack["StackName"]: stack["StackStatus"]
        for page in pages
        for stack in page["Stacks"]
        if stack["StackName"].startswith(stack_prefix(environment))
        and stack["StackStatus"] != "DELETE_COMPLETE"
    }


def resources_of(environment: str, clients: Clients) -> Sequence[Resource]:
    """Return what the stacks of an environment hold."""
    pages = clients("cloudformation").get_paginator("list_stack_resources")
    return [
        Resource(
            kind=each["ResourceType"],
            stack=stack,
            logical=each["LogicalResourceId"],
            physical=each.get("PhysicalResourceId", ""),
        )
        for stack in stacks_of(environment, clients)
        for page in pages.paginate(StackName=stack)
        for each in page["StackResourceSummaries"]
        if each["ResourceStatus"] != "DELETE_COMPLETE"
    ]
