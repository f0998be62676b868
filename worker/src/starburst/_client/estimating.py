"""What a burst will cost and how long it will take, before anything is started.

Pure but for one thing that it says aloud: given a function and inputs it runs the function here,
on a few of the inputs, and times it.
"""

from __future__ import annotations

import html
import math
import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from starburst._protocol.manifest import Capacity
from starburst.contract import Limits, RuntimeDocument, WorkspaceDocument
from starburst.errors import ConfigurationError, LimitExceeded, WorkspaceNotFound
from starburst.pricing.fargate import SCRATCH_GB
from starburst.pricing.prices import (
    CERTAIN_SHARE,
    FREE_SCRATCH_GB,
    MINIMUM_BILLED_SECONDS,
    SPOT_DISCOUNT_ADVERTISED,
    Prices,
    billed_seconds,
    fleet_usd,
    load,
)

from .options import SessionOptions

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection

__all__ = ["DEFAULT_REGION", "WORKER_START_SECONDS", "Estimate", "estimate"]

T = TypeVar("T")

DEFAULT_REGION: Final = "us-east-1"
WORKER_START_SECONDS: Final = 90
"""Fargate takes 60 to 90 s to pull the image and start a worker; the longer time is counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What a burst is expected to cost, at list price.

    Attributes:
        usd: in all.
        usd_per_hour: while every worker runs.
        hours: that each worker runs.
        vcpu_hours: over all workers.
        workers, cpu, memory_gb: the fleet.
        region: whose prices were used.
        breakdown: USD by what it is for; sums to ``usd``.
        assumptions: sentences that the numbers rest on.
    """

    usd: float
    usd_per_hour: float
    hours: float
    vcpu_hours: float
    workers: int
    cpu: float
    memory_gb: float
    region: str
    breakdown: Mapping[str, float]
    assumptions: tuple[str, ...]

    def __str__(self) -> str:
        """Return the estimate as people read it."""
        lines = [self._headline(), *(f"  {_dollars(v):>10}  {k}" for k, v in self._rows())]
        return "\n".join([*lines, *(f"- {sentence}" for sentence in self.assumptions)])

    def _headline(self) -> str:
        return (
            f"{_dollars(self.usd)} for {self.workers} workers of {self.cpu:g} vCPU and "
            f"{self.memory_gb:g} GB over {_duration(self.hours)} in {self.region} "
            f"({_dollars(self.usd_per_hour)} per hour, {self.vcpu_hours:.4g} vCPU-hours)"
        )

    def _rows(self) -> list[tuple[str, float]]:
        return [(name, usd) for name, usd in self.breakdown.items() if usd]

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{_dollars(usd)}</td></tr>"
            for name, usd in self._rows()
        )
        notes = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in self.assumptions)
        return (
            f"<div><b>{html.escape(self._headline())}</b>"
            f"<table><tbody>{rows}</tbody></table><ul>{notes}</ul></div>"
        )


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
        region: whose prices; by default the environment's, else ``AWS_REGION``, else us-east-1.
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
    _check(hours=hours, samples=samples, scratch_gb=scratch_gb, architecture=architecture)
    memory_gb = SessionOptions(workers=workers, cpu=cpu, memory=memory, capacity=capacity).memory_gb
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
    notes = [said]
    if hours is None:
        hours, workers, timing = _measured(f, inputs, workers=workers, samples=samples, clock=clock)
        notes += timing
    else:
        notes.append("The hours are taken as given, the start of the workers included.")
        if hours * 3600 < MINIMUM_BILLED_SECONDS:
            notes.append("Fargate bills at least one minute a worker.")
    billed = billed_seconds(hours * 3600) / 3600

    on_host = _on_host(environment, cpu=cpu, memory_gb=memory_gb)
    certain = {"on-demand": workers, "spot": 0, "mixed": workers // CERTAIN_SHARE}[capacity]

    def usd(
        *, vcpu: float = 0, gb: float = 0, scratch: float = 0, span: float = billed, dear: int
    ) -> float:
        bought = ((dear, False), (workers - dear, True))
        if on_host is not None:
            return sum(
                count * span * on_host * (prices.spot_share if spot else 1)
                for count, spot in bought
            )
        return sum(
            fleet_usd(
                workers=count,
                cpu=vcpu,
                memory_gb=gb,
                hours=span,
                scratch_gb=scratch,
                architecture=architecture,
                spot=spot,
                prices=prices,
            )
            for count, spot in bought
        )

    most = usd(vcpu=cpu, gb=memory_gb, scratch=scratch_gb, span=1, dear=workers)
    if entry is not None:
        _within(entry.limits, workers=workers, usd=most, scratch_gb=scratch_gb)
    notes += [
        f"List prices of {prices.region}, noted {prices.date}, without tax, discounts or free "
        "tiers.",
        _of_spot(capacity, certain, prices=prices, dearest=most * billed),
        *(
            ["Whole EC2 instances are billed: what no worker uses of them comes on top."]
            if on_host is not None
            else []
        ),
        "Not counted: messages, objects and logs (cents), and what the environment itself costs: "
        "keys, alarms, and private endpoints, by the hour, also where they are open only while "
        "sessions run.",
    ]
    return Estimate(
        usd=usd(vcpu=cpu, gb=memory_gb, scratch=scratch_gb, dear=certain),
        usd_per_hour=usd(vcpu=cpu, gb=memory_gb, scratch=scratch_gb, span=1, dear=certain),
        hours=hours,
        vcpu_hours=workers * cpu * billed,
        workers=workers,
        cpu=cpu,
        memory_gb=memory_gb,
        region=prices.region,
        breakdown=(
            {
                "vCPU": usd(vcpu=cpu, dear=certain),
                "memory": usd(gb=memory_gb, dear=certain),
                "scratch storage above 20 GB": usd(scratch=scratch_gb, dear=certain),
            }
            if on_host is None
            else {"share of EC2 instances": usd(dear=certain)}
        ),
        assumptions=tuple(notes),
    )


def _check(
    *, hours: float | None, samples: int, scratch_gb: float | None, architecture: str | None
) -> None:
    if hours is not None and not (isinstance(hours, int | float) and 0 < hours < math.inf):
        raise ConfigurationError(f"hours={hours!r}: it must be a number above 0")
    most = SCRATCH_GB[1]
    sold = isinstance(scratch_gb, int | float) and FREE_SCRATCH_GB <= scratch_gb <= most
    if scratch_gb is not None and not sold:
        raise ConfigurationError(
            f"scratch_gb={scratch_gb!r}: Fargate sells {FREE_SCRATCH_GB:g} GB, which are free, to "
            f"{most} GB"
        )
    if architecture is not None and not isinstance(architecture, str):
        raise ConfigurationError(f"architecture={architecture!r} is neither 'x86_64' nor 'arm64'")
    if type(samples) is not int or samples < 1:
        raise ConfigurationError(f"samples={samples!r}: at least one call must be timed")


def _prices(region: str | None, environment: RuntimeDocument | None) -> tuple[Prices, str]:
    if region is not None:
        return load(region), f"Region {region}, as given."
    if environment is not None:
        name = environment.environment
        return load(environment.region), f"Region {environment.region}, of environment {name}."
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


def _of_spot(capacity: Capacity, certain: int, *, prices: Prices, dearest: float) -> str:
    if capacity == "on-demand":
        return (
            f"Fargate Spot may cost up to {SPOT_DISCOUNT_ADVERTISED:.0%} less; that is not "
            "guaranteed and not counted."
        )
    kept = f", but for {certain} on demand" if certain else ""
    return (
        f"Spot workers are counted at {prices.spot_share:.0%} of the on-demand price{kept}. The "
        f"real price varies; all on demand it would be {_dollars(dearest)}, which limits go by."
    )


def _within(limits: Limits, *, workers: int, usd: float, scratch_gb: float) -> None:
    if workers > limits.workers:
        raise LimitExceeded(f"workers is {workers}, the workspace's limit is {limits.workers}")
    if scratch_gb > limits.scratch_gb:
        raise LimitExceeded(
            f"scratch_gb is {scratch_gb:g}, the workspace's limit is {limits.scratch_gb}"
        )
    if usd > limits.usd_per_hour + 1e-9:
        raise LimitExceeded(
            f"the fleet costs {_dollars(usd)} per hour on demand, the workspace's limit is "
            f"{_dollars(limits.usd_per_hour)}: use fewer or smaller workers"
        )


def _measured(
    f: Callable[..., Any] | None,
    inputs: Iterable[Any] | None,
    *,
    workers: int,
    samples: int,
    clock: Callable[[], float],
) -> tuple[float, int, list[str]]:
    if f is None or inputs is None:
        raise ConfigurationError("give hours=, or a function and its inputs to be timed here")
    items: Sequence[Any] = inputs if isinstance(inputs, Sequence) else list(inputs)
    if not items:
        raise ConfigurationError("inputs is empty: there is nothing to estimate")
    times = []
    for index in _spread(len(items), samples):
        begin = clock()
        f(items[index])
        times.append(clock() - begin)
    mean = statistics.fmean(times)
    fleet = min(workers, len(items))
    work = math.ceil(len(items) / fleet) * mean
    hours = (WORKER_START_SECONDS + work) / 3600
    spread = f"{min(times):.3g} to {max(times):.3g} s"
    notes = [
        f"{len(times)} of {len(items)} calls were run and timed on this computer: {mean:.3g} s on "
        f"average ({spread}).",
        "A worker is taken to be as fast as this computer and to run one call at a time.",
        f"Each worker starts in {WORKER_START_SECONDS} s (Fargate: 60 to 90 s), which is billed, "
        "and all start together.",
        "Fargate bills by the second, at least one minute a worker.",
        "The calls are spread evenly; sending inputs and results is not counted.",
    ]
    if fleet < workers:
        notes.append(f"{len(items)} calls occupy {fleet} workers, not {workers}.")
    return hours, fleet, notes


def _spread(count: int, samples: int) -> list[int]:
    """Return indexes spread evenly from the first to the last.

    Example:
        >>> _spread(100, 4), _spread(3, 10), _spread(9, 1)
        ([0, 33, 66, 99], [0, 1, 2], [0])
    """
    chosen = min(count, samples)
    if chosen == 1:
        return [0]
    return [round(i * (count - 1) / (chosen - 1)) for i in range(chosen)]


def _dollars(usd: float) -> str:
    return f"${usd:,.2f}" if usd >= 0.1 else f"${usd:.4f}"  # noqa: PLR2004 - cents tell nothing


def _duration(hours: float) -> str:
    return f"{hours:.3g} h" if hours >= 1 else f"{hours * 60:.3g} min"
