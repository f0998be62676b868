"""Run the command of an ECS task's container as a local process, with the task role's credentials.

Stock asks Docker; without one a task stays RUNNING and nothing runs. ``starburst.local.containers``
stands in for the Docker client.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starburst.local.containers import Client, Launch
from starburst.local.memory import MemoryWatch

from .patching import Patch, module, put

__all__ = ["PATCH", "be_strict", "role_credentials", "worker_keys"]

_SESSION_SECONDS = 12 * 3600
_LABEL = "com.amazonaws.ecs."

worker_keys: set[str] = set()
"""Access keys of the task roles: who signs with one of these is a worker."""


def _apply() -> None:
    scratch = Path(os.environ["TMPDIR"]) / "containers"
    put(module("services.ecs"), "_docker", Client(scratch=scratch, prepare=_prepare))


def be_strict(python: Path) -> None:
    """Have workers run under a Python of their own, in no more memory than their task has."""
    client = module("services.ecs")._docker
    client.containers.python = python
    client.containers.memory = MemoryWatch()


def _prepare(labels: Mapping[str, str], environment: Mapping[str, str]) -> Launch:
    """Return the whole environment of a container's process, and how long it may take to stop."""
    ecs = module("services.ecs")
    arn = labels[_LABEL + "task-arn"]
    key = (
        f"{labels[_LABEL + 'task-definition-family']}:{labels[_LABEL + 'task-definition-version']}"
    )
    definition = ecs._task_defs.get(key) or {}
    task = ecs._tasks.get(arn) or {}
    role = (task.get("overrides") or {}).get("taskRoleArn") or definition.get("taskRoleArn")
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    region = os.environ["MINISTACK_REGION"]
    given = {
        name: value
        for name, value in environment.items()
        # The emulator's own endpoint gives out keys that it does not know itself.
        if not name.startswith("AWS_CONTAINER_")
    }
    variables = {
        **given,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_CA_BUNDLE": os.environ["AWS_CA_BUNDLE"],
        # pyarrow and polars speak to S3 without botocore, and read this instead. Fargate sets none:
        # S3's own certificate is one that every system trusts.
        "SSL_CERT_FILE": os.environ["AWS_CA_BUNDLE"],
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Fargate's ends in the task's id and a number; the emulator's in a word that it made up, by
        # which no controller knows a worker. Nobody reads what is there.
        "ECS_CONTAINER_METADATA_URI_V4": f"{endpoint}/v4/{arn.rpartition('/')[2]}",
    }
    if role:
        keys = role_credentials(str(role), session=arn.rpartition("/")[2])
        worker_keys.add(keys["AWS_ACCESS_KEY_ID"])
        variables.update(keys)
    memory = (task.get("overrides") or {}).get("memory") or definition.get("memory")
    return Launch(
        environment=variables,
        stop_seconds=_stop_seconds(definition, labels),
        memory_bytes=int(memory) << 20 if memory else None,
    )


def role_credentials(role: str, *, session: str) -> dict[str, str]:
    """Register temporary credentials of a role, as ECS's agent or Lambda would fetch them."""
    account = module("core.responses").get_account_id()
    name = role.rpartition("/")[2]
    key, secret, token = (
        "ASIA" + secrets.token_hex(8).upper(),
        secrets.token_hex(20),
        secrets.token_hex(32),
    )
    module("services.sts").register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
            "UserId": f"AROA{name.upper()[:16]}:{session}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "AccountId": account,
            "PrincipalType": "AssumedRole",
            "Expiration": time.time() + _SESSION_SECONDS,
        },
    )
    return {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": token,
    }


def _stop_seconds(definition: Mapping[str, Any], labels: Mapping[str, str]) -> float:
    for container in definition.get("containerDefinitions", []):
        if container.get("name") == labels[_LABEL + "container-name"]:
            return float(container.get("stopTimeout") or 30)
    return 30.0


PATCH = Patch(name="tasks", stock="runs nothing without Docker", apply=_apply)
