"""The stock emulator, patched where it lacks what the design needs: one patch per module.

Every patch says what stock does, and has a probe in ``tests/local`` that fails when the patch stops
working and when stock stops needing it.
"""

from __future__ import annotations

import importlib

from starburst.errors import LocalEnvironmentError

from .patching import Patch

__all__ = ["PATCHES", "load_patches"]

PATCHES = (
    "requests",
    "object_reads",
    "policy_variables",
    "principal_arn",
    "principal_keys",
    "root_key",
    "gate",
    "resources",
    "function_keys",
    "sqs_batches",
    "queue_policies",
    "kms_context",
    "s3_keys",
    "write_conditions",
    "copy_conditions",
    "whole_checksums",
    "s3_names",
    "ecs_resources",
    "stack_keys",
    "pass_role",
    "run_task",
    "stop_task",
    "task_events",
    "lambda_aliases",
    "lambda_reads",
    "mapping_aliases",
    "tasks",
    "security_group_rules",
    "flow_logs",
    "nat_gateways",
    "trails",
    "budgets",
    "role_boundaries",
    "session_durations",
    "bucket_properties",
    "refused_deletions",
    "bucket_lifecycles",
    "bucket_locks",
    "object_locks",
    "blocked_encryption",
    "topic_keys",
    "function_settings",
    "mapping_tags",
    "event_permissions",
    "event_retries",
    "endpoint_properties",
    "endpoint_filters",
    "endpoint_policies",
    "data_protection",
    "metric_math",
    "container_limits",
    "task_platform",
    "worker_python",
)
"""In the order of application: a module of this package each."""


def load_patches(*, without: tuple[str, ...] = ()) -> tuple[Patch, ...]:
    """Import the patches in their order, without those named.

    Raises:
        LocalEnvironmentError: ``without`` names no patch.
    """
    if unknown := set(without) - set(PATCHES):
        raise LocalEnvironmentError(
            f"there is no patch named {', '.join(sorted(unknown))}; there are {', '.join(PATCHES)}"
        )
    modules = (importlib.import_module(f".{n}", __name__) for n in PATCHES if n not in without)
    return tuple(module.PATCH for module in modules)
