"""Why ECS starts no more workers for now: read from its words, told to people. Pure.

None of this is a worker's fault, so none of it spends the budget for replacements.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

__all__ = ["SPOT_SHORTAGES", "Shortage", "describe", "pause", "read"]

Shortage = Literal["capacity", "spot-capacity", "quota", "spot-quota", "addresses", "instances"]

SPOT_SHORTAGES: Final = frozenset({"spot-capacity", "spot-quota"})
"""What on-demand workers do not suffer from."""

_ADDRESSES: Final = ("insufficientfreeaddressesinsubnet", "free ip addresses")
_INSTANCES: Final = (
    "resource:cpu",
    "resource:memory",
    "resource:eni",
    "no container instances",
    "insufficientinstancecapacity",
    "provisioning capacity limit",
)
_CAPACITY: Final = ("capacity is unavailable", "no capacity", "insufficient capacity")
_QUOTA: Final = ("reached the limit", "above your limit")
"""Of the account, whose Fargate quota is small while it is young: the first where its vCPUs are in
use, the second where one worker asks for more than all of them.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
and, as RunTask answers it, https://github.com/dask/dask-cloudprovider/issues/299.
"""

_WORDS: Final[dict[str, str]] = {
    "capacity": "Fargate capacity",
    "spot-capacity": "Fargate Spot capacity",
    "quota": "the account's Fargate vCPU quota (L-3032A538; ask for more in Service Quotas)",
    "spot-quota": (
        "the account's Fargate Spot vCPU quota (L-36FBB829; ask for more in Service Quotas)"
    ),
    "addresses": "free addresses in the subnets",
    "instances": "EC2 instances to run on",
}
_FIRST_PAUSE: Final = 30
_LONGEST_PAUSE: Final = 300


def read(words: str, *, spot: bool) -> Shortage | None:
    """Return what lacks, as ECS says it; None where it speaks of something else.

    Args:
        words: of a refusal, a failure or a stopped task.
        spot: whether Spot was asked for.

    Example:
        >>> read("Capacity is unavailable at this time. Please try again later", spot=True)
        'spot-capacity'
        >>> read("CannotPullContainerError: not found", spot=True) is None
        True
    """
    said = words.lower()
    if any(phrase in said for phrase in _ADDRESSES):
        return "addresses"
    if any(phrase in said for phrase in _QUOTA):
        return "spot-quota" if spot else "quota"
    if any(phrase in said for phrase in _INSTANCES):
        return "instances"
    if any(phrase in said for phrase in _CAPACITY):
        return "spot-capacity" if spot else "capacity"
    return None


def describe(shortage: str) -> str:
    """Return what is waited for, in words; a record of a later release may name what we do not.

    Example:
        >>> describe("quota")
        "the account's Fargate vCPU quota (L-3032A538; ask for more in Service Quotas)"
    """
    return _WORDS.get(shortage, "capacity")


def pause(refusals: int) -> float:
    """Return the seconds before asking again, after so many refusals in a row.

    Example:
        >>> [pause(n) for n in (1, 2, 3, 4, 5, 99)]
        [30.0, 60.0, 120.0, 240.0, 300.0, 300.0]
    """
    return min(float(_LONGEST_PAUSE), _FIRST_PAUSE * 2.0 ** min(refusals - 1, 10))


assert set(_WORDS) == set(get_args(Shortage))  # noqa: S101 - a kind without words is a mistake
