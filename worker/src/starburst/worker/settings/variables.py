"""The variables that a worker's task definition and its launch gave it."""

from __future__ import annotations

import math
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from starburst.contract import SESSION_AND_CLOUDWATCH, SessionKeys, WorkerVariable
from starburst.errors import ConfigurationError

__all__ = ["Variables"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Variables:
    """What one worker starts with.

    Attributes:
        keys: its session.
        bucket: the data bucket.
        key_arn: the CMK that unwraps the session's key.
        queue_url: its session's queue.
        worker: a name for logs and results; the ECS task id where there is one.
        longest_seconds: how long a session of its workspace may last, and so a worker.
        deadline: of its session as it was launched, seconds since the epoch; None where a
            controller of an earlier release launched it.
        copied: whether what tasks print goes to the worker's log as well.
        secrets: what ECS gave it of the workspace's secrets; shown by no ``repr``.
    """

    keys: SessionKeys
    bucket: str
    key_arn: str
    queue_url: str
    worker: str
    longest_seconds: float
    deadline: float | None = None
    copied: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Variables:
        """Read them; raise ConfigurationError that names what is missing."""
        wanted = (
            WorkerVariable.WORKSPACE,
            WorkerVariable.BUCKET,
            WorkerVariable.KEY_ARN,
            WorkerVariable.SESSION_PREFIX,
            WorkerVariable.QUEUE_URL,
            WorkerVariable.LONGEST_SECONDS,
        )
        missing = [name for name in wanted if not variables.get(name)]
        if missing:
            raise ConfigurationError(
                f"{', '.join(missing)} not set: the controller starts workers, people do not"
            )
        prefix = variables[WorkerVariable.SESSION_PREFIX]
        keys = SessionKeys.parse(prefix + "manifest.json")
        if keys is None or keys.workspace != variables[WorkerVariable.WORKSPACE]:
            raise ConfigurationError(f"{prefix!r} is not a session of this worker's workspace")
        longest = _seconds(variables, WorkerVariable.LONGEST_SECONDS)
        said = bool(variables.get(WorkerVariable.DEADLINE))
        metadata = variables.get("ECS_CONTAINER_METADATA_URI_V4", "")
        return cls(
            keys=keys,
            bucket=variables[WorkerVariable.BUCKET],
            key_arn=variables[WorkerVariable.KEY_ARN],
            queue_url=variables[WorkerVariable.QUEUE_URL],
            worker=metadata.rsplit("/", 1)[-1] or uuid.uuid4().hex,
            longest_seconds=longest,
            deadline=_seconds(variables, WorkerVariable.DEADLINE) if said else None,
            copied=variables.get(WorkerVariable.TASK_OUTPUT) == SESSION_AND_CLOUDWATCH,
            secrets=tuple(
                variables[name]
                for name in variables.get(WorkerVariable.SECRETS, "").split(",")
                if name in variables
            ),
        )


def _seconds(variables: Mapping[str, str], name: str) -> float:
    try:
        seconds = float(variables[name])
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ConfigurationError(f"{name} is {variables[name]!r:.80}; it must be seconds above 0")
    return seconds
