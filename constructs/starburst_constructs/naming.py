"""Names that one stack must know of another stack's resource before that one exists."""

from __future__ import annotations

from typing import Final

from starburst_constructs.boundary import boundary_name

__all__ = [
    "ROLE_TAG",
    "boundary_arn",
    "cluster_name",
    "controller_name",
    "failures_name",
    "trail_name",
]

ROLE_TAG: Final = "starburst:role"
"""Tag of a role that says what it is for; the data bucket's policy knows ``worker`` by it."""


def boundary_arn(environment: str, *, account: str) -> str:
    """Return the ARN of an environment's permissions boundary.

    Example:
        >>> boundary_arn("prod", account="222233334444")
        'arn:aws:iam::222233334444:policy/starburst-prod-boundary'
    """
    return f"arn:aws:iam::{account}:policy/{boundary_name(environment)}"


def cluster_name(environment: str) -> str:
    """Return the ECS cluster's name: the data key's policy names it in the encryption context."""
    return f"starburst-{environment}"


def trail_name(environment: str) -> str:
    """Return the trail's name: its bucket's policy names it before the trail exists."""
    return f"starburst-{environment}"


def controller_name(environment: str) -> str:
    """Return the controller function's name: roles and policies exist before it."""
    return f"starburst-{environment}-controller"


def failures_name(environment: str) -> str:
    """Return the name of the queue for events that the controller could not handle.

    It has no third dash, so that no workspace's pattern for session queues can match it.
    """
    return f"starburst-{environment}-failures"
