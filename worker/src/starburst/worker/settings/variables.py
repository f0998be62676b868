"""The variables that a worker's task definition and its launch gave it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from starburst.contract import SessionKeys, WorkerVariable
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
    """

    keys: SessionKeys
    bucket: str
    key_arn: str
    queue_url: str
    worker: str

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Variables:
        """Read them; raise ConfigurationError that names what is missing."""
        wanted = (
            WorkerVariable.WORKSPACE,
            WorkerVariable.BUCKET,
            WorkerVariable.KEY_ARN,
            WorkerVariable.SESSION_PREFIX,
            WorkerVariable.QUEUE_URL,
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
        metadata = variables.get("ECS_CONTAINER_METADATA_URI_V4", "")
        return cls(
            keys=keys,
            bucket=variables[WorkerVariable.BUCKET],
            key_arn=variables[WorkerVariable.KEY_ARN],
            queue_url=variables[WorkerVariable.QUEUE_URL],
            worker=metadata.rsplit("/", 1)[-1] or uuid.uuid4().hex,
        )
