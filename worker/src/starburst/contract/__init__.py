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
    COST_TAG,
    DATA_VARIABLE,
    ENVIRONMENT_NAME,
    PRINCIPAL_NAME,
    SESSION_AND_CLOUDWATCH,
    SESSION_ID,
    TAMPERING,
    USER_TAG,
    WORKER_COMMAND,
    WORKSPACE_TAG,
    ControllerDoor,
    WorkerVariable,
    booked_on,
    capacity_provider,
    controller_name,
    encryption_context,
    log_group_name,
    queue_name,
    queue_prefix,
    runtime_parameter,
    task_family,
)
from .packages_document import PackagePolicy, PackagesDocument, packages_parameter
from .protocol import PROTOCOL, RELEASE, speaks_protocol, unserved
from .rates import Rates
from .runtime_document import SCHEMA, DataWriters, RuntimeDocument, WorkspaceDocument
from .totals import Totals
from .workspace_keys import WorkspaceKeys

__all__ = [
    "CONTROL_PREFIX",
    "COST_TAG",
    "DATA_VARIABLE",
    "ENVIRONMENT_NAME",
    "MAX_WORKERS",
    "PRINCIPAL_NAME",
    "PROTOCOL",
    "RELEASE",
    "SCHEMA",
    "SESSION_AND_CLOUDWATCH",
    "SESSION_ID",
    "TAMPERING",
    "USER_TAG",
    "WORKER_COMMAND",
    "WORKSPACE_TAG",
    "ControllerDoor",
    "DataWriters",
    "Hosts",
    "Instance",
    "Limits",
    "PackagePolicy",
    "PackagesDocument",
    "Rates",
    "RuntimeDocument",
    "SessionKeys",
    "Totals",
    "WorkerVariable",
    "WorkspaceDocument",
    "WorkspaceKeys",
    "booked_on",
    "capacity_provider",
    "controller_name",
    "encryption_context",
    "log_group_name",
    "packages_parameter",
    "queue_name",
    "queue_prefix",
    "runtime_parameter",
    "speaks_protocol",
    "task_family",
    "unserved",
]
