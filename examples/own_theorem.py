"""A theorem of a platform team's own: what their auditors ask, stated once and proved for good."""

from __future__ import annotations

from collections.abc import Iterator

from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import data_bucket
from starburst_assurance.proofs.encoding.request import Request
from starburst_assurance.proofs.solving.theorem import Claim, never, theorem


@theorem("Our own")
def results_outlive_their_workers(world: World) -> Iterator[Claim]:
    """No worker ever deletes an object, neither its own results nor anything else."""
    for role in world.policy_set.roles_for("worker"):
        request = Request(
            context=world.session(role),
            action="s3:DeleteObject",
            resource=world.logic.join(f"{data_bucket(world).arn}/", world.logic.text("key")),
        )
        yield never(role.name, [(request, world.allowed(role, request, at=data_bucket(world)))])
