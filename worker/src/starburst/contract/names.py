"""Names that the stacks give and the runtime looks for, and the patterns that names must fit."""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "COST_TAG",
    "DATA_VARIABLE",
    "ENVIRONMENT_NAME",
    "PRINCIPAL_NAME",
    "SESSION_AND_CLOUDWATCH",
    "SESSION_ID",
    "TAMPERING",
    "USER_TAG",
    "WORKER_COMMAND",
    "WORKSPACE_TAG",
    "ControllerDoor",
    "WorkerVariable",
    "booked_on",
    "capacity_provider",
    "controller_name",
    "encryption_context",
    "log_group_name",
    "queue_name",
    "queue_prefix",
    "runtime_parameter",
    "task_family",
]

USER_TAG: Final = "userName"
"""The principal tag that names the analyst; it is also their folder in the bucket (P10)."""

WORKSPACE_TAG: Final = "starburst-workspace"
"""The tag of every role and task that belongs to one workspace.

It has no colon, unlike our other tags, because the bucket's policy has it inside a variable: AWS
documents variables with hyphens in a tag's key and shows none with a colon, and a variable that IAM
does not resolve would open or shut the bucket for all workers
(https://docs.aws.amazon.com/IAM/latest/UserGuide/tutorial_attribute-based-access-control.html).
"""

COST_TAG: Final = "starburst-cost"
"""The cost allocation tag by which budgets count: which workspace of which environment pays.

A tag of its own, since ``starburst-workspace`` is the bare name, which two environments of one
account may both have, and a budget that filters by two tags of different keys is documented nowhere
as counting only what has both.
"""

TAMPERING: Final = "starburst-tampering"
"""What stands in each line of a log that tells of something that failed verification, and in no
other line of ours: the alarm's filter and the query of ``deploy.events`` look for this word."""

WORKER_COMMAND: Final = ("python", "-m", "starburst.worker")

SESSION_AND_CLOUDWATCH: Final = "session and cloudwatch"
"""The ``task_output`` by which what tasks print goes to the worker's log as well."""

DATA_VARIABLE: Final = "STARBURST_DATA"
"""The variable by which a task finds its workspace's data; of ours, it sees no other."""

PRINCIPAL_NAME: Final = re.compile(r"[a-z0-9]{3,32}")
"""Workspace and user names. No slash or dash, so that no prefix can reach into another."""

ENVIRONMENT_NAME: Final = re.compile(r"[a-z][a-z0-9]{1,11}")

SESSION_ID: Final = re.compile(r"[a-z0-9]{20}")


class WorkerVariable:
    """Names of the variables that a worker container starts with. None holds a secret (G4)."""

    ENVIRONMENT: Final = "STARBURST_ENVIRONMENT"
    WORKSPACE: Final = "STARBURST_WORKSPACE"
    BUCKET: Final = "STARBURST_BUCKET"
    KEY_ARN: Final = "STARBURST_KEY_ARN"
    SESSION_PREFIX: Final = "STARBURST_SESSION_PREFIX"
    QUEUE_URL: Final = "STARBURST_QUEUE_URL"
    DEADLINE: Final = "STARBURST_DEADLINE"
    LONGEST_SECONDS: Final = "STARBURST_LONGEST_SECONDS"
    TASK_OUTPUT: Final = "STARBURST_TASK_OUTPUT"
    FIPS: Final = "AWS_USE_FIPS_ENDPOINT"
    SECRETS: Final = "STARBURST_SECRETS"
    """Names, by commas, of the variables in which ECS put the workspace's secrets."""


class ControllerDoor:
    """Names of the controller function's aliases: which one a caller used says who may ask.

    IAM lets each kind of caller invoke its own alias, and none the function itself.
    """

    ANALYSTS: Final = "analysts"
    SERVICE: Final = "service"
    OFFICERS: Final = "officers"
    RECORDS: Final = "records"
    """Of an add-on: it tells of sessions and does nothing. Without it nobody can come by it."""


def booked_on(environment: str, workspace: str) -> str:
    """Return the value of ``COST_TAG``: no other workspace of the organization has it.

    Example:
        >>> booked_on("prod", "genomics")
        'prod/genomics'
    """
    return f"{environment}/{workspace}"


def controller_name(environment: str) -> str:
    """Return the controller function's name: roles and policies exist before it.

    Example:
        >>> controller_name("prod")
        'starburst-prod-controller'
    """
    return f"starburst-{environment}-controller"


def runtime_parameter(environment: str) -> str:
    """Return the name of the SSM parameter that holds the runtime document.

    Example:
        >>> runtime_parameter("prod")
        '/starburst/prod/runtime'
    """
    return f"/starburst/{environment}/runtime"


def task_family(environment: str, workspace: str, other: str | None = None) -> str:
    """Return the ECS task definition family of a workspace's workers.

    Args:
        environment: its name.
        workspace: its name.
        other: an architecture that the environment offers besides its own.

    Example:
        >>> task_family("prod", "genomics"), task_family("prod", "genomics", "ARM64")
        ('starburst-prod-genomics', 'starburst-prod-genomics-arm64')
    """
    return "-".join(filter(None, ("starburst", environment, workspace, (other or "").lower())))


def capacity_provider(environment: str, workspace: str, *, spot: bool) -> str:
    """Return the ECS capacity provider of a workspace's own EC2 instances.

    Example:
        >>> capacity_provider("prod", "genomics", spot=True)
        'starburst-prod-genomics-spot'
    """
    return f"starburst-{environment}-{workspace}-{'spot' if spot else 'on-demand'}"


def log_group_name(environment: str, workspace: str) -> str:
    """Return the CloudWatch log group of a workspace's workers (S25)."""
    return f"/aws/ecs/starburst/{environment}/{workspace}"


def queue_prefix(environment: str, workspace: str) -> str:
    """Return what every session queue name of a workspace begins with.

    Example:
        >>> queue_prefix("prod", "genomics")
        'starburst-prod-genomics-'
    """
    return f"starburst-{environment}-{workspace}-"


def queue_name(environment: str, workspace: str, session: str) -> str:
    """Return the name of a session's queue: at most 77 of the 80 characters that SQS allows."""
    return queue_prefix(environment, workspace) + session


def encryption_context(workspace: str, user: str, *, session: str, purpose: str) -> dict[str, str]:
    """Return the KMS encryption context that binds a session's key to its place.

    ``purpose`` is ``"data"`` (client and workers) or ``"signing"`` (client only: the worker role's
    policy allows ``"data"`` alone).
    """
    return {"workspace": workspace, "user": user, "session": session, "purpose": purpose}
