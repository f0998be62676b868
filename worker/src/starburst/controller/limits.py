"""The limits of a session, judged where no client can edit them. Pure.

A client checks the same things for a quicker answer; only this check counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from starburst._protocol.manifest import Manifest
from starburst.contract import MAX_WORKERS, Hosts, Limits, RuntimeDocument, WorkspaceDocument
from starburst.contract.times import (
    MAX_ATTEMPTS,
    MAX_IDLE_SECONDS,
    MAX_RETRIES,
    MAX_WAIT_SECONDS,
)
from starburst.errors import (
    ConfigurationError,
    LimitExceeded,
    SessionsFrozen,
    StarburstError,
    VersionMismatch,
    WorkspaceNotFound,
)
from starburst.pricing.fargate import MEMORY_GB, SCRATCH_GB, describe_memory, is_size
from starburst.pricing.prices import Prices
from starburst.pricing.tariff import worker_usd

__all__ = ["Refusal", "affordable_workers", "judge", "refuse"]

_MAX_LABELS: Final = 20
_ABSURD: Final = 1_000_000
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """One reason why a session may not start.

    Attributes:
        kind: the class in ``starburst.errors`` that the client raises.
        message: what, why, and what to do next.
        advice: the end of the message that others may share.
    """

    kind: type[StarburstError]
    message: str
    advice: str = ""


def judge(manifest: Manifest, document: RuntimeDocument, *, prices: Prices) -> list[Refusal]:
    """Return every reason why the session may not start; an empty list lets it.

    Args:
        manifest: what the client asks for.
        document: what the environment offers, and what the workspace may use.
        prices: list prices of the region.
    """
    workspace = document.workspaces.get(manifest.workspace)
    if workspace is None:
        return [
            Refusal(
                kind=WorkspaceNotFound,
                message=f"this environment has no workspace {manifest.workspace!r}; "
                "ask its platform team which ones it has",
            )
        ]
    if workspace.draining:
        return [
            Refusal(
                kind=SessionsFrozen,
                message=f"workspace {manifest.workspace} is being retired and takes no new "
                "session; fetch what you need of it, and ask its platform team where work goes on",
            )
        ]
    absurd = list(_absurd(manifest)) or list(_offer(manifest, document))
    return absurd or [
        *_fleet(manifest, workspace, prices=prices, document=document),
        *_size(manifest),
        *_scratch(manifest, workspace),
        *_times(manifest, workspace),
        *_repetition(manifest),
        *_payload(manifest, workspace, python=document.python),
    ]


def refuse(refusals: list[Refusal]) -> None:
    """Raise the first refusal's error with all of their messages; nothing where there is none.

    Advice that the next one gives as well is said once.
    """
    if not refusals:
        return
    words = [
        one.message.removesuffix(f": {one.advice}")
        if one.advice and after is not None and one.advice == after.advice
        else one.message
        for one, after in zip(refusals, [*refusals[1:], None], strict=True)
    ]
    raise refusals[0].kind("; ".join(words))


def affordable_workers(
    limits: Limits,
    document: RuntimeDocument,
    *,
    cpu: float,
    memory_gb: float,
    scratch_gb: int,
    architecture: str,
    prices: Prices,
) -> int:
    """Return how many workers of a size a workspace's limits allow at once, now."""
    usd = worker_usd(
        document,
        cpu=cpu,
        memory_gb=memory_gb,
        scratch_gb=scratch_gb,
        architecture=architecture,
        prices=prices,
    )
    return max(
        0,
        min(
            MAX_WORKERS,
            limits.workers,
            int(limits.vcpu / cpu + _ROUNDING),
            int(limits.memory_gb / memory_gb + _ROUNDING),
            int(limits.usd_per_hour / usd + _ROUNDING),
        ),
    )


def _over(name: str, *, value: str, allowed: str, advice: str) -> Refusal:
    return Refusal(
        kind=LimitExceeded,
        message=f"{name} is {value}, the limit is {allowed}: {advice}",
        advice=advice,
    )


def _absurd(manifest: Manifest) -> Iterator[Refusal]:
    # JSON's whole numbers have no end, but arithmetic with floats does.
    for name in ("workers", "cpu", "memory_gb", "scratch_gb"):
        value = getattr(manifest, name) or 0
        if value > _ABSURD:
            yield _over(name, value=f"more than {_ABSURD}", allowed="far less", advice="lower it")


def _offer(manifest: Manifest, document: RuntimeDocument) -> Iterator[Refusal]:
    if manifest.architecture not in (None, *document.architectures):
        yield Refusal(
            kind=ConfigurationError,
            message=f"this environment has no {manifest.architecture} workers; it has "
            f"{' and '.join(document.architectures)}",
        )
    if document.hosts is not None:
        yield from _on_hosts(manifest, document.hosts)


def _on_hosts(manifest: Manifest, hosts: Hosts) -> Iterator[Refusal]:
    names = ", ".join(one.name for one in hosts.instances)
    if hosts.usd_per_hour(manifest.cpu, manifest.memory_gb) is None:
        yield Refusal(
            kind=ConfigurationError,
            message=f"no instance of this environment ({names}) has room for a worker with "
            f"{manifest.cpu:g} vCPU and {manifest.memory_gb:g} GB; ask for a smaller one",
        )
    if manifest.capacity != "on-demand" and not hosts.spot:
        yield Refusal(
            kind=ConfigurationError,
            message=f"capacity is {manifest.capacity!r}; this environment has on-demand instances "
            "only",
        )
    if manifest.scratch_gb is not None:
        yield Refusal(
            kind=ConfigurationError,
            message="scratch_gb cannot be chosen here: workers share the disk of their instance",
        )


def _fleet(
    manifest: Manifest, workspace: WorkspaceDocument, *, prices: Prices, document: RuntimeDocument
) -> Iterator[Refusal]:
    limits, workers = workspace.limits, manifest.workers
    # Unfair documents and hand-made manifests meet the same ceiling (S20).
    most = min(MAX_WORKERS, limits.workers)
    fewer = "ask for fewer workers, or ask the platform team to raise the workspace's limit"
    if workers < 1:
        yield _over("workers", value=str(workers), allowed="at least 1", advice="ask for one")
    if workers > most:
        yield Refusal(
            kind=LimitExceeded,
            message=f"workers is {workers}. Workers must be <= {most}: {fewer}",
            advice=fewer,
        )
    vcpu = workers * manifest.cpu
    if vcpu > limits.vcpu + _ROUNDING:
        yield _over(
            "vCPU over all workers", value=f"{vcpu:g}", allowed=f"{limits.vcpu:g}", advice=fewer
        )
    memory = workers * manifest.memory_gb
    if memory > limits.memory_gb + _ROUNDING:
        yield _over(
            "memory over all workers",
            value=f"{memory:g} GB",
            allowed=f"{limits.memory_gb:g} GB",
            advice=fewer,
        )
    usd = workers * worker_usd(
        document,
        cpu=manifest.cpu,
        memory_gb=manifest.memory_gb,
        scratch_gb=manifest.scratch_gb or workspace.scratch_gb,
        architecture=manifest.architecture or "",
        prices=prices,
    )
    if usd > limits.usd_per_hour + _ROUNDING:
        yield _over(
            "the fleet's price per hour",
            value=f"${usd:.2f} at on-demand list prices",
            allowed=f"${limits.usd_per_hour:.2f}",
            advice=fewer,
        )


def _size(manifest: Manifest) -> Iterator[Refusal]:
    cpu, memory_gb = manifest.cpu, manifest.memory_gb
    if cpu not in MEMORY_GB:
        sizes = ", ".join(f"{size:g}" for size in MEMORY_GB)
        yield Refusal(
            kind=ConfigurationError,
            message=f"Fargate sells no worker with {cpu:g} vCPU; it sells {sizes}",
        )
    elif not is_size(cpu, memory_gb):
        yield Refusal(
            kind=ConfigurationError,
            message=f"Fargate sells no worker with {cpu:g} vCPU and {memory_gb:g} GB; "
            f"{cpu:g} vCPU goes with {describe_memory(cpu)}",
        )


def _scratch(manifest: Manifest, workspace: WorkspaceDocument) -> Iterator[Refusal]:
    scratch_gb, (least, most) = manifest.scratch_gb, SCRATCH_GB
    if scratch_gb is None:
        return
    if not least <= scratch_gb <= most:
        yield Refusal(
            kind=ConfigurationError,
            message=f"Fargate sells no worker with {scratch_gb} GB of ephemeral storage; it sells "
            f"{least} to {most} GB",
        )
    elif scratch_gb > workspace.limits.scratch_gb:
        yield _over(
            "scratch_gb",
            value=f"{scratch_gb} GB",
            allowed=f"{workspace.limits.scratch_gb} GB",
            advice="ask for less, or ask the platform team to raise the workspace's limit",
        )


def _times(manifest: Manifest, workspace: WorkspaceDocument) -> Iterator[Refusal]:
    timeout, most = manifest.timeout_seconds, workspace.limits.timeout_seconds
    if timeout > most:
        yield _over(
            "the session's timeout",
            value=f"{timeout} s",
            allowed=f"{most} s",
            advice="ask for less; a session may be extended up to the same limit",
        )
    if manifest.wait_seconds is not None and manifest.wait_seconds > MAX_WAIT_SECONDS:
        yield _over(
            "wait",
            value=f"{manifest.wait_seconds} s",
            allowed=f"{MAX_WAIT_SECONDS} s",
            advice="start it again later",
        )
    if timeout < 1:
        yield _over(
            "the session's timeout",
            value=f"{timeout} s",
            allowed="at least 1 s",
            advice="workers need about a minute to start",
        )
    if not 1 <= manifest.idle_seconds <= MAX_IDLE_SECONDS:
        yield _over(
            "idle_seconds",
            value=str(manifest.idle_seconds),
            allowed=f"1 to {MAX_IDLE_SECONDS}",
            advice="an idle worker costs as much as a busy one",
        )


def _repetition(manifest: Manifest) -> Iterator[Refusal]:
    if not 1 <= manifest.attempts <= MAX_ATTEMPTS:
        yield _over(
            "attempts",
            value=str(manifest.attempts),
            allowed=f"1 to {MAX_ATTEMPTS}",
            advice="a task that takes its worker down this often will do so again",
        )
    if manifest.retries > MAX_RETRIES:
        yield _over(
            "retries",
            value=str(manifest.retries),
            allowed=f"0 to {MAX_RETRIES}",
            advice="ask for fewer",
        )
    if len(manifest.labels) > _MAX_LABELS:
        yield _over(
            "the number of labels",
            value=str(len(manifest.labels)),
            allowed=str(_MAX_LABELS),
            advice="use fewer",
        )


def _payload(manifest: Manifest, workspace: WorkspaceDocument, *, python: str) -> Iterator[Refusal]:
    if manifest.results == "pickle" and not workspace.limits.pickle_results:
        yield _over(
            "results",
            value='"pickle"',
            allowed='"data"',
            advice="this workspace takes no result that could execute; return plain data, "
            "arrays or tables",
        )
    if manifest.python != python:
        yield Refusal(
            kind=VersionMismatch,
            message=f"this client runs Python {manifest.python}, the workers {python}; functions "
            f"do not travel between the two. Use Python {python}",
        )
