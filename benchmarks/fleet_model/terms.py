"""What a session of the model is asked for, and what its environment grants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from starburst._protocol.manifest import Manifest
from starburst.contract import Limits, RuntimeDocument, WorkspaceDocument, runtime_parameter
from starburst.controller.state.environment import Settings
from starburst.pricing.prices import Capacity

from .cloud import EPOCH, WAKES

__all__ = ["Plan", "document", "manifest", "settings"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be run.

    Attributes:
        name: in the table.
        durations: seconds of each task.
        workers: how many are asked for.
        input_bytes: of each task.
        seed: of everything that is left to chance.
        capacity: on demand, or Spot.
        taken: share of the workers that Fargate takes away in mid-run, when they have run a while.
        idle_seconds: how long a worker stays without work.
        linger: seconds that the client leaves the session open after the last result.
        life: seconds from the session's start to its deadline.
        controller_dies: when the controller does, for good.
    """

    name: str
    durations: Sequence[float]
    workers: int = 500
    input_bytes: int = 24
    seed: int = 0
    capacity: Capacity = "on-demand"
    taken: float = 0.0
    idle_seconds: int = 120
    linger: float = 0.0
    life: int = 86_400
    controller_dies: float = math.inf


def manifest(plan: Plan) -> Manifest:
    """Return what the client asks for."""
    return Manifest(
        workspace="genomics",
        user="alice",
        session="m" * 20,
        workers=plan.workers,
        cpu=1,
        memory_gb=4,
        timeout_seconds=plan.life,
        idle_seconds=plan.idle_seconds,
        task_timeout_seconds=None,
        retries=0,
        attempts=3,
        results="data",
        capacity=plan.capacity,
        created=EPOCH,
        python="3.11",
        public_key="",
        data_key="",
        signing_key="",
    )


def document() -> RuntimeDocument:
    """Return the runtime document of an environment that grants 500 workers."""
    limits = Limits(workers=500, vcpu=500, memory_gb=2000, usd_per_hour=1000)
    workspace = WorkspaceDocument(
        analyst_role_arn="arn:aws:iam::111122223333:role/analyst",
        task_definition="starburst-prod-genomics",
        limits=limits,
        worker_role_arn="arn:aws:iam::111122223333:role/worker",
        scratch_gb=20,
    )
    return RuntimeDocument(
        environment="prod",
        account="111122223333",
        region="eu-west-1",
        bucket="data",
        key_arn="arn:aws:kms:eu-west-1:111122223333:key/data",
        controller="arn:aws:lambda:eu-west-1:111122223333:function:controller",
        python="3.11",
        architecture="X86_64",
        workspaces={"genomics": workspace},
    )


def settings() -> Settings:
    """Return the settings of the controller's function."""
    return Settings(
        environment="prod",
        bucket="data",
        key_arn="arn:aws:kms:eu-west-1:111122223333:key/data",
        cluster="arn:aws:ecs:eu-west-1:111122223333:cluster/cluster",
        subnets=("subnet-a", "subnet-b"),
        security_group="sg-workers",
        parameter=runtime_parameter("prod"),
        wakes=WAKES,
    )
