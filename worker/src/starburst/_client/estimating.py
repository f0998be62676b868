"""What a burst will cost and how long it will take, before anything is started.

It runs nothing but, given a function and inputs, that function, here, on a few of the inputs.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from starburst.contract import RuntimeDocument, WorkspaceDocument
from starburst.errors import ConfigurationError, WorkspaceNotFound
from starburst.pricing.estimates import Estimate, Fleet, estimate_fleet
from starburst.pricing.fargate import SCRATCH_GB
from starburst.pricing.prices import FREE_SCRATCH_GB, Capacity, Prices, load
from starburst.pricing.run_time import RunTime, run_time, spread
from starburst.pricing.tariff import environment_prices

from .numbers import above_zero, number, whole
from .options import SessionOptions

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection

__all__ = ["DEFAULT_REGION", "estimate"]

T = TypeVar("T")

DEFAULT_REGION: Final = "us-east-1"


def estimate(
    f: Callable[[T], object] | None = None,
    inputs: Iterable[T] | None = None,
    *,
    workers: int = 10,
    cpu: float = 1,
    memory: float | str = 4,
    hours: float | None = None,
    region: str | None = None,
    environment: RuntimeDocument | Connection | str | None = None,
    workspace: str | None = None,
    samples: int = 10,
    scratch_gb: float | None = None,
    architecture: str | None = None,
    capacity: Capacity = "on-demand",
    clock: Callable[[], float] = time.perf_counter,
) -> Estimate:
    """Estimate what a burst costs.

    Without ``hours``, **your function runs here**, in this process, on up to ``samples`` inputs
    spread evenly over all of them; their mean time is taken for the rest.

    Args:
        f: the function to be mapped; needed with ``inputs`` where ``hours`` is not given.
        inputs: what it will be mapped over.
        workers: how many workers, 1 to 500.
        cpu: vCPU of each.
        memory: memory of each, GB as a number, or text such as ``"8GB"``.
        hours: how long each worker runs, if known; the worker's start is then part of it.
        region: whose list prices; by default what the environment pays, else the list prices of
            ``AWS_REGION``, else of us-east-1.
        environment: an environment, for its region and limits: its name, which is then looked
            up, a connection to it, or its runtime document.
        workspace: one of its workspaces; its limits are then checked.
        samples: most calls that are timed.
        scratch_gb: ephemeral storage of each worker; 20 GB are free.
        architecture: ``x86_64`` or ``arm64``; by default the environment's.
        capacity: ``"on-demand"``, ``"spot"`` or ``"mixed"``; Spot is counted with the least
            discount that AWS names.
        clock: seconds, for the timing.

    Raises:
        ConfigurationError: an argument is wrong, or the region has no prices.
        LimitExceeded: the fleet is over the workspace's limits, so it would not start.

    Example:
        >>> two_hours = estimate(workers=100, cpu=4, memory=8, hours=2, region="us-east-1")
        >>> f"${two_hours.usd:.2f}"
        '$39.50'
    """
    hours = None if hours is None else above_zero("hours", hours, unit="hours")
    samples = whole("samples", samples, least=1, most=sys.maxsize)
    scratch_gb = _checked(scratch_gb=scratch_gb, architecture=architecture)
    options = SessionOptions(workers=workers, cpu=cpu, memory=memory, capacity=capacity)
    workers, cpu, memory_gb = options.workers or workers, options.cpu, options.memory_gb
    if environment is not None and not isinstance(environment, RuntimeDocument):
        from starburst._client.access.connection import connect  # noqa: PLC0415 - only this case asks AWS

        environment = connect(environment, workspace).document
    prices, said = _prices(region, environment)
    if architecture is None:
        architecture = environment.architecture if environment is not None else "X86_64"
    architecture = _offered(architecture.upper(), environment)
    entry = _workspace(environment, workspace)
    if scratch_gb is None:
        scratch_gb = entry.scratch_gb if entry is not None else FREE_SCRATCH_GB
    if hours is None:
        timed = _timed(f, inputs, workers=workers, samples=samples, clock=clock)
        hours, workers, notes = timed.hours, timed.workers, timed.assumptions
    else:
        notes = ("The hours are taken as given, the start of the workers included.",)
    fleet = Fleet(
        workers=workers,
        cpu=cpu,
        memory_gb=memory_gb,
        scratch_gb=scratch_gb,
        architecture=architecture,
        capacity=capacity,
        host_usd_per_hour=_on_host(environment, cpu=cpu, memory_gb=memory_gb),
    )
    return estimate_fleet(
        fleet,
        hours=hours,
        prices=prices,
        limits=None if entry is None else entry.limits,
        assumptions=(said, *notes),
    )


def _checked(*, scratch_gb: float | None, architecture: str | None) -> float | None:
    most, asked = SCRATCH_GB[1], number(scratch_gb)
    if scratch_gb is not None and not (asked and FREE_SCRATCH_GB <= asked <= most):
        raise ConfigurationError(
            f"scratch_gb={scratch_gb!r}: Fargate sells {FREE_SCRATCH_GB:g} GB, which are free, to "
            f"{most} GB"
        )
    if architecture is not None and not isinstance(architecture, str):
        raise ConfigurationError(f"architecture={architecture!r} is neither 'x86_64' nor 'arm64'")
    return asked


def _prices(region: str | None, environment: RuntimeDocument | None) -> tuple[Prices, str]:
    if region is not None:
        return load(region), f"Region {region}, as given."
    if environment is not None:
        name = environment.environment
        said = f"Region {environment.region}, of environment {name}."
        return environment_prices(environment), said
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if os.environ.get(variable):
            return load(os.environ[variable]), f"Region {os.environ[variable]}, from {variable}."
    return load(DEFAULT_REGION), f"Region {DEFAULT_REGION}, because none is known."


def _workspace(
    environment: RuntimeDocument | None, workspace: str | None
) -> WorkspaceDocument | None:
    if environment is None or workspace is None:
        return None
    entry = environment.workspaces.get(workspace)
    if entry is None:
        known = ", ".join(sorted(environment.workspaces))
        raise WorkspaceNotFound(
            f"environment {environment.environment} has no workspace {workspace!r}; it has {known}"
        )
    return entry


def _offered(architecture: str, environment: RuntimeDocument | None) -> str:
    if environment is not None and architecture not in environment.architectures:
        raise ConfigurationError(
            f"environment {environment.environment} has no {architecture.lower()} workers; it has "
            f"{' and '.join(environment.architectures).lower()}"
        )
    return architecture


def _on_host(environment: RuntimeDocument | None, *, cpu: float, memory_gb: float) -> float | None:
    if environment is None or environment.hosts is None:
        return None
    usd = environment.hosts.usd_per_hour(cpu, memory_gb)
    if usd is None:
        raise ConfigurationError(
            f"no instance of environment {environment.environment} has room for a worker with "
            f"{cpu:g} vCPU and {memory_gb:g} GB"
        )
    return usd


def _timed(
    f: Callable[[T], object] | None,
    inputs: Iterable[T] | None,
    *,
    workers: int,
    samples: int,
    clock: Callable[[], float],
) -> RunTime:
    if f is None or inputs is None:
        raise ConfigurationError("give hours=, or a function and its inputs to be timed here")
    items: Sequence[T] = inputs if isinstance(inputs, Sequence) else list(inputs)
    if not items:
        raise ConfigurationError("inputs is empty: there is nothing to estimate")
    seconds = []
    for index in spread(len(items), samples):
        begin = clock()
        f(items[index])
        seconds.append(clock() - begin)
    return run_time(seconds, calls=len(items), workers=workers)
