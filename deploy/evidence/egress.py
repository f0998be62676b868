"""Ways out of an environment's network: what its settings open, and who is at the other end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stacks.settings import Environment

__all__ = ["Egress", "ways_out"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Egress:
    """One way out.

    Attributes:
        to: who is at its other end.
        carries: what can leave by it, and what cannot.
        setting: that opens it; empty for what no setting closes.
    """

    to: str
    carries: str
    setting: str = ""


def ways_out(environment: Environment) -> tuple[Egress, ...]:
    """Return all ways by which a worker's code could carry something out.

    Args:
        environment: whose settings are read.

    Example:
        >>> from environments import REGULATED
        >>> [each.to for each in ways_out(REGULATED)]
        ["AWS's own bucket of image layers in eu-central-1"]
    """
    return tuple(_found(environment))


def _found(environment: Environment) -> Iterator[Egress]:
    network = environment.network
    if network.egress == "nat":
        yield Egress(
            to="every address in the internet",
            carries="anything, by HTTPS",
            setting="network.egress='nat'",
        )
    if network.existing is not None and network.existing.endpoints == "reuse":
        yield Egress(
            to="whom the owner of the VPC's endpoints lets through",
            carries="what the endpoints' policies allow; nobody here has read them",
            setting="network.existing.endpoints='reuse'",
        )
    if environment.organization_id is not None:
        yield Egress(
            to=f"accounts of the organization {environment.organization_id}",
            carries="what their policies and the role's own allow: the endpoints let all through",
            setting="organization_id",
        )
    yield from _reads(environment)
    yield Egress(
        to=f"AWS's own bucket of image layers in {environment.region}",
        carries="names of objects that are asked for; nothing can be written there",
    )


def _reads(environment: Environment) -> Iterator[Egress]:
    """Yield each bucket of somebody else once, with the workspaces that read it."""
    readers: dict[tuple[str, str], list[str]] = {}
    for workspace in environment.workspaces:
        for read in workspace.named_reads:
            if read.owner == "other":
                readers.setdefault((read.objects, str(read.account)), []).append(workspace.name)
    for (objects, account), names in sorted(readers.items()):
        yield Egress(
            to=f"account {account}, by {objects}",
            carries="names of objects that are asked for, which the bucket's owner sees; nothing "
            "can be written there",
            setting=f"reads of {', '.join(names)}",
        )
