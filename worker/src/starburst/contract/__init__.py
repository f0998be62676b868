"""What the stacks and the runtime agree on, once: by subject in the modules of this package.

Nothing but the standard library stands behind it, so that the CDK app, the controller's Lambda, the
worker image and the analyst's client can all share it and cannot drift apart. Names, keys, limits
and the runtime document are imported from here; times from :mod:`starburst.contract.times`, areas
of the bucket from :mod:`starburst.contract.areas`.
"""

from __future__ import annotations

from .hosts import Hosts, Instance
from .keys import CONTROL_PREFIX, SessionKeys
from .limits import MAX_WORKERS, Limits
from .names import (
    ENVIRONMENT_NAME,
    PRINCIPAL_NAME,
    SESSION_ID,
    TAMPERING,
    USER_TAG,
    WORKER_COMMAND,
    WORKSPACE_TAG,
    ControllerDoor,
    WorkerVariable,
    capacity_provider,
    encryption_context,
    log_group_name,
    queue_name,
    queue_prefix,
    runtime_parameter,
    task_family,
)
from .protocol import PROTOCOL, speaks_protocol
from .runtime_document import SCHEMA, RuntimeDocument, WorkspaceDocument
from .totals import Totals

__all__ = [
    "CONTROL_PREFIX",
    "ENVIRONMENT_NAME",
    "MAX_WORKERS",
    "PRINCIPAL_NAME",
    "PROTOCOL",
    "SCHEMA",
    "SESSION_ID",
    "TAMPERING",
    "USER_TAG",
    "WORKER_COMMAND",
    "WORKSPACE_TAG",
    "ControllerDoor",
    "Hosts",
    "Instance",
    "Limits",
    "RuntimeDocument",
    "SessionKeys",
    "Totals",
    "WorkerVariable",
    "WorkspaceDocument",
    "capacity_provider",
    "encryption_context",
    "log_group_name",
    "queue_name",
    "queue_prefix",
    "runtime_parameter",
    "speaks_protocol",
    "task_family",
]
