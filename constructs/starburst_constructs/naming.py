"""Names that one stack must know of another stack's resource before that one exists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final

from starburst.contract import controller_name

__all__ = [
    "BACKUPS",
    "HEARTBEAT",
    "HOLDING_TAG",
    "ROLE_TAG",
    "boundary_arn",
    "boundary_name",
    "budgets_topic_arn",
    "budgets_topic_name",
    "cluster_name",
    "cluster_names",
    "controller_log_name",
    "controller_name",
    "deployer_arn",
    "emergency_path",
    "endpoints_stack_name",
    "failures_name",
    "forwarded_log_name",
    "group_parameter",
    "name_following",
    "retired_parameter",
    "role_arn",
    "role_name",
    "trail_name",
    "wakes_name",
]

ROLE_TAG: Final = "starburst:role"
"""Tag of a role that says what it is for; the data bucket's policy knows ``worker`` by it."""

HOLDING_TAG: Final = "starburst:holds"
"""Tag of a key that says what it is for, where who deploys is to know it."""

BACKUPS: Final = "backups"
"""What the key of a backup vault holds."""

HEARTBEAT: Final = "-heartbeat"
"""Ends the name of a metric that is sent in every hour, and so is billed in every hour."""


def boundary_name(environment: str, part: str | None = None) -> str:
    """Return the physical name of an environment's boundary, or of an add-on's own.

    Example:
        >>> boundary_name("prod"), boundary_name("prod", "delivery")
        ('starburst-prod-boundary', 'starburst-prod-boundary-delivery')
    """
    return "-".join(filter(None, ("starburst", environment, "boundary", part)))


def boundary_arn(environment: str, part: str | None = None, *, account: str) -> str:
    """Return the ARN of an environment's permissions boundary, or of an add-on's own.

    Example:
        >>> boundary_arn("prod", account="222233334444")
        'arn:aws:iam::222233334444:policy/starburst-prod-boundary'
    """
    return f"arn:aws:iam::{account}:policy/{boundary_name(environment, part)}"


def budgets_topic_name(environment: str) -> str:
    """Return the name of the topic of spent budgets: the controller knows it before it exists."""
    return f"starburst-{environment}-budgets"


def budgets_topic_arn(environment: str, *, account: str, region: str) -> str:
    """Return the ARN of the topic of spent budgets.

    Example:
        >>> budgets_topic_arn("prod", account="222233334444", region="eu-west-1")
        'arn:aws:sns:eu-west-1:222233334444:starburst-prod-budgets'
    """
    return f"arn:aws:sns:{region}:{account}:{budgets_topic_name(environment)}"


def cluster_name(environment: str, workspace: str | None = None) -> str:
    """Return the name of an environment's ECS cluster, or of a workspace's own.

    The data key's policy names it in the encryption context.

    Example:
        >>> cluster_name("prod"), cluster_name("prod", "genomics")
        ('starburst-prod', 'starburst-prod-genomics')
    """
    return "-".join(filter(None, ("starburst", environment, workspace)))


def cluster_names(environment: str, apart: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the names of all clusters of an environment, its own first.

    Args:
        environment: its name.
        apart: workspaces that have clusters of their own.

    Example:
        >>> cluster_names("prod", ["genomics"])
        ('starburst-prod', 'starburst-prod-genomics')
    """
    return tuple(cluster_name(environment, each) for each in (None, *apart))


def group_parameter(environment: str, workspace: str) -> str:
    """Return the name of the SSM parameter with the id of a workspace's own security group.

    Stacks read it there: an export could not go while another stack imports it, so the workspace
    could never be removed.

    Example:
        >>> group_parameter("prod", "genomics")
        '/starburst/prod/groups/genomics'
    """
    return f"/starburst/{environment}/groups/{workspace}"


def trail_name(environment: str) -> str:
    """Return the trail's name: its bucket's policy names it before the trail exists."""
    return f"starburst-{environment}"


def deployer_arn(*, account: str, region: str, qualifier: str) -> str:
    """Return the ARN of the role in which CloudFormation deploys, as ``cdk bootstrap`` makes it.

    Example:
        >>> deployer_arn(account="222233334444", region="eu-west-1", qualifier="hnb659fds")
        'arn:aws:iam::222233334444:role/cdk-hnb659fds-cfn-exec-role-222233334444-eu-west-1'
    """
    return f"arn:aws:iam::{account}:role/cdk-{qualifier}-cfn-exec-role-{account}-{region}"


def controller_log_name(environment: str) -> str:
    """Return the name of the controller's log group, which holds security events as well."""
    return f"/aws/lambda/{controller_name(environment)}"


def forwarded_log_name(environment: str) -> str:
    """Return the log group of the events that EventBridge passes on of a trail that is not ours."""
    return f"/aws/events/starburst/{environment}/trail"


def endpoints_stack_name(environment: str) -> str:
    """Return the name of the interface endpoints' stack: the controller opens and closes it."""
    return f"starburst-{environment}-endpoints"


def failures_name(environment: str) -> str:
    """Return the name of the queue for events that the controller could not handle.

    It has no third dash, so that no workspace's pattern for session queues can match it.
    """
    return f"starburst-{environment}-failures"


def name_following(name: str, *contents: object) -> str:
    """Return a name that changes with what only a replacement can change.

    CloudFormation makes the new resource before it deletes the old one, so both need a name. What
    is a token has no text yet and must not be among the contents.

    Args:
        name: how it begins.
        contents: values that JSON can hold.

    Example:
        >>> name_following("budget", ["a@example.com"]), name_following("budget", [])
        ('budget-29b0d3c2', 'budget-cf1cbb66')
    """
    digest = hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()
    parts = (digest[start:][:8] for start in range(len(digest)))
    # Of digits and letters, so that nobody takes a date or a word for it.
    return f"{name}-{next(part for part in parts if not (part.isalpha() or part.isdigit()))}"


def emergency_path(environment: str) -> str:
    """Return how the names of SSM parameters begin that record emergencies.

    Example:
        >>> emergency_path("prod")
        '/starburst/prod/emergency/'
    """
    return f"/starburst/{environment}/emergency/"


def retired_parameter(environment: str, workspace: str) -> str:
    """Return the name of the SSM parameter that says that a workspace is retired.

    Example:
        >>> retired_parameter("prod", "genomics")
        '/starburst/prod/retired/genomics'
    """
    return f"/starburst/{environment}/retired/{workspace}"


def wakes_name(environment: str) -> str:
    """Return the name of the queue that wakes the controller; no workspace's pattern matches it."""
    return f"starburst-{environment}-wakes"


def role_name(environment: str, purpose: str, workspace: str | None = None) -> str:
    """Return a role's name; a role of one workspace ends with the workspace's.

    Example:
        >>> role_name("prod", "worker", "genomics")
        'starburst-prod-worker-genomics'
    """
    return "-".join(filter(None, ("starburst", environment, purpose, workspace)))


def role_arn(environment: str, purpose: str, workspace: str | None = None, *, account: str) -> str:
    """Return a role's ARN.

    Other stacks name roles so. An export of the role could not go while another stack imports it,
    so no workspace could ever be removed.
    """
    return f"arn:aws:iam::{account}:role/{role_name(environment, purpose, workspace)}"
