"""What still carries the tag of a destroyed environment, of whatever service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deploy.incident.command import Clients
from deploy.rehearsal.asking.clock import Clock
from deploy.rehearsal.asking.subject import emulated
from deploy.rehearsal.probes import ENVIRONMENT_TAG

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["LeftBehind", "left_by_tag", "left_in_the_end"]

_STAYS: Final = {
    "ecs:task-definition": "ECS keeps what it knew of task definitions, inactive and free",
    "ecs:cluster": "ECS keeps what it knew of the cluster, inactive and free, for a while",
    "ecs:task": "ECS forgets stopped tasks within the hour",
    "kms:key": "its deletion is told above",
}
"""What AWS keeps by itself, by the beginning of its kind."""


_FORGETS: Final = 300.0
_EVERY: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """What the tags say.

    Attributes:
        told: what stays by AWS's own rules.
        left: what should have gone.
    """

    told: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def left_by_tag(environment: Environment, clients: Clients) -> LeftBehind:
    """Return what the account's tags still know of an environment.

    The answer lags, so it may name what is gone for minutes: each line says to look.

    https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html

    Args:
        environment: that was destroyed.
        clients: of the account.
    """
    if emulated(environment):
        # The local environment does not answer for tags.
        return LeftBehind()
    told: dict[str, int] = {}
    left = []
    pages = clients("resourcegroupstaggingapi").get_paginator("get_resources")
    for page in pages.paginate(TagFilters=[{"Key": ENVIRONMENT_TAG, "Values": [environment.name]}]):
        for each in page["ResourceTagMappingList"]:
            kind = _kind(each["ResourceARN"])
            if kind in _STAYS:
                told[kind] = told.get(kind, 0) + 1
            else:
                left.append(f"{each['ResourceARN']} still carries the environment's tag: look")
    return LeftBehind(
        told=tuple(f"{number} {kind}: {_STAYS[kind]}" for kind, number in sorted(told.items())),
        left=tuple(left),
    )


def left_in_the_end(environment: Environment, clients: Clients, *, clock: Clock) -> LeftBehind:
    """Return what the tags still know when nothing more goes: they name what is gone for minutes.

    Args:
        environment: that was destroyed.
        clients: of the account.
        clock: the time.
    """
    found = LeftBehind()

    def settled() -> bool:
        nonlocal found
        found = left_by_tag(environment, clients)
        return not found.left

    clock.until(settled, within=_FORGETS, every=_EVERY)
    return found


def _kind(arn: str) -> str:
    """Return the service and the kind of an ARN.

    Example:
        >>> _kind("arn:aws:ecs:eu-west-1:111122223333:task-definition/starburst-fd-probe:1")
        'ecs:task-definition'
    """
    _, _, service, _, _, rest = arn.split(":", 5)
    return f"{service}:{rest.partition('/')[0].partition(':')[0]}"
